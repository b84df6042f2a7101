"""From finished work to what is published: tombstones, side files, the state that the next change starts from, sums."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.store import layout
from webbrain.store.arrays import open_array
from webbrain.store.index import Index
from webbrain.store.manifest import FileEntry

from .files import save_array
from .lists import arrange
from .publish import Contents, manifest_settings
from .receipts import file_entry
from .work import Work


@dataclass(frozen=True, slots=True)
class Deleted:
    """Sums of what waits for `compact`, and the tombstones' files."""

    documents: int
    passages: int
    tokens: int
    files: dict[str, FileEntry]


def contents(
    work: Work,
    corpus: Mapping[str, Any],
    encoder: Mapping[str, Any] | None,
    encoder_files: Mapping[str, FileEntry] | None = None,
) -> Contents:
    """Write what belongs to no shard into the partial folder, and list all; an encoder is given or the base's."""
    deleted = _write_tombstones(work)
    files = {**work.files(), **deleted.files, **(encoder_files or {})}
    rejects = _write_lines(work.folder / layout.REJECTS, _rejects(work))
    aliases = (json.dumps(row, ensure_ascii=True) for row in work.state.aliases())
    _write_lines(work.folder / layout.ALIASES, aliases)
    work.state.export(work.folder / layout.STATE)
    for name in (layout.REJECTS, layout.ALIASES, layout.STATE):
        files[name] = file_entry(work.folder / name)
    totals = _totals(work, rejects, deleted)
    before = work.base.dense() if work.base else None
    arranged = arrange(work.folder, work.shards(), work.encoder, work.settings.dense_kind, before, work.progress)
    settings = {**manifest_settings(work.settings), "dense": arranged.dense}
    sparse = work.base.sparse() if work.base else None
    return Contents(corpus, settings, encoder, totals, work.shards(), files | arranged.files, sparse)


def _totals(work: Work, rejects: int, deleted: Deleted) -> dict[str, int]:
    shards = work.shards()
    kept, folded = work.state.totals()
    before = 0 if work.ordered or work.base is None else work.base.index.manifest.totals["skipped"]
    return {
        "documents": kept,
        "passages": sum(entry.passages for entry in shards) - deleted.passages,
        "tokens": sum(entry.tokens for entry in shards) - deleted.tokens,
        "rejects": rejects,
        "duplicates": folded,
        "skipped": before + work.done.skipped,
        "shards": len(shards),
        "deleted_documents": deleted.documents,
        "deleted_passages": deleted.passages,
    }


def _write_tombstones(work: Work) -> Deleted:
    """The base's tombstones and those of this change, as rows."""
    documents = passages = tokens = 0
    files: dict[str, FileEntry] = {}
    gone = work.state.deleted()
    for shard in range(len(work.base.shards) if work.base else 0):
        rows = _deleted_rows(work.folder, shard, gone.get(shard, []), work.base.index if work.base else None)
        if not len(rows):
            continue
        name = layout.DELETED.format(shard)
        (work.folder / name).unlink(missing_ok=True)
        save_array(work.folder / name, rows)
        files[name] = file_entry(work.folder / name)
        lengths = open_array(work.folder / layout.LENGTHS.format(shard), "<u4")
        numbers = open_array(work.folder / layout.ROWS.format(shard), layout.ROW_DTYPE)["document"]
        documents += len(np.unique(numbers[rows]))
        passages += len(rows)
        tokens += int(lengths[rows].sum(dtype=np.int64))
    return Deleted(documents, passages, tokens, files)


def _deleted_rows(folder: Path, shard: int, documents: list[int], base: Index | None) -> NDArray[np.uint32]:
    numbers = open_array(folder / layout.ROWS.format(shard), layout.ROW_DTYPE)["document"]
    rows = np.flatnonzero(np.isin(numbers, documents))
    before = None if base is None else base.deleted[shard]
    return (rows if before is None else np.union1d(before, rows)).astype("<u4")


def _rejects(work: Work) -> Iterable[str]:
    """Those of the whole corpus in an ordered pass, otherwise the base's and then the new ones."""
    if work.base is not None and not work.ordered:
        with (work.base.index.build / layout.REJECTS).open(encoding="utf-8") as lines:
            yield from (line.rstrip("\n") for line in lines)
    yield from work.state.rejects()


def _write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write anew, flushed to disk; returns how many lines."""
    count = 0
    path.unlink(missing_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write(line + "\n")
            count += 1
        out.flush()
        os.fsync(out.fileno())
    return count
