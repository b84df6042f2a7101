"""One shard: the kept documents of its parts become the files of a shard, with the single machine's own writers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from webbrain.analysis import Analyzer, AnalyzerSettings
from webbrain.encoding.encoder import OnnxEncoder
from webbrain.types import Document

from ..read import Reject
from ..receipts import STAGE_ALIASES, STAGE_REJECTS, Receipt, shard_files
from ..shard import ShardWriter
from ..vectors import encode_shard
from .fold import CODES, Part, ShardPlan
from .prepare import Item, read_items
from .storage import Storage, file_facts

RECEIPT = "shards/{:05d}.json"
FILE = "shards/{}"
ENCODER_FILES = "encoder.json"


@dataclass(frozen=True, slots=True)
class ShardTask:
    """Everything that a machine has to know to make a shard."""

    storage: str
    number: int
    plan: ShardPlan
    skipped: int
    analyzer: AnalyzerSettings
    dense: bool
    threads: int

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> ShardTask:
        return cls(**{**raw, "plan": ShardPlan.from_json(raw["plan"]), "analyzer": AnalyzerSettings(**raw["analyzer"])})


def make_shard(task: ShardTask) -> None:
    """Make the files of a shard, store them, and sign for them; nothing where that is done already."""
    storage = Storage(task.storage)
    if is_made(storage, task.number):
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        receipt = _build(task, storage, folder)
        sides = {pattern.format(task.number): folder for pattern in (STAGE_REJECTS, STAGE_ALIASES)}
        for file in [*receipt.files, *sides]:
            storage.put(folder / file, FILE.format(file))
        stored = {FILE.format(file): file_facts(folder / file) for file in [*receipt.files, *sides]}
    storage.put_json(RECEIPT.format(task.number), {"receipt": asdict(receipt), "files": stored})


def is_made(storage: Storage, number: int) -> bool:
    receipt = storage.get_json(RECEIPT.format(number))
    return receipt is not None and storage.holds(receipt["files"])


def _build(task: ShardTask, storage: Storage, folder: Path) -> Receipt:
    with _Filler(folder, task.number, Analyzer(task.analyzer)) as filler:
        for part in task.plan.parts:
            filler.take(part, read_items(storage, part.split, folder))
        entry = filler.writer.finish()
    if task.dense:
        encode_shard(folder, task.number, _encoder(task.storage, task.threads), lambda _: None)
    files = shard_files(folder, task.number, dense=task.dense)
    return Receipt(entry, task.plan.next_ordinal, filler.rejects, filler.aliases, task.skipped, task.plan.last, files)


class _Filler:
    """Writes a shard's documents, rejects and aliases as `indexing.build` does."""

    def __init__(self, folder: Path, number: int, analyzer: Analyzer) -> None:
        (folder / STAGE_REJECTS).parent.mkdir(parents=True, exist_ok=True)
        self.writer = ShardWriter(folder, number, analyzer)
        self.rejects = self.aliases = 0
        self._reject_file = (folder / STAGE_REJECTS.format(number)).open("w", encoding="utf-8")
        self._alias_file = (folder / STAGE_ALIASES.format(number)).open("w", encoding="utf-8")

    def __enter__(self) -> _Filler:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()
        self._reject_file.close()
        self._alias_file.close()

    def take(self, part: Part, items: Iterator[Item]) -> None:
        """The items of a part, each by its verdict."""
        same_as = iter(part.same_as)
        for place, item in enumerate(items):
            if place < part.begin:
                continue
            if place == part.begin + len(part.verdicts):
                return
            self._take(CODES[part.verdicts[place - part.begin]], item, same_as)

    def _take(self, verdict: str, item: Item, same_as: Iterator[str]) -> None:
        found = item.content
        if verdict == "keep":
            assert isinstance(found, Document)
            self.writer.add(found, item.passages)
        elif verdict == "alias":
            assert isinstance(found, Document)
            self.aliases += 1
            row = {"same_as": next(same_as), "doc_id": found.doc_id, "title": found.title, "url": found.url}
            _write_line(self._alias_file, row)
        else:
            self.rejects += 1
            _write_line(self._reject_file, asdict(_reject(verdict, item)))


def _reject(verdict: str, item: Item) -> Reject:
    if isinstance(item.content, Reject):
        return item.content
    detail = "an earlier document has this id" if verdict == "duplicate_id" else ""
    return Reject(item.path, item.line, item.content.doc_id, verdict, detail)


def _write_line(file: IO[str], row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=True) + "\n")


@lru_cache(maxsize=1)
def _encoder(storage: str, threads: int) -> OnnxEncoder:
    """The build's encoder, brought to this machine and loaded once a process."""
    shared = Storage(storage)
    with TemporaryDirectory() as name:
        for file in shared.get_json(ENCODER_FILES):
            shared.get(file, Path(name) / Path(file).name)
        encoder = OnnxEncoder(Path(name), threads)
        encoder.encode([""])  # reads the files, so that they may go
    return encoder
