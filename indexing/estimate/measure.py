"""Measuring on this machine what is quick to measure: the real pipeline over the beginning of a corpus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from webbrain.analysis import Analyzer
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.errors import CorpusError
from webbrain.models import resolve, sha256_file
from webbrain.store import layout
from webbrain.store.passages import PassageShard, indexed_text
from webbrain.types import Passage

from ..block import Block
from ..changes import Changes
from ..pages import Pass
from ..prepare import prepared
from ..read import scan
from ..settings import BuildSettings
from ..shard import ShardWriter
from ..state import State

READ_SECONDS = 8.0  # of processor time given to reading, and as much to encoding
BATCH = 32


@dataclass(frozen=True, slots=True)
class Sample:
    """What the pipeline made of the beginning of a corpus, on one core.

    Bytes are those of the index by part, seconds processor time; `encoded` passages took `encode_seconds`.
    """

    documents: int
    passages: int
    words: int
    passage_bytes: int
    bm25_bytes: int
    state_bytes: int
    vector_bytes: int
    read_seconds: float
    hashed_per_second: float
    encoded: int
    encode_seconds: float


def measure(corpus: Path, settings: BuildSettings, seconds: float = READ_SECONDS) -> Sample:
    """Index the beginning of a corpus in a temporary folder, for `seconds` of processor time and as many of encoding.

    Raises CorpusError where the corpus holds no passage.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        documents, read_seconds = _read(corpus, folder, settings, seconds)
        shard = PassageShard(folder, 0)
        if not len(shard):
            raise CorpusError("no passage came of its beginning; give another --corpus to measure on", corpus)
        begin = time.perf_counter()
        hashed = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and sha256_file(path)]
        rate = sum(hashed) / (time.perf_counter() - begin)
        encoded, encode_seconds, vector_bytes = _encode(shard, folder, settings, seconds)
        return Sample(
            documents,
            len(shard),
            sum(len(shard.passage(row).text.split()) for row in range(len(shard))),
            _bytes(folder / "passages"),
            _bytes(folder / "bm25"),
            (folder / layout.STATE).stat().st_size,
            vector_bytes,
            read_seconds,
            rate,
            encoded,
            encode_seconds,
        )


def _read(corpus: Path, folder: Path, settings: BuildSettings, seconds: float) -> tuple[int, float]:
    """Fill one shard and the state as a build does; returns (documents, seconds)."""
    state = State(folder / "work.sqlite")
    writer = ShardWriter(folder, 0, Analyzer(settings.analyzer))

    def write(block: Block, number: int) -> tuple[int, int]:
        writer.take(block, number, number + 1)
        return 0, writer.documents - 1

    changes = Changes(state, Pass(), settings, None, write)
    begin = time.process_time()
    for record, given in prepared(scan(corpus), settings, 1, changes.is_known):
        changes.take(record, given)
        if time.process_time() - begin > seconds or writer.passages >= settings.shard_passages:
            break
    entry = writer.finish()
    state.commit()
    state.export(folder / layout.STATE)
    state.close()
    return entry.documents, time.process_time() - begin


def _encode(shard: PassageShard, folder: Path, settings: BuildSettings, seconds: float) -> tuple[int, float, int]:
    """(passages, seconds, bytes of a vector) of encoding on one thread; zeros without an encoder."""
    if settings.encoder is None:
        return 0, 0.0, 0
    package_encoder(resolve(settings.encoder), folder / "encoder", settings.precision)
    encoder = OnnxEncoder(folder / "encoder")
    encoder.encode(["a first text, for which the model is loaded"])
    passages = (shard.passage(row) for row in range(len(shard)))
    done, begin = 0, time.process_time()
    for batch in _batches(passages):
        done += len(encoder.encode([indexed_text(passage.title, passage.text) for passage in batch]))
        if time.process_time() - begin > seconds:
            break
    return done, time.process_time() - begin, encoder.dim * 2  # kept in half precision


def _batches(passages: Iterator[Passage]) -> Iterator[list[Passage]]:
    while batch := list(islice(passages, BATCH)):
        yield batch


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
