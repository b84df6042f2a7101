from __future__ import annotations

import json

import pytest

from indexing.read import RawRecord, Reject, clean
from webbrain.types import Document


def read(line: bytes | dict[str, object]) -> Document | Reject:
    data = line if isinstance(line, bytes) else json.dumps(line).encode()
    (item,) = clean(RawRecord(4, "d/rows.jsonl", 5, "json", data))
    return item


@pytest.mark.parametrize("field", ["text", "contents", "content"])
@pytest.mark.parametrize("name", ["id", "doc_id", "_id"])
def test_names_of_fields(name: str, field: str) -> None:
    row = {name: 7, field: "Some  text.", "title": "A &amp; B", "url": "https://x.example/7"}
    assert read(row) == Document("7", "A & B", "Some text.", "https://x.example/7", {})


def test_a_row_without_id_is_named_by_its_place() -> None:
    document = read({"text": "x", "title": 1930, "year": 1930, "tags": ["a\x00"], "raw": "y" * 5000, "deep": [[[]]]})
    assert document == Document(
        "d/rows.jsonl:5", "1930", "x", "", {"year": 1930, "tags": ["a"], "deep": [[[]]], "fields_left_out": ["raw"]}
    )


def test_html_rows_are_extracted() -> None:
    words = "Tea is a drink made of leaves. " * 10
    page = f"<title>Tea</title><nav>Home | About</nav><article><p>{words}</p></article>"
    document = read({"id": "t", "html": page, "url": "https://tea.example/"})
    assert isinstance(document, Document)
    assert (document.title, document.url) == ("Tea", "https://tea.example/")
    assert document.text.startswith("Tea is a drink")
    assert "Home" not in document.text
    assert "html" not in document.metadata


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "cut', "bad_json"),
        (b"[1, 2]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"id": 1}', "missing_text"),
        (b'{"id": 1, "text": null}', "null_text"),
        (b'{"id": 1, "text": ["a"]}', "text_not_string"),
        (b'{"id": 1, "text": " \\n\\u200b "}', "empty_text"),
        (b'{"id": {}, "text": "a"}', "bad_id"),
        (b'{"id": true, "text": "a"}', "bad_id"),
        (b'{"text": "a", "text": "b"}', "duplicate_key"),
        (b'{"id": 1, "html": "<script>x()</script>"}', "no_main_text"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad_json"),
        (b'{"id": ' + b"9" * 5000 + b', "text": "a"}', "bad_json"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "undecodable"),
    ],
)
def test_one_clear_reason_each(line: bytes, reason: str) -> None:
    item = read(line)
    assert isinstance(item, Reject)
    assert (item.path, item.line, item.reason) == ("d/rows.jsonl", 5, reason)


def test_null_in_one_text_field_leaves_the_other() -> None:
    item = read({"id": 1, "text": None, "contents": "words"})
    assert isinstance(item, Document)
    assert item.text == "words"


def test_a_line_in_another_charset_is_noted() -> None:
    item = read('{"id": 1, "text": "Die Straße führt über die Brücke."}'.encode("cp1252"))
    assert isinstance(item, Document)
    assert item.text == "Die Straße führt über die Brücke."
    assert item.metadata == {"encoding": "cp1252"}


def test_deep_and_odd_metadata_does_no_harm() -> None:
    item = read(b'{"id": 1, "text": "a", "deep": ' + b"[" * 300 + b"]" * 300 + b', "n": NaN, "u": "\\ud800"}')
    assert isinstance(item, Document)
    assert item.metadata == {"n": None, "u": "", "fields_left_out": ["deep"]}
    json.dumps(item.metadata, ensure_ascii=False).encode()


def test_a_url_that_runs_code_is_dropped() -> None:
    item = read({"id": 1, "text": "a", "url": "javascript:alert(1)"})
    assert isinstance(item, Document)
    assert item.url == ""
