"""`webbrain index compact`: the same index without its dead rows, small shards merged into full ones.

Nothing is cleaned, cut, analysed or encoded: texts and passages are copied, postings merged, vectors taken over code by
code.
Shards that are full and without dead rows are hard links.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.sentences import Span
from webbrain.store import layout
from webbrain.store.index import Index, current_build
from webbrain.store.manifest import FileEntry
from webbrain.store.tombstones import mask

from .disk import check_room
from .files import link_file, sync_folder, write_lock
from .merge import MergedPostings, Source
from .pages import Place
from .progress import Progress, Silent
from .receipts import Receipt, file_entry, shard_files
from .settings import BuildSettings, ChangePlan
from .shard import ShardWriter
from .sparse import merge_sparse
from .update import Change, ChangeReport
from .vectors import copy_vectors
from .work import Work

FULL = 0.5  # share of `shard_passages` from which a shard without dead rows stays as it is


@dataclass(frozen=True, slots=True)
class Group:
    """Old shards, consecutive, that become one; a `whole` one is a single shard that stays as it is."""

    shards: tuple[int, ...]
    whole: bool


def compact(output: Path, *, progress: Progress | None = None) -> ChangeReport:
    """Publish the index at `output` without dead rows. Readers of the old build go on.

    Raises ConfigError for a short disk, and IndexNotFound, IndexBusy or IndexNotWritten.
    """
    current_build(output)  # before the lock, which would make a folder
    with write_lock(output):
        base = Index.open(output)
        settings = BuildSettings.from_json(base.manifest.settings)
        plan = ChangePlan(base.manifest.build_id, "compact", settings)
        change = Change(output, base, plan, None, progress or Silent())
        groups = list(_groups(base, settings.shard_passages))
        if len(groups) == len(base.manifest.shards) and all(group.whole for group in groups):
            return change.report_nothing("no dead rows and no small shards: nothing to do")
        if change.earlier is not None:
            return change.report_earlier()
        check_room(output, _bytes(base, groups), change.progress)
        with closing(change.begin()) as work:
            for number in range(len(work.receipts), len(groups)):
                _make(work, base, groups[number], number)
                change.progress.encoding(number, number + 1, len(groups))
            dropped = {"dropped_passages": len(base) - base.live, "shards_before": len(base.manifest.shards)}
            work.done.counts = {**dropped, "shards": len(groups)}
            return change.publish(dict(base.manifest.corpus))


def _groups(base: Index, shard_passages: int) -> Iterator[Group]:
    """Shards in order, the small ones together up to the size of a shard; those of which nothing lives left out."""
    group: list[int] = []
    total = 0
    for shard, entry in enumerate(base.manifest.shards):
        deleted = base.deleted[shard]
        live = entry.passages - (0 if deleted is None else len(deleted))
        full = deleted is None and entry.passages >= FULL * shard_passages
        if group and (full or total + live > shard_passages):
            yield _group(base, group)
            group, total = [], 0
        if full:
            yield Group((shard,), True)
        elif live:
            group, total = [*group, shard], total + live
    if group:
        yield _group(base, group)
    elif not base.live:
        yield Group((0,), base.deleted[0] is None)


def _group(base: Index, shards: list[int]) -> Group:
    return Group(tuple(shards), len(shards) == 1 and base.deleted[shards[0]] is None)


def _bytes(base: Index, groups: list[Group]) -> int:
    """What the merged shards take at most."""
    merged = {f"/{shard:05d}." for group in groups if not group.whole for shard in group.shards}
    return sum(entry.bytes for name, entry in base.manifest.files.items() if any(part in name for part in merged))


def _make(work: Work, base: Index, group: Group, number: int) -> None:
    """One new shard with its receipt, and what the state says of its documents."""
    if group.whole:
        old = group.shards[0]
        receipt = _link(work, base, old, number)
        work.state.move([old], lambda shard, document: (number, document))
    else:
        merging = _Merging(work, base, group, number)
        receipt = merging.run()
        work.state.move(group.shards, merging.moved)
    work.state.add_receipt(number, receipt)
    work.receipts.append(receipt)
    work.state.commit()


def _link(work: Work, base: Index, old: int, number: int) -> Receipt:
    assert work.base is not None
    files = {}
    for name, entry in work.base.shard_files(old).items():
        target = name.replace(f"/{old:05d}.", f"/{number:05d}.")
        link_file(base.build / name, work.folder / target)
        files[target] = entry
    for folder in {(work.folder / name).parent for name in files}:
        sync_folder(folder)
    return _receipt(base.manifest.shards[old], files)


def _receipt(entry: Any, files: Any) -> Receipt:
    return Receipt(entry, 0, 0, 0, 0, False, files)


class _Merging:
    """The live documents of some shards, written as one shard."""

    def __init__(self, work: Work, base: Index, group: Group, number: int) -> None:
        self.work, self.base, self.group, self.number = work, base, group, number
        self._moved: dict[Place, Place] = {}

    def moved(self, shard: int, document: int) -> Place:
        """Where a document of an old shard lies now."""
        return self._moved[shard, document]

    def run(self) -> Receipt:
        for path in self.work.folder.glob(f"*/{self.number:05d}.*"):
            path.unlink()  # of a run that was killed; it may be a link
        sources = [(shard, self._live(shard)) for shard in self.group.shards]
        postings = MergedPostings(self.base.build, sources)
        writer = ShardWriter(self.work.folder, self.number, self.work.analyzer, postings)
        try:
            for shard in self.group.shards:
                self._copy(shard, writer)
            entry = writer.finish()
        finally:
            writer.close()
        dense = self.base.has_vectors
        if dense:
            vectors = [(self.base.vectors[shard], rows) for shard, rows in sources]
            copy_vectors(vectors, self.work.folder / layout.VECTORS.format(self.number))
        files = shard_files(self.work.folder, self.number, dense=dense)
        return _receipt(entry, files | self._sparse(sources))

    def _sparse(self, sources: list[Source]) -> dict[str, FileEntry]:
        """The learned-sparse postings of the new shard, where all old ones have them."""
        listed = self.base.manifest.files
        if not all(name.format(shard) in listed for shard in self.group.shards for name in layout.SPARSE_FILES):
            return {}
        folder = self.work.folder
        merge_sparse(self.base.build, sources, folder, self.number)
        return {name.format(self.number): file_entry(folder / name.format(self.number)) for name in layout.SPARSE_FILES}

    def _copy(self, shard: int, writer: ShardWriter) -> None:
        held, rows = self.base.passages[shard], self._live(shard).tolist()
        for number, of_one in groupby(rows, held.document_of):
            self._moved[shard, number] = (self.number, writer.documents)
            writer.add(held.document(number), [Span(*held.place(row)) for row in of_one])

    def _live(self, shard: int) -> NDArray[np.int64]:
        """The rows of an old shard that are not deleted."""
        size, deleted = self.base.manifest.shards[shard].passages, self.base.deleted[shard]
        return np.arange(size) if deleted is None else np.flatnonzero(~mask(deleted, size))
