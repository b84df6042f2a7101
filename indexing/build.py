"""`webbrain index build`: a corpus becomes a published index; a killed build goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from webbrain.analysis import Analyzer
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.errors import ConfigError, CorpusError
from webbrain.models import ModelFiles, resolve
from webbrain.store import layout
from webbrain.types import Document

from .chunk import chunk
from .duplicates import DuplicateFinder
from .files import sync_file, write_json, write_lock
from .progress import Progress, Silent
from .publish import free_name, publish, republish
from .read import RawRecord, Reject, clean, fingerprint, scan
from .receipts import STAGE, STAGE_ALIASES, STAGE_REJECTS, Receipt, read_receipts, shard_files
from .settings import BuildSettings, Plan
from .shard import ShardWriter
from .vectors import encode_shard

# Measured bytes of index per byte of uncompressed corpus text: texts, postings, fp16 vectors, and work files.
DISK_PER_CORPUS_BYTE = 4.0
COMPRESSED = {".gz": 4.0, ".bz2": 5.0}


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; `resumed_shards` were found finished, `fresh` is False when nothing had to be done."""

    build_id: str
    index: str
    fresh: bool
    resumed_shards: int
    totals: dict[str, int]


def build(
    corpus: Path,
    output: Path,
    settings: BuildSettings | None = None,
    *,
    threads: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> BuildReport:
    """Build and publish an index of `corpus` in the folder `output`. Searching the index before it goes on undisturbed.

    Raises CorpusError, ConfigError, ModelNotFound, IndexBusy; for a short disk before anything is written.
    """
    settings, progress = settings or BuildSettings(), progress or Silent()
    _check_paths(corpus, output)
    model = resolve(settings.encoder) if settings.encoder else None
    plan = Plan(fingerprint(corpus), model.weights_sha256 if model else None, settings)
    with write_lock(output):
        manifest = None if force else republish(output, plan.build_id)
        if manifest is not None:
            progress.note("this corpus is already indexed with these settings: nothing to do")
            return BuildReport(manifest.build_id, str(output), False, 0, dict(manifest.totals))
        _check_disk(corpus, output, progress)
        work = _Work(corpus, output, plan, model, threads or os.cpu_count() or 1, progress)
        return work.run()


class _Work:
    """One run of one plan, in `builds/<id>.partial`."""

    def __init__(
        self, corpus: Path, output: Path, plan: Plan, model: ModelFiles | None, threads: int, progress: Progress
    ) -> None:
        self.corpus, self.output, self.plan, self.progress = corpus, output, plan, progress
        self.settings = plan.settings
        self.name = free_name(output, plan.build_id)
        self.folder = output / layout.BUILDS / f"{self.name}.partial"
        (self.folder / STAGE).mkdir(parents=True, exist_ok=True)
        write_json(self.folder / STAGE / "plan.json", plan.as_json())
        self.encoder = self._encoder(model, threads)
        self.analyzer = Analyzer(self.settings.analyzer)
        self.receipts = read_receipts(self.folder)
        self.resumed = len(self.receipts)
        self.duplicates = DuplicateFinder(self.folder / STAGE / "duplicates.sqlite")
        self.duplicates.forget_from(self.documents)

    @property
    def documents(self) -> int:
        return sum(receipt.entry.documents for receipt in self.receipts)

    def run(self) -> BuildReport:
        if self.resumed:
            self.progress.note(f"going on after {self.resumed} finished shards ({self.documents} documents)")
        if not (self.receipts and self.receipts[-1].last):
            start = self.receipts[-1].next_ordinal if self.receipts else 0
            records = (record for record in scan(self.corpus, self._consumed) if record.ordinal >= start)
            while not (self.receipts and self.receipts[-1].last):
                self._shard(records)
        self.duplicates.close()
        manifest = publish(self.folder, self.output, self.name, self.plan, self.receipts, self._card())
        return BuildReport(self.name, str(self.output), True, self.resumed, dict(manifest.totals))

    def _consumed(self, done: int, total: int) -> None:
        self.progress.reading(done, total, self.documents)

    def _shard(self, records: Iterator[RawRecord]) -> None:
        """Fill, encode and sign for one shard."""
        number = len(self.receipts)
        with _Shard(self, number) as shard:
            last = shard.fill(records)
            entry = shard.writer.finish()
        self.duplicates.commit()
        if self.encoder is not None:
            self._encode(number, entry.passages)
        files = shard_files(self.folder, number, dense=self.encoder is not None)
        receipt = Receipt(entry, shard.next_ordinal, shard.rejects, shard.aliases, last, files)
        receipt.write(self.folder, number)
        self.receipts.append(receipt)

    def _encode(self, number: int, total: int) -> None:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self.progress.encoding(number, done, total)

        assert self.encoder is not None
        encode_shard(self.folder, number, self.encoder, advance)

    def _encoder(self, model: ModelFiles | None, threads: int) -> OnnxEncoder | None:
        if model is None:
            return None
        folder = self.folder / layout.ENCODER
        if not (folder / "encoder.json").exists():  # written last
            package_encoder(model, folder, self.settings.precision)
        return OnnxEncoder(folder, threads)

    def _card(self) -> dict[str, Any] | None:
        return asdict(self.encoder.card) if self.encoder is not None else None


class _Shard:
    """Takes records until the shard is full. Shards end between records, so that a record is never read twice."""

    def __init__(self, work: _Work, number: int) -> None:
        self.work = work
        self.writer = ShardWriter(work.folder, number, work.analyzer)
        self.next_ordinal = work.receipts[-1].next_ordinal if work.receipts else 0
        self.rejects = self.aliases = 0
        self._reject_file = (work.folder / STAGE_REJECTS.format(number)).open("w", encoding="utf-8")
        self._alias_file = (work.folder / STAGE_ALIASES.format(number)).open("w", encoding="utf-8")

    def __enter__(self) -> _Shard:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()
        for file in (self._reject_file, self._alias_file):
            file.close()
            sync_file(Path(file.name))

    def fill(self, records: Iterator[RawRecord]) -> bool:
        """Returns whether the corpus came to its end."""
        for record in records:
            for item in clean(record):
                self._take(item, record)
            self.next_ordinal = record.ordinal + 1
            if self.writer.passages >= self.work.settings.shard_passages:
                return False
        return True

    def _take(self, item: Document | Reject, record: RawRecord) -> None:
        if isinstance(item, Reject):
            self._reject(item)
            return
        passages = chunk(item, self.work.settings.chunker)
        finder = self.work.duplicates
        if finder.id_row(item.doc_id) is not None:
            self._reject(
                Reject(record.path, record.line, item.doc_id, "duplicate_id", "an earlier document has this id")
            )
        elif not passages:
            self._reject(Reject(record.path, record.line, item.doc_id, "empty_text"))
        elif (same := self._same_as(item)) is not None:
            self.aliases += 1
            _write_line(
                self._alias_file, {"same_as": same, "doc_id": item.doc_id, "title": item.title, "url": item.url}
            )
        else:
            self._keep(item, passages)

    def _keep(self, document: Document, passages: list[Any]) -> None:
        row = self.work.documents + len(self.writer.documents)
        self.work.duplicates.add_id(row, document.doc_id)
        if self.work.settings.duplicates == "fold":
            self.work.duplicates.add(row, document.text)
        self.writer.add(document, passages)

    def _same_as(self, document: Document) -> str | None:
        if self.work.settings.duplicates == "keep":
            return None
        row = self.work.duplicates.find(document.text)
        return None if row is None else self.work.duplicates.id_of(row)

    def _reject(self, reject: Reject) -> None:
        self.rejects += 1
        _write_line(self._reject_file, asdict(reject))


def _write_line(file: IO[str], row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=True) + "\n")


def _check_paths(corpus: Path, output: Path) -> None:
    if not corpus.exists():
        raise CorpusError("no such file or folder; give the corpus to index", corpus)
    if output.is_file():
        raise ConfigError(f"{output} is a file; give a folder with --output")
    if corpus.is_dir() and output.resolve().is_relative_to(corpus.resolve()):
        raise ConfigError(f"{output} lies inside the corpus; give an --output outside {corpus}")


def _check_disk(corpus: Path, output: Path, progress: Progress) -> None:
    """Print the estimated disk and refuse when there is less."""
    files = [corpus] if corpus.is_file() else [path for path in corpus.rglob("*") if path.is_file()]
    needed = int(sum(path.stat().st_size * COMPRESSED.get(path.suffix, 1.0) for path in files) * DISK_PER_CORPUS_BYTE)
    free = shutil.disk_usage(output).free
    progress.note(f"estimated disk: {needed / 1e6:,.0f} MB, free: {free / 1e6:,.0f} MB")
    if needed > free:
        raise ConfigError(
            f"{output} has {free / 1e6:,.0f} MB free, the index needs about {needed / 1e6:,.0f} MB; "
            "free some or give another --output"
        )
