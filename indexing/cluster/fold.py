"""The one pass over the whole corpus: which documents are kept, and which of them make a shard.

It goes over ids and fingerprints (about 600 bytes a document), never over texts, in corpus order, and asks the same
`DuplicateFinder` the same questions as a build on one machine, so that it decides the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from ..duplicates import DuplicateFinder, Fingerprint
from ..settings import BuildSettings
from .prepare import Prepared, read_facts
from .storage import Storage

SHARDS = "fold/shards.json"

Verdict = Literal["keep", "reject", "duplicate_id", "empty_text", "alias"]
CODES: dict[str, Verdict] = {"k": "keep", "r": "reject", "d": "duplicate_id", "e": "empty_text", "a": "alias"}
_CODE_OF = {verdict: code for code, verdict in CODES.items()}


@dataclass(slots=True)
class Part:
    """Items `begin`.. of a split that a shard takes; `verdicts` holds a letter for each (see CODES), `same_as` the ids
    that its aliases, in order, stand for."""

    split: int
    begin: int
    verdicts: str = ""
    same_as: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ShardPlan:
    """What a shard is made of; `next_ordinal` is the corpus record that the next one begins with."""

    parts: list[Part]
    next_ordinal: int
    last: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> ShardPlan:
        return cls([Part(**part) for part in raw["parts"]], raw["next_ordinal"], raw["last"])


@dataclass(frozen=True, slots=True)
class Fold:
    shards: list[ShardPlan]
    skipped: int


def fold(storage: Storage, splits: Iterable[int], settings: BuildSettings) -> Fold:
    """Decide, and store what was decided; read back where that was done before."""
    stored = storage.get_json(SHARDS)
    if stored is None:
        with TemporaryDirectory() as folder:
            shards, skipped = _decide(storage, splits, settings, Path(folder))
        stored = {"shards": [shard.as_json() for shard in shards], "skipped": skipped}
        storage.put_json(SHARDS, stored)
    return Fold([ShardPlan.from_json(raw) for raw in stored["shards"]], stored["skipped"])


def _decide(
    storage: Storage, splits: Iterable[int], settings: BuildSettings, folder: Path
) -> tuple[list[ShardPlan], int]:
    judge = _Judge(folder / "duplicates.sqlite", settings.duplicates == "fold")
    planner = _Planner(settings.shard_passages)
    skipped = 0
    for number in splits:
        prepared = read_facts(storage, number, folder)
        planner.begin(number, prepared)
        for item, verdict, same_as in judge.verdicts(prepared):
            planner.take(item, verdict, same_as)
        planner.end(prepared)
        skipped += prepared.skipped
    judge.finder.close()
    return planner.finish(), skipped


class _Judge:
    """Decides as `indexing.build` does: repeated id, then empty text, then same text, then kept."""

    def __init__(self, path: Path, folding: bool) -> None:
        self.finder = DuplicateFinder(path)
        self.folding = folding
        self.kept = 0

    def verdicts(self, prepared: Prepared) -> Iterator[tuple[int, Verdict, str]]:
        """(item, verdict, id of the document that it repeats or "") of every item of a split."""
        for item, doc_id in enumerate(prepared.ids):
            yield item, *self._judge(prepared, item, doc_id)

    def _judge(self, prepared: Prepared, item: int, doc_id: str) -> tuple[Verdict, str]:
        if prepared.rejected(item):
            return "reject", ""
        if self.finder.id_row(doc_id) is not None:
            return "duplicate_id", ""
        if prepared.passages(item) == 0:
            return "empty_text", ""
        return self._judge_text(prepared.fingerprint(item), doc_id)

    def _judge_text(self, fingerprint: Fingerprint, doc_id: str) -> tuple[Verdict, str]:
        row = self.finder.find(fingerprint) if self.folding else None
        if row is not None:
            return "alias", self.finder.id_of(row)
        self.finder.add_id(self.kept, doc_id)
        if self.folding:
            self.finder.add(self.kept, fingerprint)
        self.kept += 1
        return "keep", ""


class _Planner:
    """Cuts shards between records, as soon as one holds `shard_passages` passages or more."""

    def __init__(self, shard_passages: int) -> None:
        self.limit = shard_passages
        self.shards: list[ShardPlan] = []
        self.parts: list[Part] = []
        self.passages = 0
        self.ordinal = 0  # of the first record of the split in hand
        self.prepared: Prepared | None = None

    def begin(self, split: int, prepared: Prepared) -> None:
        self.prepared = prepared
        self.parts.append(Part(split, 0))

    def take(self, item: int, verdict: Verdict, same_as: str) -> None:
        assert self.prepared is not None
        part = self.parts[-1]
        part.verdicts += _CODE_OF[verdict]
        if verdict == "alias":
            part.same_as.append(same_as)
        if verdict == "keep":
            self.passages += self.prepared.passages(item)
        if self.passages >= self.limit and self.prepared.ends_record(item):
            record = self.ordinal + int(self.prepared.facts[item]["record"])
            self._close(record + 1, last=False)
            self.parts = [Part(part.split, item + 1)]

    def end(self, prepared: Prepared) -> None:
        self.ordinal += prepared.records

    def finish(self) -> list[ShardPlan]:
        self._close(self.ordinal, last=True)
        return self.shards

    def _close(self, next_ordinal: int, *, last: bool) -> None:
        self.shards.append(ShardPlan([part for part in self.parts if part.verdicts], next_ordinal, last))
        self.parts, self.passages = [], 0
