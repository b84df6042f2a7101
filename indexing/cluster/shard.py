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

from ..receipts import Receipt, shard_files
from ..shard import ShardWriter
from ..vectors import VectorsWriter
from .fold import Part, ShardPlan
from .prepare import read_texts
from .storage import Storage, file_facts

RECEIPT = "shards/{:05d}.json"
FILE = "shards/{}"
FOLDED = "stage/{:05d}.folded.jsonl"
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
        plan, analyzer = ShardPlan.from_json(raw["plan"]), AnalyzerSettings(**raw["analyzer"])
        return cls(**{**raw, "plan": plan, "analyzer": analyzer})


def make_shard(task: ShardTask) -> None:
    """Make the files of a shard, store them, and sign for them; nothing where that is done already."""
    storage = Storage(task.storage)
    if is_made(storage, task.number):
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        receipt = _build(task, storage, folder)
        made = [*receipt.files, FOLDED.format(task.number)]
        for file in made:
            storage.put(folder / file, FILE.format(file))
        stored = {FILE.format(file): file_facts(folder / file) for file in made}
    storage.put_json(RECEIPT.format(task.number), {"receipt": asdict(receipt), "files": stored})


def is_made(storage: Storage, number: int) -> bool:
    receipt = storage.get_json(RECEIPT.format(number))
    return receipt is not None and storage.holds(receipt["files"])


def _build(task: ShardTask, storage: Storage, folder: Path) -> Receipt:
    plan, encoder = task.plan, _encoder(task.storage, task.threads) if task.dense else None
    vectors = None if encoder is None else VectorsWriter(folder, task.number, encoder)
    writer = ShardWriter(folder, task.number, Analyzer(task.analyzer), vectors=vectors)
    (folder / FOLDED).parent.mkdir(exist_ok=True)
    try:
        with (folder / FOLDED.format(task.number)).open("w", encoding="utf-8") as folded:
            for part in plan.parts:
                _take(part, storage, folder, writer, folded)
        entry = writer.finish()
    finally:
        writer.close()
    files = shard_files(folder, task.number, dense=task.dense)
    return Receipt(entry, plan.next_ordinal, plan.rejects, plan.aliases, task.skipped, plan.last, files)


def _take(part: Part, storage: Storage, folder: Path, writer: ShardWriter, folded: IO[str]) -> None:
    """The documents of a part: those to keep into the shard, the folded ones aside, with their texts."""
    for place, (document, passages) in enumerate(read_texts(storage, part.split, folder), -part.begin):
        if place < 0:
            continue
        if place == len(part.verdicts):
            return
        if part.verdicts[place] == "k":
            writer.add(document, passages)
        elif part.verdicts[place] == "a":
            folded.write(json.dumps(asdict(document), ensure_ascii=True) + "\n")


def read_folded(path: Path) -> Iterator[Document]:
    """The documents that a shard folded into others."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Document(**json.loads(line))


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
