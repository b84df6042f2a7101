from __future__ import annotations

import gzip
import io
from collections import Counter
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from indexing.read import Reject, clean, scan
from webbrain.types import Document

WORDS = "A page of the archive with words. " * 30
HTML = f"<html><head><title>Page</title></head><body><p>{WORDS}</p></body></html>".encode()


class Archive:
    """Writes a WARC in memory."""

    def __init__(self, packed: bool) -> None:
        self.out = io.BytesIO()
        self.writer = WARCWriter(self.out, gzip=packed)

    def response(self, url: str, body: bytes, kind: str = "text/html", status: str = "200 OK", **headers: str) -> None:
        named = [("Content-Type", kind), *((name.replace("_", "-"), value) for name, value in headers.items())]
        http = StatusAndHeaders(status, named, protocol="HTTP/1.1")
        self._write(self.writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=http))

    def request(self, url: str) -> None:
        http = StatusAndHeaders("GET / HTTP/1.1", [("Host", "x")], is_http_request=True)
        self._write(self.writer.create_warc_record(url, "request", payload=io.BytesIO(b""), http_headers=http))

    def conversion(self, url: str, text: bytes) -> None:
        record = self.writer.create_warc_record(
            url, "conversion", payload=io.BytesIO(text), warc_content_type="text/plain"
        )
        self._write(record)

    def _write(self, record: object) -> None:
        self.writer.write_record(record)

    def bytes(self) -> bytes:
        return self.out.getvalue()


def items(path: Path, skipped: Counter[str] | None = None) -> list[Document | Reject]:
    return [item for record in scan(path, None, skipped) for item in clean(record)]


@pytest.mark.parametrize("packed", [True, False])
def test_pages_of_an_archive(tmp_path: Path, packed: bool) -> None:
    archive = Archive(packed)
    archive.response("https://x.example/1", HTML)
    archive.request("https://x.example/1")
    archive.response("https://x.example/2", gzip.compress(HTML), Content_Encoding="gzip")
    archive.response("https://x.example/3", b"5\r\n<p>A \r\n6\r\nchunk.\r\n0\r\n\r\n", Transfer_Encoding="chunked")
    archive.response("https://x.example/4", b"\x89PNG", "image/png")
    archive.response("https://x.example/5", HTML, status="404 Not Found")
    russian = "<p>Это страница на русском языке.</p>".encode("cp1251")
    archive.response("https://x.example/6", russian, "text/html; charset=cp1251")
    path = tmp_path / ("a.warc.gz" if packed else "a.warc")
    path.write_bytes(archive.bytes())
    skipped: Counter[str] = Counter()
    found = items(path, skipped)
    assert [item.doc_id for item in found] == [f"https://x.example/{n}" for n in range(1, 7)]
    reasons = [item.reason if isinstance(item, Reject) else "" for item in found]
    assert reasons == ["", "", "", "not_html", "http_status", ""]
    assert isinstance(found[0], Document)
    assert isinstance(found[1], Document)
    assert (found[0].title, found[0].url) == ("Page", "https://x.example/1")
    assert found[0].text == found[1].text
    assert isinstance(found[2], Document)
    assert found[2].text == "A chunk."
    assert isinstance(found[5], Document)
    assert found[5].text == "Это страница на русском языке."
    assert skipped == {"WARC request record": 1}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("cut", [0.32, 0.57, 0.83, 0.97])
def test_an_archive_that_breaks_off(tmp_path: Path, packed: bool, cut: float) -> None:
    archive = Archive(packed)
    for n in range(20):
        archive.response(f"https://x.example/{n}", HTML)
    data = archive.bytes()
    path = tmp_path / ("a.warc.gz" if packed else "a.warc")
    path.write_bytes(data[: int(len(data) * cut)])
    found = items(path)
    assert [item.text for item in found[:-1] if isinstance(item, Document)] == [WORDS.strip()] * (len(found) - 1)
    assert len(found) - 1 == int(20 * cut)
    last = found[-1]
    assert isinstance(last, Reject)
    assert (last.line, last.reason) == (len(found), "truncated_gzip" if packed else "truncated_warc")


def test_a_whole_archive_in_one_gzip_member(tmp_path: Path) -> None:
    archive = Archive(False)
    archive.response("https://x.example/1", HTML)
    archive.response("https://x.example/2", HTML)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(archive.bytes()))
    assert all(isinstance(item, Document) for item in items(path))


def test_wet(tmp_path: Path) -> None:
    archive = Archive(True)
    archive.conversion("https://x.example/1", "Café menu\nCoffee and cake.\n".encode())
    archive.conversion("https://x.example/2", b"  \n")
    path = tmp_path / "a.warc.wet.gz"
    path.write_bytes(archive.bytes())
    assert items(path) == [
        Document("https://x.example/1", "Café menu", "Café menu\nCoffee and cake.", "https://x.example/1", {}),
        Reject("a.warc.wet.gz", 2, "https://x.example/2", "empty_text"),
    ]


def test_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(b"hello world\nthis is no archive\n")
    (tmp_path / "b.warc").write_bytes(b"WARC/1.0\r\nWARC-Type: resp")
    reasons = [item.reason for item in items(tmp_path) if isinstance(item, Reject)]
    assert reasons[0] == "damaged_warc"
    assert reasons[1] in {"damaged_warc", "truncated_warc"}
