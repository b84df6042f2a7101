"""Walks a corpus and yields its records: streaming, in the same order every time, broken files told and passed over."""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from webbrain.errors import CorpusError

from .records import Found, RawRecord, fault
from .streams import MAX_LINE_BYTES, break_reason, lines, open_stream
from .warc import MAX_PAGE_BYTES, warc_records
from .wiki import wiki_pages

IGNORED_NAMES = frozenset({"rejects.jsonl"})
KINDS_READ = ".jsonl[.gz] .txt .md .markdown .html .htm .warc[.gz] .wet[.gz] .xml[.bz2]"
# Inside a JSON string the quotes of "references" would be escaped, so this finds only a key.
_RAW_PAGE = re.compile(rb'"references"\s*:\s*\[')
_MAX_HTML_BYTES = MAX_PAGE_BYTES
_TELL_EVERY_BYTES = 1 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, order=True)
class CorpusFile:
    """A file of a corpus: `name` is its path relative to the corpus root, with "/"."""

    name: str
    path: Path


def scan(corpus: Path, progress: Progress | None = None, skipped: Counter[str] | None = None) -> Iterator[RawRecord]:
    """Every record of a file or folder, streaming; a broken file gives what was readable, then one of kind "fault".

    `progress` is told (bytes of the files read, bytes in all) now and then. Records that are no pages by design (a WARC
    request, a wiki talk page) are counted in `skipped`, name -> number.
    Raises CorpusError, before the first record, when there is nothing to read at `corpus`.
    """
    corpus = Path(corpus)
    _check(corpus)
    meter = _Meter(progress, corpus_bytes(corpus)) if progress else None
    return _scan_files(corpus, meter, Counter() if skipped is None else skipped)


def corpus_bytes(corpus: Path) -> int:
    """Size of a corpus's files as they lie on disk, packed ones packed."""
    return sum(_size(file.path) for file in corpus_files(corpus))


def corpus_files(corpus: Path) -> Iterator[CorpusFile]:
    """Files in a fixed order (sorted, folders in place), hidden ones and `rejects.jsonl` left out."""
    if not corpus.is_dir():
        yield CorpusFile(_printable(corpus.name), corpus)
        return
    yield from _walk(corpus, "")


def is_known(name: str) -> bool:
    """Whether a file of this name is of a kind that is read."""
    return _suffix(name) in _READERS


def _scan_files(corpus: Path, meter: _Meter | None, skipped: Counter[str]) -> Iterator[RawRecord]:
    ordinal = 0
    for file in corpus_files(corpus):
        for found in read_file(file, meter):
            if found.kind == "skipped":
                skipped[str(found.data)] += 1
                continue
            yield RawRecord(ordinal, file.name, found.line, found.kind, found.data)
            ordinal += 1
        if meter:
            meter.end_file(_size(file.path))


def read_file(file: CorpusFile, meter: _Meter | None = None) -> Iterator[Found]:
    """Every record of one file, those that are no pages too (kind "skipped"); a broken file ends with a "fault"."""
    line = 0
    try:
        problem = _problem(file)
        if problem:
            yield fault(1, *problem)
            return
        with open_stream(file.path) as (stream, position):
            for found in _READERS[_suffix(file.name)](stream):
                line = found.line
                yield found
                if meter:
                    meter.inside_file(position())
    except (OSError, EOFError, zlib.error) as error:
        yield fault(line + 1, *break_reason(error, file.path))
        return
    if not line:
        yield fault(1, "empty_file")


class _Meter:
    """Tells how far reading is, at most once a mebibyte."""

    __slots__ = ("before", "progress", "told", "total")

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total = progress, total
        self.before = self.told = 0

    def inside_file(self, position: int) -> None:
        if self.before + position - self.told >= _TELL_EVERY_BYTES:
            self._tell(self.before + position)

    def end_file(self, size: int) -> None:
        self.before += size
        self._tell(self.before)

    def _tell(self, done: int) -> None:
        self.told = done
        self.progress(done, self.total)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # scan tells of it when it comes to the file
        return 0


def _problem(file: CorpusFile) -> tuple[str, str] | None:
    info = file.path.stat()
    if stat.S_ISDIR(info.st_mode) and not file.path.is_symlink():  # walked into, unless it could not be listed
        return "unreadable", "the folder cannot be listed"
    if not stat.S_ISREG(info.st_mode):
        return "not_a_file", "a link to a folder, a device, a pipe or a socket"
    if not is_known(file.name):
        return "unknown_format", f"kinds read: {KINDS_READ}"
    return None if info.st_size else ("empty_file", "")


def _json_lines(stream: IO[bytes]) -> Iterator[Found]:
    for number, line in lines(stream):
        if isinstance(line, Found):
            yield line
        elif line.strip():
            yield Found(number, "raw_page" if _RAW_PAGE.search(line) else "json", line)


def _whole_file(kind: str, limit: int) -> Callable[[IO[bytes]], Iterator[Found]]:
    def read(stream: IO[bytes]) -> Iterator[Found]:
        data = stream.read(limit + 1)
        if len(data) > limit:
            yield fault(1, "too_large", f"a {kind} file of more than {limit} bytes")
        else:
            yield Found(1, kind, data)

    return read


def _warc(stream: IO[bytes]) -> Iterator[Found]:
    return warc_records(stream, "response")


def _wet(stream: IO[bytes]) -> Iterator[Found]:
    return warc_records(stream, "conversion")


_READERS: dict[str, Callable[[IO[bytes]], Iterator[Found]]] = {
    ".jsonl": _json_lines,
    ".txt": _whole_file("text", MAX_LINE_BYTES),
    ".md": _whole_file("markdown", MAX_LINE_BYTES),
    ".markdown": _whole_file("markdown", MAX_LINE_BYTES),
    ".html": _whole_file("html", _MAX_HTML_BYTES),
    ".htm": _whole_file("html", _MAX_HTML_BYTES),
    ".warc": _warc,
    ".wet": _wet,
    ".xml": wiki_pages,
}


def _suffix(name: str) -> str:
    """The suffix that tells the kind: "a.warc.wet.gz" -> ".wet"."""
    lower = name.lower()
    for packing in (".gz", ".bz2"):
        lower = lower.removesuffix(packing)
    return PurePosixPath(lower).suffix


def _walk(folder: Path, prefix: str) -> Iterator[CorpusFile]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield CorpusFile(prefix.rstrip("/") or ".", folder)
        return
    for entry in entries:
        name = prefix + _printable(entry.name)
        if entry.name.startswith(".") or entry.name in IGNORED_NAMES:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), name + "/")
        else:
            yield CorpusFile(name, Path(entry.path))


def _printable(name: str) -> str:
    """A file name that can be written as UTF-8, even when its bytes were not."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _check(corpus: Path) -> None:
    if not corpus.exists():
        raise CorpusError("no such file or folder; give the path of a corpus", corpus)
    found: Counter[str] = Counter()
    for file in corpus_files(corpus):
        if is_known(file.name):
            return
        found[_suffix(file.name) or "no suffix"] += 1
    what = ", ".join(f"{number} x {suffix}" for suffix, number in found.most_common(5)) or "no files"
    raise CorpusError(f"nothing to read here (found: {what}); kinds read: {KINDS_READ}", corpus)
