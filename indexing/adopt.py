"""The state of an index that has none (format 1, or made on a cluster), from what its shards hold."""

from __future__ import annotations

from pathlib import Path

from webbrain.store.index import Index
from webbrain.store.passages import PassageShard

from .given import prepare_document
from .pages import Folded, NewPage, pack_head
from .settings import BuildSettings
from .state import State


def adopt(index: Index, path: Path, settings: BuildSettings) -> None:
    """Write the state of `index` to `path`. No record is known, so the next update cleans each once more; the texts of
    folded pages are not known either, so these go with the page they are folded into."""
    state, place = State(path), 0
    for shard, passages in enumerate(index.passages):
        for number in live_documents(index, shard, passages):
            item = prepare_document(passages.document(number), settings)
            state.add(NewPage(place, item.document.doc_id, b"", item.content, item.fingerprint), (shard, number))
            place += 1
    for same_as, pages in index.aliases.items():
        kept = state.page(same_as)
        if kept is None:
            continue
        for page in pages:
            text = pack_head(page["title"], page["url"])
            state.add(NewPage(place, page["doc_id"], b"", None, None), Folded(kept.number, text))
            place += 1
    state.begin()
    state.commit()
    state.close()


def live_documents(index: Index, shard: int, passages: PassageShard) -> list[int]:
    """The documents of a shard that have rows which are not deleted, in order."""
    deleted = index.deleted[shard]
    gone = set() if deleted is None else set(deleted.tolist())
    return sorted({passages.document_of(row) for row in range(len(passages)) if row not in gone})
