"""Files as byte streams and lines: unpacked on the way, never held whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Literal, cast

from .decode import wide_mark
from .records import Found, fault

MAX_LINE_BYTES = 256 << 20
_SKIP_BYTES = 1 << 20
_UTF8_MARK = b"\xef\xbb\xbf"

Packing = Literal["", "gzip", "bz2"]
PACKED: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"BZh": "bz2"}  # first bytes of a packed file


@contextmanager
def open_stream(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """(bytes, place in the file) of a file, unpacked when its first bytes or its name say gzip or bzip2."""
    packing = packing_of(path)
    with path.open("rb") as file, ExitStack() as stack:
        if packing == "gzip":
            import gzip

            yield cast(IO[bytes], stack.enter_context(gzip.open(file, "rb"))), file.tell
        elif packing == "bz2":
            import bz2

            yield cast(IO[bytes], stack.enter_context(bz2.open(file, "rb"))), file.tell
        else:
            yield file, file.tell


def packing_of(path: Path) -> Packing:
    """How a file is packed; an empty file is not packed, whatever its name."""
    with path.open("rb") as file:
        head = file.read(3)
    for mark, packing in PACKED.items():
        if head.startswith(mark):
            return packing
    if not head:
        return ""
    return {".gz": "gzip", ".bz2": "bz2"}.get(path.suffix.lower(), "")  # type: ignore[return-value]


def break_reason(error: Exception, path: Path) -> tuple[str, str]:
    """(reason, detail) for an error while reading: a truncated or damaged file, or one that cannot be read."""
    if isinstance(error, OSError) and error.errno is not None:
        return "unreadable", error.strerror or str(error)
    packing = packing_of(path) or "file"
    if isinstance(error, EOFError):
        return f"truncated_{packing}", f"the file ends at byte {path.stat().st_size}, inside packed data"
    return f"damaged_{packing}", str(error)


def lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | Found]]:
    """(line number, line) as UTF-8 bytes without mark or newline; a line over `MAX_LINE_BYTES` becomes a fault."""
    read = _line_reader(stream)
    number = 0
    while line := read(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            size = len(line) + _skip_line(read, line)
            line = b""  # let go before the next line is read
            yield number, fault(number, "too_large", f"a line of {size} bytes; the most is {MAX_LINE_BYTES}")
        else:
            yield number, line.removeprefix(_UTF8_MARK).rstrip(b"\r\n") if number == 1 else line.rstrip(b"\r\n")


def _line_reader(stream: IO[bytes]) -> Callable[[int], bytes]:
    # The stream's own readline: a second buffer on top would lose whole lines where a packed file breaks off.
    encoding = wide_mark(stream.peek(4)[:4])  # type: ignore[attr-defined]
    if not encoding:
        return stream.readline
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="\n")
    return lambda limit: text.readline(limit).lstrip("\ufeff").encode("utf-8", "replace")


def _skip_line(read: Callable[[int], bytes], line: bytes) -> int:
    skipped = 0
    while line and not line.endswith(b"\n"):
        line = read(_SKIP_BYTES)
        skipped += len(line)
    return skipped
