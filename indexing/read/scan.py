"""Walks a corpus and yields its records: streaming, in the same order every time, broken files told and passed over."""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True, slots=True, order=True)
class CorpusFile:
    """A file of a corpus: `name` is its path relative to the corpus root, with "/"."""

    name: str
    path: Path


def scan(corpus: Path, skipped: Counter[str] | None = None) -> Iterator[RawRecord]:
    """Every record of a file or folder, streaming; a broken file gives what was readable, then a record of kind "fault".

    Records that are no pages by design (a WARC request, a wiki talk page) are counted in `skipped`, name -> number.
    Raises CorpusError, before the first record, when there is nothing to read at `corpus`.
    """
    corpus = Path(corpus)
    _check(corpus)
    return _scan_files(corpus, Counter() if skipped is None else skipped)


def corpus_files(corpus: Path) -> Iterator[CorpusFile]:
    """Files in a fixed order (sorted, folders in place), hidden ones and `rejects.jsonl` left out."""
    if not corpus.is_dir():
        yield CorpusFile(_printable(corpus.name), corpus)
        return
    yield from _walk(corpus, "")


def reader_for(name: str) -> Callable[[IO[bytes]], Iterator[Found]] | None:
    """How a file of this name is read; None for an unknown kind."""
    return _READERS.get(_suffix(name))


def _scan_files(corpus: Path, skipped: Counter[str]) -> Iterator[RawRecord]:
    ordinal = 0
    for file in corpus_files(corpus):
        for found in _read_file(file):
            if found.kind == "skipped":
                skipped[str(found.data)] += 1
                continue
            yield RawRecord(ordinal, file.name, found.line, found.kind, found.data)
            ordinal += 1


def _read_file(file: CorpusFile) -> Iterator[Found]:
    reader = reader_for(file.name)
    line = 0
    empty = True
    try:
        problem = _problem(file, reader is not None)
        if problem or reader is None:
            yield fault(0, *problem)
            return
        with open_stream(file.path) as stream:
            for found in reader(stream):
                empty, line = False, found.line
                yield found
    except (OSError, EOFError, zlib.error) as error:
        yield fault(line + 1, *break_reason(error, file.path))
        return
    if empty:
        yield fault(0, "empty_file")


def _problem(file: CorpusFile, known: bool) -> tuple[str, str] | tuple[()]:
    mode = file.path.stat()
    if stat.S_ISDIR(mode.st_mode):  # walked into, unless it could not be listed
        return "unreadable", "the folder cannot be listed"
    if not stat.S_ISREG(mode.st_mode):
        return "not_a_file", "a device, pipe or socket"
    if not known:
        return "unknown_format", f"kinds read: {KINDS_READ}"
    return () if mode.st_size else ("empty_file", "")


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
    return os.path.splitext(lower)[1]


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
        if reader_for(file.name):
            return
        found[_suffix(file.name) or "no suffix"] += 1
    what = ", ".join(f"{number} x {suffix}" for suffix, number in found.most_common(5)) or "no files"
    raise CorpusError(f"nothing to read here (found: {what}); kinds read: {KINDS_READ}", corpus)
