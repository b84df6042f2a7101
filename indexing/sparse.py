"""Giving an index its learned-sparse part: a new build that shares all other files with the one before.

Finished shards carry over by hard link, and a killed run goes on behind the last whole block of a shard.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.sparse import SparseEncoder, package_sparse, weights_digest
from webbrain.store import layout
from webbrain.store.index import current_build
from webbrain.store.manifest import FileEntry, Manifest, read_manifest
from webbrain.store.passages import PassageShard, indexed_text

from .files import link_file, save_array, sync_file, sync_folder, write_atomically, write_lock
from .progress import Progress, Silent
from .publish import free_name
from .receipts import file_entry

BLOCK = 128  # passages between two flushes
ENTRY = np.dtype([("term", "<u4"), ("code", "u1")])


def add_sparse(
    output: Path, model: str, *, precision: str = "int8", threads: int = 1, progress: Progress | None = None
) -> bool:
    """Publish the current build of `output` with a learned-sparse part by `model`; False where it has that already.

    Shards that have one by the same model keep it. Raises ModelNotFound, IndexNotFound, IndexBusy, IndexNotWritten.
    """
    progress = progress or Silent()
    digest = weights_digest(model)
    with write_lock(output):
        build = current_build(output)
        manifest = read_manifest(build)
        same = manifest.sparse is not None and manifest.sparse["weights_sha256"] == digest
        kept = [number for number in range(len(manifest.shards)) if same and _has_shard(manifest, number)]
        if len(kept) == len(manifest.shards):
            progress.note("this index has that sparse part already: nothing to do")
            return False
        name = f"{manifest.build_id.partition('+')[0]}+{digest[:8]}"
        partial = output / layout.BUILDS / f"{name}.partial"
        encoder = _packaged(partial, model, precision, threads)
        for number in range(len(manifest.shards)):
            if number in kept:
                _link(build, partial, _shard_files(number))
            else:
                _encode(build, partial, number, encoder, progress)
        _publish(output, build, partial, manifest, encoder, free_name(output, name))
    return True


def _packaged(partial: Path, model: str, precision: str, threads: int) -> SparseEncoder:
    folder = partial / layout.SPARSE_ENCODER
    if not folder.exists():
        beside = folder.with_name(folder.name + ".new")
        shutil.rmtree(beside, ignore_errors=True)
        package_sparse(model, beside, precision)
        for path in beside.iterdir():
            sync_file(path)
        beside.rename(folder)
        sync_folder(folder.parent)
    return SparseEncoder(folder, threads)


def _encode(build: Path, partial: Path, number: int, encoder: SparseEncoder, progress: Progress) -> None:
    """Write one shard's postings, unless they stand already."""
    if all((partial / name).exists() for name in _shard_files(number)):
        return
    passages = PassageShard(build, number)
    work = _Work(partial, number)
    done = work.resume()
    progress.encoding(number, done, len(passages))
    for begin in range(done, len(passages), BLOCK):
        rows = [passages.passage(row) for row in range(begin, min(begin + BLOCK, len(passages)))]
        work.append(encoder.documents([indexed_text(one.title, one.text) for one in rows]))
        progress.encoding(number, begin + len(rows), len(passages))
    work.write_postings(encoder.card.terms)


class _Work:
    """A shard's weights row by row while it is encoded, then turned into postings."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number
        self.entries = folder / f"sparse/{number:05d}.part"
        self.sizes = folder / f"sparse/{number:05d}.sizes"

    def resume(self) -> int:
        """Rows that an earlier run has encoded; what follows them is cut off."""
        if not (self.entries.exists() and self.sizes.exists()):
            self.entries.write_bytes(b"")
            self.sizes.write_bytes(b"")
            return 0
        rows = self.sizes.stat().st_size // 4
        rows -= rows % BLOCK
        os.truncate(self.sizes, rows * 4)
        os.truncate(self.entries, int(np.fromfile(self.sizes, "<u4").sum(dtype=np.int64)) * ENTRY.itemsize)
        return rows

    def append(self, documents: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
        """One block; its sizes are written last."""
        sizes = []
        with self.entries.open("ab") as file:
            for terms, codes in documents:
                rows = np.empty(len(terms), ENTRY)
                rows["term"], rows["code"] = terms, codes
                file.write(rows.tobytes())
                sizes.append(len(terms))
            file.flush()
            os.fsync(file.fileno())
        with self.sizes.open("ab") as file:
            file.write(np.array(sizes, "<u4").tobytes())
            file.flush()
            os.fsync(file.fileno())

    def write_postings(self, terms: int) -> None:
        entries = np.fromfile(self.entries, ENTRY)
        sizes = np.fromfile(self.sizes, "<u4")
        rows = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
        order = np.argsort(entries["term"], kind="stable")
        counts = np.bincount(entries["term"].astype(np.int64), minlength=terms)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
        save_array(self.folder / layout.SPARSE_OFFSETS.format(self.number), offsets)
        save_array(self.folder / layout.SPARSE_CODES.format(self.number), entries["code"][order])
        save_array(self.folder / layout.SPARSE_ROWS.format(self.number), rows[order])
        self.entries.unlink()
        self.sizes.unlink()


def merge_sparse(build: Path, sources: Sequence[tuple[int, NDArray[np.int64]]], folder: Path, number: int) -> None:
    """Write some rows of several shards' postings as those of shard `number`: the weights as they are."""
    parts, begin = [], 0
    for shard, rows in sources:
        offsets, held, codes = (np.load(build / name, allow_pickle=False) for name in _shard_files(shard))
        place = np.full(max(int(held.max(initial=0)), int(rows.max(initial=0))) + 1, -1, np.int64)
        place[rows] = begin + np.arange(len(rows))
        terms = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets.astype(np.int64)))
        live = place[held] >= 0
        parts.append((terms[live], place[held][live], codes[live]))
        begin += len(rows)
    terms, rows, codes = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(terms, kind="stable")
    counts = np.bincount(terms, minlength=len(offsets) - 1)
    (folder / "sparse").mkdir(exist_ok=True)
    files = _shard_files(number)
    save_array(folder / files[0], np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64))
    save_array(folder / files[1], rows[order].astype(np.uint32))
    save_array(folder / files[2], codes[order])


def _publish(output: Path, build: Path, partial: Path, manifest: Manifest, encoder: SparseEncoder, name: str) -> None:
    """Link everything else, write the manifest, rename, point."""
    others = {path: entry for path, entry in manifest.files.items() if not path.startswith("sparse/")}
    _link(build, partial, others)
    made = sorted(path for path in (partial / "sparse").rglob("*") if path.is_file())
    files: dict[str, FileEntry] = {**others, **{_name(path, partial): file_entry(path) for path in made}}
    card = json.loads((encoder.folder / "sparse.json").read_text(encoding="utf-8"))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    replace(manifest, build_id=name, created=created, files=files, sparse=card).write(partial)
    for part in (layout.MANIFEST, layout.MANIFEST_DIGEST):
        sync_file(partial / part)
    target = output / layout.BUILDS / name
    sync_folder(partial)
    partial.rename(target)
    sync_folder(target.parent)
    write_atomically(output / layout.CURRENT, f"{name}\n".encode())


def _link(build: Path, partial: Path, names: Iterable[str]) -> None:
    for name in names:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        link_file(build / name, partial / name)


def _has_shard(manifest: Manifest, number: int) -> bool:
    return all(name in manifest.files for name in _shard_files(number))


def _shard_files(number: int) -> list[str]:
    return [name.format(number) for name in layout.SPARSE_FILES]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
