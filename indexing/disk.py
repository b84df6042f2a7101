"""The room that an index will take: said before a build, and refused when there is less."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from webbrain.errors import ConfigError
from webbrain.store.index import Index

from .progress import Progress
from .read.scan import corpus_files

# Measured bytes of index per byte of plain text: texts, postings, fp16 vectors, and the work files of a shard.
INDEX_PER_TEXT = 4.0
UNPACKED = {".gz": 4.0, ".bz2": 5.0}
# How much of a file of this kind is text that stays; of the others, all of it.
TEXT_SHARE = {".html": 0.25, ".htm": 0.25, ".warc": 0.2, ".xml": 0.7}


def check_disk(corpus: Path, output: Path, partial: Path, progress: Progress, *, base: Index | None = None) -> None:
    """Note the estimate, less what `partial` and `base`, whose files stay, hold already, and what is free.

    Raises ConfigError for a short disk.
    """
    needed = sum(_estimate(file.name, _size(file.path)) for file in corpus_files(corpus))
    there = sum(_size(path) for path in partial.rglob("*") if path.stat().st_nlink == 1)  # the others are the base's
    there += sum(entry.bytes for entry in base.manifest.files.values()) if base is not None else 0
    check_room(output, max(needed - there, 0), progress)


def check_room(output: Path, needed: int, progress: Progress) -> None:
    """Note that so many bytes are needed and what is free; raises ConfigError for a short disk."""
    free = shutil.disk_usage(output).free
    progress.note(f"estimated disk: {needed / 1e6:,.0f} MB, free: {free / 1e6:,.0f} MB")
    if needed > free:
        raise ConfigError(
            f"{output} has {free / 1e6:,.0f} MB free, the index needs about {needed / 1e6:,.0f} MB; "
            "free some or give another --output"
        )


def _estimate(name: str, size: int) -> int:
    """Bytes of index for a corpus file of `size` bytes."""
    path = PurePosixPath(name.lower())
    unpacked = UNPACKED.get(path.suffix, 1.0)
    kind = path.with_suffix("").suffix if path.suffix in UNPACKED else path.suffix
    return int(size * unpacked * TEXT_SHARE.get(kind, 1.0) * INDEX_PER_TEXT)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
