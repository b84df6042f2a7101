"""The corpus in splits: whole small files together, large plain `.jsonl` files cut between lines."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..read.decode import wide_mark
from ..read.fingerprint import content_digest
from ..read.records import Found
from ..read.scan import CorpusFile, corpus_files, read_file
from ..read.streams import PACKED, packing_of

BLOCK = 1 << 20
_UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes from `begin` to `end` of a corpus file (None: to its end), of which `lines` lines come before."""

    name: str
    path: str
    begin: int = 0
    end: int | None = None
    lines: int = 0

    def read(self) -> Iterator[Found]:
        """Records with their line numbers in the whole file."""
        with self._file() as path:
            for found in read_file(CorpusFile(self.name, path)):
                yield replace(found, line=found.line + self.lines)

    @contextmanager
    def _file(self) -> Iterator[Path]:
        if self.begin == 0 and self.end is None:
            yield Path(self.path)
            return
        with TemporaryDirectory() as folder:
            part = Path(folder) / "part.jsonl"
            with Path(self.path).open("rb") as source, part.open("wb") as target:
                source.seek(self.begin)
                if self.end is None:
                    shutil.copyfileobj(source, target)
                else:
                    _copy(source, target, self.end - self.begin)
            yield part


Split = list[Piece]


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a file finds: its part of the fingerprint (hex), its size, and (byte, line) of each cut."""

    content: str
    bytes: int
    cuts: tuple[tuple[int, int], ...]

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Survey:
        return cls(raw["content"], raw["bytes"], tuple((byte, line) for byte, line in raw["cuts"]))


def survey(file: CorpusFile, split_bytes: int) -> Survey:
    """Digest a file and find where it can be cut about every `split_bytes`."""
    content = content_digest(file.path)
    size = file.path.stat().st_size if content[:1] == b"\0" else 0
    cuts = tuple(_cuts(file.path, split_bytes)) if size > split_bytes and _can_be_cut(file) else ()
    return Survey(content.hex(), size, cuts)


def make_splits(files: Iterable[tuple[CorpusFile, Survey]], split_bytes: int) -> list[Split]:
    """Splits in corpus order of about `split_bytes` each."""
    splits: list[Split] = []
    held = 0
    for file, found in files:
        for piece, size in _pieces(file, found):
            if not splits or (held and held + size > split_bytes):
                splits.append([])
                held = 0
            splits[-1].append(piece)
            held += max(size, 1)
    return splits


def list_files(corpus: Path) -> list[CorpusFile]:
    return list(corpus_files(corpus))


def split_as_json(split: Split) -> list[dict[str, Any]]:
    return [asdict(piece) for piece in split]


def split_from_json(rows: list[dict[str, Any]]) -> Split:
    return [Piece(**row) for row in rows]


def _pieces(file: CorpusFile, found: Survey) -> Iterator[tuple[Piece, int]]:
    """(piece, bytes) of a file."""
    begins = [(0, 0), *found.cuts]
    ends = [byte for byte, _ in found.cuts]
    for (begin, lines), end in zip(begins, [*ends, None], strict=True):
        size = (found.bytes if end is None else end) - begin
        yield Piece(file.name, str(file.path), begin, end, lines), size


def _can_be_cut(file: CorpusFile) -> bool:
    """Plain UTF-8 lines; what is packed or of wide characters can only be read from its beginning."""
    if not file.name.lower().endswith(".jsonl") or packing_of(file.path):
        return False
    with file.path.open("rb") as stream:
        return not wide_mark(stream.read(4))


def _cuts(path: Path, split_bytes: int) -> Iterator[tuple[int, int]]:
    """Places behind a newline, each at least `split_bytes` behind the one before, with text on both sides of it.

    Not before what would be taken for the mark of a packed file or of an encoding.
    """
    place = line = last = 0
    waiting: tuple[int, int] | None = None  # a cut, until text comes after it
    filled = False
    with path.open("rb") as stream:
        while part := stream.readline(BLOCK):
            if waiting and place == waiting[0] and _is_mark(part):
                waiting = None
            text = bool((part if place else part.removeprefix(_UTF8_MARK)).strip())
            if waiting and text:
                yield waiting
                last, waiting, filled = waiting[0], None, False
            filled = filled or text
            place += len(part)
            line += part.endswith(b"\n")
            if waiting is None and filled and part.endswith(b"\n") and place - last >= split_bytes:
                waiting = place, line


def _is_mark(line: bytes) -> bool:
    return line.startswith((_UTF8_MARK, *PACKED)) or bool(wide_mark(line[:4]))


def _copy(source: Any, target: Any, size: int) -> None:
    while size > 0:
        block = source.read(min(BLOCK, size))
        if not block:
            return
        target.write(block)
        size -= len(block)
