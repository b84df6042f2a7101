"""The one pass over the whole corpus: which documents are kept, and which of them make a shard.

It goes over ids and fingerprints (about 700 bytes a document), never over texts, in corpus order, and fills the same
`State` with the same answers as a build on one machine (see `indexing.changes`, of which this is the part for an index
that begins).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..pages import Folded, NewPage, pack_head
from ..read import Reject
from ..state import State
from .prepare import Head, RecordHead

UNKNOWN_YET = pack_head("", "")  # stands for a folded text until the shard with it is made


@dataclass(slots=True)
class Part:
    """Documents of a split from `begin` on that a shard takes: "k" for one to keep, "a" for one that is folded into
    another, "r" for one that is turned away."""

    split: int
    begin: int
    verdicts: str = ""


@dataclass(slots=True)
class ShardPlan:
    """What a shard is made of, how many rejects and folded pages it counts, and the record the next one begins with."""

    parts: list[Part]
    next_ordinal: int = 0
    rejects: int = 0
    aliases: int = 0
    last: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> ShardPlan:
        return cls(**{**raw, "parts": [Part(**part) for part in raw["parts"]]})


def fold(state: State, splits: Iterable[tuple[int, Iterator[RecordHead]]], shard_passages: int) -> list[ShardPlan]:
    """Decide on every record of (number, records) splits, in order, and note it in the state, which is not committed.

    Shards end between records, as soon as one holds `shard_passages` passages or more.
    """
    work = _Fold(state, shard_passages)
    for number, records in splits:
        work.open.parts.append(Part(number, 0))
        for record in records:
            work.take(record)
    return work.close()


class _Fold:
    """The documents of a corpus, one record after the other."""

    def __init__(self, state: State, shard_passages: int) -> None:
        self.state, self.limit = state, shard_passages
        self.shards: list[ShardPlan] = []
        self.open = ShardPlan([])
        self.kept = self.passages = self.place = self.ordinal = 0

    def take(self, record: RecordHead) -> None:
        rejects = [
            item if isinstance(item, Reject) else _empty(record, item) for item in record.items if _refused(item)
        ]
        placed = rejects or any(isinstance(item, Head) and item.doc_id.startswith(record.path) for item in record.items)
        key = record.keys[1] if placed else record.keys[0]
        taken = [self._take_item(item, record, key) for item in record.items]
        if all(taken):
            self.state.remember_record(key, len(record.items) - len(rejects), rejects)
        else:
            self.state.forget_record(key)
        self.ordinal += 1
        if self.passages >= self.limit:
            self._next()

    def close(self) -> list[ShardPlan]:
        """The shards; the last ends with the corpus, even where that leaves it empty."""
        self._end(last=True)
        return self.shards

    def _take_item(self, item: Head | Reject, record: RecordHead, key: bytes) -> bool:
        """Returns whether the same record would give the same again, whatever stands before it."""
        if isinstance(item, Reject):
            self._reject(item)
            return True
        if self.state.page(item.doc_id) is not None:
            detail = "an earlier document has this id"
            self._reject(Reject(record.path, record.line, item.doc_id, "duplicate_id", detail), "r")
            return False
        if not item.passages:
            self._reject(_empty(record, item), "r")
        else:
            self._add(item, key)
        return True

    def _add(self, item: Head, key: bytes) -> None:
        page = NewPage(self.place, item.doc_id, key, item.content, item.fingerprint)
        self.place += 1
        same = None if item.fingerprint is None else self.state.first_same(item.fingerprint)
        if same is not None:
            self.state.add(page, Folded(same, UNKNOWN_YET))
            self.open.aliases += 1
            self._say("a")
            return
        self.state.add(page, (len(self.shards), self.kept))
        self.kept += 1
        self.passages += item.passages
        self._say("k")

    def _reject(self, reject: Reject, verdict: str = "") -> None:
        self.state.add_reject(reject)
        self.open.rejects += 1
        self._say(verdict)

    def _say(self, verdict: str) -> None:
        self.open.parts[-1].verdicts += verdict

    def _next(self) -> None:
        at = self.open.parts[-1]
        self._end(last=False)
        self.open = ShardPlan([Part(at.split, at.begin + len(at.verdicts))])
        self.kept = self.passages = 0

    def _end(self, *, last: bool) -> None:
        self.open.parts = [part for part in self.open.parts if part.verdicts]
        self.open.next_ordinal, self.open.last = self.ordinal, last
        self.shards.append(self.open)


def _refused(item: Head | Reject) -> bool:
    return isinstance(item, Reject) or not item.passages


def _empty(record: RecordHead, item: Head) -> Reject:
    return Reject(record.path, record.line, item.doc_id, "empty_text")
