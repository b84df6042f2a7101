"""`webbrain index build`: a corpus becomes a published index; a killed build goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from webbrain.analysis import Analyzer
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.errors import ConfigError, CorpusError, IndexStale
from webbrain.models import ModelFiles, resolve
from webbrain.store import layout
from webbrain.types import Document

from .chunk import chunk
from .disk import check_disk
from .duplicates import DuplicateFinder
from .files import sync_file, sync_folder, write_json, write_lock
from .progress import Progress, Silent
from .publish import free_name, publish, republish
from .read import RawRecord, Reject, clean, fingerprint, scan
from .read.fingerprint import file_states
from .receipts import STAGE, STAGE_ALIASES, STAGE_REJECTS, Receipt, drop_receipts, read_receipts, shard_files
from .settings import BuildSettings, Plan
from .shard import ShardWriter
from .vectors import encode_shard


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

    Raises CorpusError, ConfigError (for a short disk too, before anything is written), ModelNotFound, IndexBusy,
    IndexNotWritten, and IndexStale when the corpus changes under the build.
    """
    settings, progress = settings or BuildSettings(), progress or Silent()
    _check_paths(corpus, output)
    model = resolve(settings.encoder) if settings.encoder else None
    states = file_states(corpus)
    plan = Plan(fingerprint(corpus), model.weights_sha256 if model else None, settings)
    with write_lock(output):
        manifest = None if force else republish(output, plan.build_id)
        if manifest is not None:
            progress.note("this corpus is already indexed with these settings: nothing to do")
            return BuildReport(manifest.build_id, str(output), False, 0, dict(manifest.totals))
        name = free_name(output, plan.build_id)
        partial = output / layout.BUILDS / f"{name}.partial"
        check_disk(corpus, output, partial, progress)
        work = _Work(corpus, partial, plan, model, threads or _cores(), progress)
        work.read()
        if file_states(corpus) != states:
            raise IndexStale(f"{corpus} changed while it was read, nothing was published; run the same command again")
        manifest = publish(partial, output, name, plan, work.receipts, work.card())
        return BuildReport(name, str(output), True, work.resumed, dict(manifest.totals))


class _Work:
    """One run of one plan in the folder `builds/<id>.partial`."""

    def __init__(
        self, corpus: Path, folder: Path, plan: Plan, model: ModelFiles | None, threads: int, progress: Progress
    ) -> None:
        self.corpus, self.folder, self.progress = corpus, folder, progress
        self.settings = plan.settings
        (self.folder / STAGE).mkdir(parents=True, exist_ok=True)
        write_json(self.folder / STAGE / "plan.json", plan.as_json())
        self.encoder = self._encoder(model, threads)
        self.analyzer = Analyzer(self.settings.analyzer)
        self.receipts = read_receipts(self.folder)
        self.duplicates = DuplicateFinder(self.folder / STAGE / "duplicates.sqlite")
        self.duplicates.forget_from(self.documents)
        if len(self.duplicates) != self.documents:  # lost: what repeats the finished shards would not be seen
            drop_receipts(self.folder, 0)
            self.receipts.clear()
            self.duplicates.forget_from(0)
        self.resumed = len(self.receipts)
        self.kept = self.documents
        self.skipped: Counter[str] = Counter()

    @property
    def documents(self) -> int:
        return sum(receipt.entry.documents for receipt in self.receipts)

    def read(self) -> None:
        """Make every shard that has no receipt yet."""
        if self.resumed:
            self.progress.note(f"going on after {self.resumed} finished shards ({self.documents} documents)")
        if not (self.receipts and self.receipts[-1].last):
            start = self.receipts[-1].next_ordinal if self.receipts else 0
            scanned = scan(self.corpus, self._consumed, self.skipped)
            records = (record for record in scanned if record.ordinal >= start)
            while not (self.receipts and self.receipts[-1].last):
                self._shard(records)
        self.duplicates.close()

    def card(self) -> dict[str, Any] | None:
        """The encoder's card, for the manifest."""
        return asdict(self.encoder.card) if self.encoder is not None else None

    def _consumed(self, done: int, total: int) -> None:
        self.progress.reading(done, total, self.kept)

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
        skipped = self.skipped.total()  # each run scans from the beginning, so the count is whole
        receipt = Receipt(entry, shard.next_ordinal, shard.rejects, shard.aliases, skipped, last, files)
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
        if not folder.exists():
            beside = self.folder / f"{layout.ENCODER}.new"
            shutil.rmtree(beside, ignore_errors=True)
            package_encoder(model, beside, self.settings.precision)
            for path in beside.iterdir():
                sync_file(path)
            beside.rename(folder)
            sync_folder(self.folder)
        return OnnxEncoder(folder, threads)


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
        row = self.work.kept
        self.work.kept += 1
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


def _cores() -> int:
    """Cores that this process may use: in a container fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
