"""Indexing the same corpus with other settings: what the index has that still holds is taken over.

With another encoder, passages and BM25 stay as they are (hard links) and only vectors are made. With another chunker
or analyzer, the cleaned documents are read from the index in place of the corpus; what was folded or rejected stays so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webbrain.errors import WebBrainError
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.types import Document

from .adopt import live_documents
from .chunk import chunk
from .files import link_file, sync_folder
from .pages import Place
from .progress import Progress
from .publish import remove_partial
from .receipts import STAGE, Receipt, shard_files
from .settings import BuildSettings, Plan
from .shard import ShardWriter
from .work import Base, Work


def begin(partial: Path, plan: Plan, output: Path, progress: Progress, *, reuses: bool) -> Work:
    """The work of a build: on what the current index has of the same corpus, or else on nothing."""
    base = _same_corpus(output, plan) if reuses else None
    if base is None:
        _drop_other(partial, plan.as_json())
        return Work(partial, plan, None, progress, ordered=True)
    if base.manifest.sparse is not None:
        progress.note(f"the learned-sparse part stays behind; run `webbrain index sparse {output} --model MODEL` again")
    found = _Reusing(plan, base.manifest.build_id)
    _drop_other(partial, found.as_json())
    if _same_passages(base, plan.settings):
        progress.note("the corpus is the same, and so are its passages: reusing them and BM25, only vectors are made")
        return _Encoding(partial, found, base, progress)
    progress.note("the corpus is the same: reusing its cleaned documents from the index, they are only cut anew")
    return _Cutting(partial, found, base, progress)


def _drop_other(partial: Path, plan: dict[str, Any]) -> None:
    """Delete what was begun of the same build on another base."""
    stored = partial / STAGE / "plan.json"
    if stored.exists() and json.loads(stored.read_bytes()) != json.loads(json.dumps(plan)):
        remove_partial(partial)


class _Reusing:
    """A plan, and the build that it takes from."""

    def __init__(self, plan: Plan, base: str) -> None:
        self.plan, self.base = plan, base

    @property
    def settings(self) -> BuildSettings:
        return self.plan.settings

    def as_json(self) -> dict[str, Any]:
        return {**self.plan.as_json(), "reuses": self.base}


def _same_corpus(output: Path, plan: Plan) -> Index | None:
    """The current index, where this version made it of the same state of the corpus and it knows its documents."""
    try:
        index = Index.open(output)
    except WebBrainError:
        return None
    manifest, settings = index.manifest, BuildSettings.from_json(index.manifest.settings)
    made = Plan(plan.fingerprint, (manifest.encoder or {}).get("weights_sha256"), settings)
    same = manifest.corpus.get("equals") == made.build_id and settings.duplicates == plan.settings.duplicates
    return index if same and layout.STATE in manifest.files and index.live == len(index) else None


def _same_passages(base: Index, settings: BuildSettings) -> bool:
    made = BuildSettings.from_json(base.manifest.settings)
    return (made.chunker, made.analyzer, made.shard_passages) == (
        settings.chunker,
        settings.analyzer,
        settings.shard_passages,
    )


class _Encoding(Work):
    """Shards that stay as they are but for their vectors."""

    def __init__(self, partial: Path, plan: _Reusing, base: Index, progress: Progress) -> None:
        super().__init__(partial, plan, Base(base, False, False), progress, ordered=False)
        self.index = base

    def run(self, corpus: Path | None) -> None:
        vectors = self._same_vectors()
        if vectors:
            self.progress.note("and so is the encoder: reusing the vectors, only the way to search them is another")
        for number in range(len(self.receipts), len(self.index.manifest.shards)):
            names = [name.format(number) for name in (*layout.SHARD_FILES, *([layout.VECTORS] if vectors else []))]
            for name in names:
                link_file(self.index.build / name, self.folder / name)
            for folder in {(self.folder / name).parent for name in names}:
                sync_folder(folder)
            entry = self.index.manifest.shards[number]
            files = shard_files(self.folder, number, dense=True) if vectors else self._encode(number)
            self._sign(number, Receipt(entry, 0, 0, 0, 0, False, files))

    def _same_vectors(self) -> bool:
        """Whether only the way to search them is another."""
        made = self.index.manifest.encoder
        return made is not None and self.encoder is not None and made["onnx_sha256"] == self.encoder.card.onnx_sha256


class _Cutting(Work):
    """The documents of an index, cut into passages anew."""

    def __init__(self, partial: Path, plan: _Reusing, base: Index, progress: Progress) -> None:
        super().__init__(partial, plan, Base(base, False, False), progress, ordered=False)
        self.index = base

    def run(self, corpus: Path | None) -> None:
        self.state.remember_places()
        documents = self._documents(self.done.next_ordinal)
        while not self.done.last:
            number = len(self.receipts)
            writer = self._open_shard(number)
            try:
                self.done.last = self._cut(writer, documents)
                entry = writer.finish()
            finally:
                writer.close()
            files = shard_files(self.folder, number, dense=self.encoder is not None)
            self._sign(number, Receipt(entry, self.done.next_ordinal, 0, 0, 0, self.done.last, files))

    def _cut(self, writer: ShardWriter, documents: Iterator[tuple[Place, Document]]) -> bool:
        """Fill a shard; returns whether that was the last document."""
        for origin, document in documents:
            writer.add(document, chunk(document.text, self.settings.chunker))
            self.state.move_one(origin, (writer.shard, writer.documents - 1))
            self.done.next_ordinal += 1
            self.progress.reading(self.done.next_ordinal, self.index.manifest.totals["documents"], 0)
            if writer.passages >= self.settings.shard_passages:
                return False
        return True

    def _documents(self, begin: int) -> Iterator[tuple[Place, Document]]:
        """The documents of the index in the order of its rows, from number `begin` on."""
        at = 0
        for shard, passages in enumerate(self.index.passages):
            for number in live_documents(self.index, shard, passages):
                if at >= begin:
                    yield (shard, number), passages.document(number)
                at += 1
