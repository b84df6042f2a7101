"""One run of one change in the folder `builds/<id>.partial`, shard by shard; a killed run goes on after its last shard.

A build is a change of nothing. Any other takes the base's shards as they are, by hard link, a copy of its state, and
puts what is new into further shards.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from webbrain.analysis import Analyzer
from webbrain.encoding.encoder import OnnxEncoder
from webbrain.protocols import Encoder
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.manifest import FileEntry, ShardEntry

from .adopt import adopt
from .block import Block
from .changes import Changes
from .files import link_file, sync_file, sync_folder, write_json
from .given import Given
from .prepare import prepared
from .progress import Progress
from .publish import remove_partial
from .read import RawRecord, scan
from .receipts import STAGE, STAGE_STATE, Receipt, shard_files
from .settings import BuildSettings
from .shard import ShardWriter
from .state import State
from .vectors import Advance, VectorsWriter, encode_shard

SHARD_FILE = re.compile(r"/(\d{5})\.[^/]+$")
DELETED_SUFFIX = ".deleted.npy"


Records = Iterator[tuple[RawRecord, Given | None]]


class AnyPlan(Protocol):
    """`Plan` or `ChangePlan`."""

    @property
    def settings(self) -> BuildSettings: ...

    def as_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Base:
    """The build that is changed: what of it stays as it is. `keeps_shards` is False where they are all made anew, and
    `keeps_encoder` where another encoder, or none, takes its place."""

    index: Index
    keeps_shards: bool = True
    keeps_encoder: bool = True

    @property
    def shards(self) -> tuple[ShardEntry, ...]:
        return self.index.manifest.shards if self.keeps_shards else ()

    def files(self) -> dict[str, FileEntry]:
        """Shards and encoders; not what every build writes for itself: side files, state and tombstones."""
        listed = self.index.manifest.files
        own = (layout.REJECTS, layout.ALIASES, layout.STATE)
        names = [name for name in listed if name not in own and not name.endswith(DELETED_SUFFIX)]
        shards = [name for name in names if SHARD_FILE.search(name)] if self.keeps_shards else []
        encoders = [name for name in names if not SHARD_FILE.search(name)] if self.keeps_encoder else []
        return {name: listed[name] for name in (*shards, *encoders)}

    def dense(self) -> Mapping[str, Any] | None:
        """What its manifest says of vectors that stay."""
        dense: Mapping[str, Any] = self.index.manifest.settings["dense"]
        return dense if self.keeps_encoder else None

    def sparse(self) -> Mapping[str, Any] | None:
        """The card of a learned-sparse encoder that stays."""
        return self.index.manifest.sparse if self.keeps_encoder else None

    def shard_files(self, shard: int) -> dict[str, FileEntry]:
        """All files of one shard but its tombstones, by name."""
        found = self.index.manifest.files
        mine = {name for name in found if (match := SHARD_FILE.search(name)) and int(match[1]) == shard}
        return {name: found[name] for name in sorted(mine) if not name.endswith(DELETED_SUFFIX)}


class Work:
    """The partial folder of a plan; `run` makes every shard that is not there yet."""

    def __init__(self, folder: Path, plan: AnyPlan, base: Base | None, progress: Progress, *, ordered: bool) -> None:
        self.folder, self.settings, self.progress, self.ordered = folder, plan.settings, progress, ordered
        self.base = base
        self.analyzer = Analyzer(self.settings.analyzer)
        self.encoder: OnnxEncoder | None = None
        self.gpu: Encoder | None = None  # encodes the passages in its place
        self.workers = 1
        self.state = self._open(plan)
        self.receipts = self.state.receipts()
        if not all(receipt.is_sound(folder) for receipt in self.receipts):  # what rests on a lost shard is lost too
            self.state.close()
            remove_partial(folder)
            self.state, self.receipts = self._open(plan), []
        self.done = self.state.progress()
        self.resumed = len(self.receipts)
        self._shard: ShardWriter | None = None
        self._read = (0, 0)
        self.changes = Changes(self.state, self.done, self.settings, base.index if base else None, self._write)

    def close(self) -> None:
        """What is not finished is forgotten."""
        self.state.close()

    def run(self, corpus: Path | None) -> None:
        """Take the records of the corpus (None: there is none) and finish every shard."""
        if self.resumed:
            documents = sum(receipt.entry.documents for receipt in self.receipts)
            self.progress.note(f"going on after {self.resumed} finished shards ({documents} documents)")
        skipped: Counter[str] = Counter()
        scanned = iter(()) if corpus is None or self.done.last else scan(corpus, self._consumed, skipped)
        begin = self.done.next_ordinal  # it moves on while records are read ahead
        records = (record for record in scanned if record.ordinal >= begin)
        with closing(prepared(records, self.settings, self.workers, self.changes.is_known)) as ready:
            while not self.done.last:
                self._make_shard(ready, skipped)

    def shards(self) -> list[ShardEntry]:
        """All shards, the base's first."""
        return [*(self.base.shards if self.base else ()), *(receipt.entry for receipt in self.receipts)]

    def files(self) -> dict[str, FileEntry]:
        """The files of all shards, and of the base's encoder."""
        files = self.base.files() if self.base else {}
        for receipt in self.receipts:
            files.update(receipt.files)
        return files

    def _open(self, plan: AnyPlan) -> State:
        """The state of this run. Its file comes last, so where it is everything else is."""
        path = self.folder / STAGE_STATE
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.folder / STAGE / "plan.json", plan.as_json())
            beside = path.with_name("state.new")
            for rest in path.parent.glob("state.*"):  # SQLite would take an old log for one of the new file
                rest.unlink()
            if self.base is not None:
                self._take_over(self.base, beside)
            with closing(State(beside, ordered=self.ordered)) as state:
                state.write_out()
            sync_file(beside)
            beside.rename(path)
            sync_folder(path.parent)
        return State(path, ordered=self.ordered)

    def _take_over(self, base: Base, state: Path) -> None:
        for name in base.files():
            link_file(base.index.build / name, self.folder / name)
        for folder in sorted({(self.folder / name).parent for name in base.files()}):
            sync_folder(folder)
        if (base.index.build / layout.STATE).exists():
            shutil.copyfile(base.index.build / layout.STATE, state)
            return
        self.progress.note("this index remembers nothing of its documents; reading them once")
        adopt(base.index, state, self.settings)

    def _consumed(self, done: int, total: int) -> None:
        self._read = (done, total)
        self.progress.reading(done, total, self.done.next_place)

    def _write(self, block: Block, number: int) -> tuple[int, int]:
        """Put a document of a block into the shard that is open; returns where it lies."""
        assert self._shard is not None
        self._shard.take(block, number, number + 1)
        return self._shard.shard, self._shard.documents - 1

    def _make_shard(self, records: Records, skipped: Mapping[str, int]) -> None:
        """Fill, encode and sign for one shard; what the state learns is kept together with the receipt."""
        number = len(self.shards())
        before = Counter(self.done.counts)
        shard = self._shard = self._open_shard(number)
        try:
            self.done.last = self._fill(shard, records)
            self.done.skipped = sum(skipped.values())  # each run scans from the beginning, so the count is whole
            if shard.passages or self.base is None:
                self._finish(shard, Counter(self.done.counts) - before)
        finally:
            shard.close()
        self.progress.reading(*self._read, self.done.next_place)  # what was read ahead is in the index now
        self.state.save_progress(self.done)
        self.state.commit()

    def _fill(self, shard: ShardWriter, records: Records) -> bool:
        """Take records until the shard is full; returns whether all is done. Shards end between records, so that a
        record is never taken twice."""
        for record, given in records:
            self.changes.take(record, given)
            self.done.next_ordinal = record.ordinal + 1
            if shard.passages >= self.settings.shard_passages:
                return False
        if not self.done.settled:
            self.changes.settle()
            self.done.settled = True
        for page in self.state.orphans():
            self.changes.adopt_orphan(page)
            if shard.passages >= self.settings.shard_passages:
                return False
        return True

    def _finish(self, shard: ShardWriter, counts: Mapping[str, int]) -> None:
        entry = shard.finish()
        files = shard_files(self.folder, shard.shard, dense=self.encoder is not None)
        at = self.done
        rejects, aliases = counts.get("rejected", 0), counts.get("duplicates", 0)
        receipt = Receipt(entry, at.next_ordinal, rejects, aliases, at.skipped, at.last, files)
        self.state.add_receipt(shard.shard, receipt)
        self.receipts.append(receipt)

    def _open_shard(self, number: int) -> ShardWriter:
        """An empty shard, whose passages are encoded as they come where there is an encoder."""
        vectors = None
        if self.encoder is not None:
            vectors = VectorsWriter(self.folder, number, self.gpu or self.encoder, self._advance(number))
        return ShardWriter(self.folder, number, self.analyzer, vectors=vectors)

    def _encode(self, shard: int) -> dict[str, FileEntry]:
        """The files of a shard whose texts are there, with its vectors where there is an encoder."""
        if self.encoder is not None:
            encode_shard(self.folder, shard, self.gpu or self.encoder, self._advance(shard))
        return shard_files(self.folder, shard, dense=self.encoder is not None)

    def _advance(self, shard: int) -> Advance:
        return partial(self.progress.encoding, shard)

    def _sign(self, shard: int, receipt: Receipt) -> None:
        """A shard is finished, and what the state learnt of it is durable."""
        self.state.add_receipt(shard, receipt)
        self.receipts.append(receipt)
        self.state.save_progress(self.done)
        self.state.commit()
