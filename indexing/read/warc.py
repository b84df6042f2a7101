"""WARC and WET archives: one record after another, with a break inside the file told apart from its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from .records import Found, fault

MAX_PAGE_BYTES = 20 << 20
HTML_TYPES = ("text/html", "application/xhtml+xml")


class _Chunks:
    """A packed stream for warcio, which takes a broken file for a finished one: the break is kept in `broken`."""

    __slots__ = ("broken", "stream")

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.broken: EOFError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self.stream.read1(size)  # plain `read` would throw away what came before the break
        except EOFError as error:
            self.broken = error
            return b""
        return data


def warc_records(stream: IO[bytes], record_type: str) -> Iterator[Found]:
    """Records of one type ("response" or "conversion"); the others come as kind "skipped" with a name to count.

    Raises EOFError after the last whole record of a packed file that breaks off.
    """
    chunks = _Chunks(stream)
    for found in _records(chunks, record_type):
        if chunks.broken:
            raise chunks.broken
        yield found
    if chunks.broken:
        raise chunks.broken


def _records(chunks: _Chunks, record_type: str) -> Iterator[Found]:
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    number = 0
    try:
        for number, record in enumerate(ArchiveIterator(chunks), 1):
            found = _found(number, record, record_type)
            if _is_cut(record):
                yield fault(number, "truncated_warc", "the file ends inside this record")
                return
            yield found
    except ArchiveLoadFailed as error:
        yield fault(number + 1, "damaged_warc", str(error).strip().splitlines()[0])
    except AttributeError:  # warcio's answer to a record header that breaks off
        yield fault(number + 1, "truncated_warc", "the file ends inside a record's header")


def _found(number: int, record: Any, record_type: str) -> Found:
    if record.rec_type == record_type:
        return _page(number, record)
    return Found(number, "skipped", f"WARC {record.rec_type or 'unknown'} record")


def _page(number: int, record: Any) -> Found:
    from warcio.bufferedreaders import ChunkedDataException

    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    status, content_type = _http(record)
    data = b""
    if status == 200 and content_type.partition(";")[0].strip().lower() in (*HTML_TYPES, "text/plain"):
        try:
            data = record.content_stream().read(MAX_PAGE_BYTES + 1)
        except (ChunkedDataException, OSError) as error:
            return fault(number, "damaged_payload", f"{url}: {error}")
    return Found(number, "wet" if record.rec_type == "conversion" else "warc", (url, status, content_type, data))


def _http(record: Any) -> tuple[int, str]:
    if record.http_headers is None:
        return 200, record.rec_headers.get_header("Content-Type") or ""
    status = record.http_headers.get_statuscode() or ""
    return int(status) if status.isdigit() else 0, record.http_headers.get_header("Content-Type") or ""


def _is_cut(record: Any) -> bool:
    """Whether the file ended before the record did, or inside its header; reads the rest of the record."""
    if record.rec_headers.get_header("Content-Length") is None:
        return True
    while record.raw_stream.read(1 << 16):
        pass
    return bool(getattr(record.raw_stream, "limit", 0) > 0)
