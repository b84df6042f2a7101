"""What one pass over a corpus changes in an index: document by document, in the order of the corpus.

In an ordered pass (build, update) the result is that of a build from nothing: the first document of an id counts, and
a page is folded into the first kept page before it that says the same. Pages keep what was decided about them as long
as nothing before them changed that could matter. In a pass that only adds (add, remove) new pages come behind those
there are, and a folded page whose page went comes behind them too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from webbrain.analysis import Analyzer
from webbrain.store.index import Index
from webbrain.types import Document

from .block import Block, BlockMaker
from .chunk import chunk
from .duplicates import Fingerprint
from .given import Given, Ready, Unpacker, prepare_all, record_keys
from .pages import Folded, NewPage, Page, Pass, Place, pack
from .read import RawRecord, Reject
from .settings import BuildSettings
from .state import State


class Changes:
    """Takes records, and says to `write` which documents belong into a new shard; the rest is done in the state."""

    def __init__(
        self,
        state: State,
        progress: Pass,
        settings: BuildSettings,
        base: Index | None,
        write: Callable[[Block, int], Place],
    ) -> None:
        self.state, self.progress, self.settings, self.base, self.write = state, progress, settings, base, write
        self._maker, self._unpacker = BlockMaker(Analyzer(settings.analyzer)), Unpacker()

    def is_known(self, record: RawRecord) -> bool:
        """Whether the record was taken before, so that nothing has to be prepared of it."""
        return self.base is not None and self.state.known(record_keys(record)) is not None

    def take(self, record: RawRecord, given: Given | None = None) -> None:
        """Bring the index up to date with one record of the corpus; `given` is what it gives, where that is there."""
        keys = record_keys(record) if given is None else given.keys
        known = None if self.base is None else self.state.known(keys)
        if known is None:
            found = given or self._unpacker.unpacked(prepare_all([record], self.settings, self._maker))[0]
            self._take_new(record, keys, found.items)
            return
        self.state.see_record(known.key)
        for reject in known.rejects:
            self._reject(reject, told=not self.state.ordered)
        for page in known.pages:
            self._keep(page, page.record)

    def settle(self) -> None:
        """The corpus has come to its end: what it should have had and has not is gone."""
        for page in self.state.gone():
            self.remove(page)

    def remove(self, page: Page) -> None:
        self.state.remove(page)
        self.progress.count("removed")

    def adopt_orphan(self, page: Page) -> None:
        """A page whose page is gone is folded into another, or comes back."""
        document = self.state.folded(page)
        if document is None:
            self.state.remove(page)
            self.progress.lost.append(page.doc_id)
            return
        seen = replace(page, seen=self._next_place())
        self.state.see(seen, seen.seen or 0, page.record)
        self._decide(seen, page.fingerprint)

    def _take_new(self, record: RawRecord, keys: tuple[bytes, bytes], items: list[Ready | Reject]) -> None:
        rejects = [item if isinstance(item, Reject) else _empty(record, item) for item in items if _is_refused(item)]
        placed = rejects or any(isinstance(item, Ready) and item.doc_id.startswith(record.path) for item in items)
        key = keys[1] if placed else keys[0]
        taken = [self._take_item(item, record, key) for item in items]
        if all(taken):
            self.state.remember_record(key, len(items) - len(rejects), rejects)
        else:
            self.state.forget_record(key)

    def _take_item(self, item: Ready | Reject, record: RawRecord, key: bytes) -> bool:
        """Returns whether the same record would give the same again, whatever stands before it."""
        if isinstance(item, Reject):
            self._reject(item)
            return True
        old = self.state.page(item.doc_id)
        if old is not None and old.seen is not None:
            self._reject(
                Reject(record.path, record.line, item.doc_id, "duplicate_id", "an earlier document has this id")
            )
            return False
        if not item.passages:
            self._reject(_empty(record, item))
        elif old is not None and old.content == item.content:
            self._keep(old, key)
        else:
            self._replace(old, item, key)
        return True

    def _replace(self, old: Page | None, item: Ready, key: bytes) -> None:
        """A document that is new, or other than the one with its id."""
        self.progress.count("added" if old is None else "replaced")
        if old is not None:
            self._supersede(old, key)
            self.state.remove(old)
        page = NewPage(self._next_place(), item.doc_id, key, item.content, item.fingerprint)
        same = None if item.fingerprint is None else self.state.first_same(item.fingerprint)
        if same is not None:
            self.progress.count("duplicates")
            self.state.add(page, Folded(same, pack(item.block.document(item.number))))
            return
        self.state.add(page, self.write(item.block, item.number))
        self._doubt(item.fingerprint)

    def _keep(self, page: Page, record: bytes) -> None:
        """A page that is as it was; in an ordered pass it may be another's double now, or no longer."""
        self.progress.count("unchanged")
        if not self.state.ordered:
            self.state.see(page, page.place, record)
            return
        moved = page.place < self.progress.furthest
        self.progress.furthest = max(page.place, self.progress.furthest)
        holds = page.same_as is None or self.state.stands(page.same_as)
        place = self._next_place()
        if moved or page.doubtful or not holds:
            self._decide(page, page.fingerprint)
        self.state.see(page, place, record)

    def _decide(self, page: Page, print_: Fingerprint | None) -> None:
        """Keep a page that the index has, or fold it."""
        same = None if print_ is None else self.state.first_same(print_)
        if same is not None:
            self.state.fold(page, Folded(same, b"" if page.same_as is not None else pack(self._document(page))))
            return
        if page.same_as is not None:
            self.progress.count("returned")
            document = self._document(page)
            self._maker.add(document, chunk(document.text, self.settings.chunker))
            self.state.put(page, *self.write(self._maker.take(), 0))
        self._doubt(print_)

    def _document(self, page: Page) -> Document:
        """The document of a page of the base, from its shard or from among the folded."""
        if page.shard is not None and page.document is not None and self.base is not None:
            return self.base.passages[page.shard].document(page.document)
        found = self.state.folded(page)
        assert found is not None, "a folded page without its text is in no known record"
        return found

    def _doubt(self, print_: Fingerprint | None) -> None:
        if self.base is not None and self.state.ordered and print_ is not None:
            self.state.doubt(print_)

    def _supersede(self, old: Page, key: bytes) -> None:
        if not self.state.ordered and old.record != key:
            self.state.supersede(old.record)

    def _reject(self, reject: Reject, *, told: bool = False) -> None:
        """`told`: it stands in the list of the base already."""
        self.progress.count("rejected")
        if not told:
            self.state.add_reject(reject)

    def _next_place(self) -> int:
        place = self.progress.next_place
        self.progress.next_place += 1
        return place


def _is_refused(item: Ready | Reject) -> bool:
    return isinstance(item, Reject) or not item.passages


def _empty(record: RawRecord, item: Ready) -> Reject:
    return Reject(record.path, record.line, item.doc_id, "empty_text")
