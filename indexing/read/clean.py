"""A raw record to documents or rejects: pure functions, run by workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import cast

from webbrain.types import Document

from .decode import decode
from .html import DecodedPage, extract, read_html
from .markdown import markdown_title, markdown_to_text
from .records import RawRecord, Reject, WikiPage
from .references import clean_reference
from .text import MAX_TITLE_CHARS, clean_id, clean_line, clean_text, clean_title, clean_url
from .warc import HTML_TYPES, MAX_PAGE_BYTES
from .webbrain_raw import is_raw_page, page_text, reference_number
from .wiki import wikitext_to_text

ID_FIELDS = ("id", "doc_id", "_id")
TEXT_FIELDS = ("text", "contents", "content", "html")
_USED_FIELDS = frozenset((*ID_FIELDS, *TEXT_FIELDS, "title", "url"))
MAX_METADATA_CHARS = 2000
MAX_METADATA_DEPTH = 20

Cleaned = tuple[Document | Reject, ...]
Row = dict[str, object]


class _DuplicateKey(ValueError):
    """A JSON object that says two things under one name."""


def clean(record: RawRecord) -> Cleaned:
    """Documents and rejects of one record, at least one in all; the same record always gives the same."""
    return _CLEANERS[record.kind](record)


def _fault(record: RawRecord) -> Cleaned:
    reason, detail = cast(tuple[str, str], record.data)
    return (_reject(record, reason, detail),)


def _json(record: RawRecord) -> Cleaned:
    row = _parse_row(record)
    if isinstance(row, Reject):
        return (row,)
    doc_id = _row_id(record, row)
    if not doc_id:
        return (_reject(record, "bad_id", "an id must be a string or a whole number"),)
    return (_row_document(record, row, doc_id),)


def _raw_page(record: RawRecord) -> Cleaned:
    row = _parse_row(record)
    if isinstance(row, Reject):
        return (row,)
    if not is_raw_page(row):
        return _json(record)
    page_id = clean_id(str(row.get("url") or row.get("id") or "")) or f"{record.path}:{record.line}"
    text = page_text(cast(str, row["text"]))
    page = _document(record, page_id, _string(row.get("title")), text, _string(row.get("url")), {})
    references = cast(list[Row], row["references"])
    return (page, *(_reference(record, page_id, ref, place) for place, ref in enumerate(references, 1)))


def _reference(record: RawRecord, page_id: str, reference: Row, position: int) -> Document | Reject:
    doc_id = f"{page_id}#ref{reference_number(reference.get('cite_id'), position)}"
    cleaned = clean_reference(_string(reference.get("text")))
    if cleaned.rule:
        return _reject(record, cleaned.rule, doc_id=doc_id)
    metadata: Row = {"cited_by": page_id, "cite_id": clean_line(_string(reference.get("cite_id")))}
    title, url = _string(reference.get("title")), _string(reference.get("url"))
    return _document(record, doc_id, title, cleaned.text, url, metadata)


def _text(record: RawRecord) -> Cleaned:
    return _text_file(record, lambda text: ("", text))


def _markdown(record: RawRecord) -> Cleaned:
    return _text_file(record, lambda text: (markdown_title(text), markdown_to_text(text)))


def _text_file(record: RawRecord, read: Callable[[str], tuple[str, str]]) -> Cleaned:
    decoded = decode(cast(bytes, record.data))
    if decoded is None:
        return (_reject(record, "undecodable", doc_id=record.path),)
    title, text = read(decoded.text.replace("\r\n", "\n"))
    return (_document(record, record.path, title or _name_as_title(record.path), text, "", decoded.note),)


def _html(record: RawRecord) -> Cleaned:
    decoded = read_html(cast(bytes, record.data))
    if decoded is None:
        return (_reject(record, "undecodable", doc_id=record.path),)
    document = _page_document(record, record.path, decoded)
    if isinstance(document, Document) and not document.title:
        return (replace(document, title=_name_as_title(record.path)),)
    return (document,)


def _warc(record: RawRecord) -> Cleaned:
    url, status, content_type, data = cast(tuple[str, int, str, bytes], record.data)
    doc_id = clean_id(url) or f"{record.path}:{record.line}"
    if status != 200:
        return (_reject(record, "http_status", str(status), doc_id),)
    if content_type.partition(";")[0].strip().lower() not in HTML_TYPES:
        return (_reject(record, "not_html", content_type[:100], doc_id),)
    if len(data) > MAX_PAGE_BYTES:
        return (_reject(record, "too_large", f"a page of more than {MAX_PAGE_BYTES} bytes", doc_id),)
    decoded = read_html(data, content_type)
    if decoded is None:
        return (_reject(record, "undecodable", doc_id=doc_id),)
    return (_page_document(record, doc_id, decoded, url),)


def _wet(record: RawRecord) -> Cleaned:
    url, _, _, data = cast(tuple[str, int, str, bytes], record.data)
    doc_id = clean_id(url) or f"{record.path}:{record.line}"
    decoded = decode(data)
    if decoded is None:
        return (_reject(record, "undecodable", doc_id=doc_id),)
    first_line = decoded.text.lstrip().partition("\n")[0]  # WET puts the page's title there
    return (_document(record, doc_id, first_line, decoded.text, url, decoded.note),)


def _wiki(record: RawRecord) -> Cleaned:
    page = cast(WikiPage, record.data)
    if page.redirect:
        return (_reject(record, "redirect", f"to {page.redirect}", page.page_id),)
    try:
        text = wikitext_to_text(page.text, page.dropped)
    except ValueError as error:
        return (_reject(record, "bad_wikitext", str(error), page.page_id),)
    return (_document(record, page.page_id, page.title, text, page.url, {}),)


_CLEANERS: Mapping[str, Callable[[RawRecord], Cleaned]] = {
    "fault": _fault,
    "json": _json,
    "raw_page": _raw_page,
    "text": _text,
    "markdown": _markdown,
    "html": _html,
    "warc": _warc,
    "wet": _wet,
    "wiki": _wiki,
}


def _parse_row(record: RawRecord) -> Row | Reject:
    decoded = decode(cast(bytes, record.data))
    if decoded is None:
        return _reject(record, "undecodable")
    try:
        row = _JSON.decode(decoded.text)
    except _DuplicateKey as error:
        return _reject(record, "duplicate_key", str(error))
    except RecursionError:
        return _reject(record, "bad_json", "nested too deeply")
    except ValueError as error:
        return _reject(record, "bad_json", str(error)[:200])
    if not isinstance(row, dict):
        return _reject(record, "not_an_object", f"a JSON {type(row).__name__}")
    return row | decoded.note


def _unique(pairs: list[tuple[str, object]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKey(clean_line(repr(next(name for name in names if names.count(name) > 1))))
    return row


_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=lambda _: None)  # made once: it takes its time


def _row_id(record: RawRecord, row: Row) -> str:
    """The row's id, `<path>:<line>` when it has none, "" when it is of a wrong type."""
    value = next((row[name] for name in ID_FIELDS if row.get(name) is not None), "")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return clean_id(str(value)) or f"{record.path}:{record.line}"


def _row_document(record: RawRecord, row: Row, doc_id: str) -> Document | Reject:
    name = next((name for name in TEXT_FIELDS if row.get(name) is not None), None)
    if name is None:
        null = [field for field in TEXT_FIELDS if field in row]
        return _reject(record, "null_text" if null else "missing_text", ", ".join(null or TEXT_FIELDS), doc_id)
    text = row[name]
    if not isinstance(text, str):
        return _reject(record, "text_not_string", f"{name} is a JSON {type(text).__name__}", doc_id)
    title, url, metadata = _string(row.get("title")), _string(row.get("url")), _metadata(row)
    if name != "html":
        return _document(record, doc_id, title, text, url, metadata)
    return _page_document(record, doc_id, DecodedPage(extract(text), metadata), url, title)


def _page_document(
    record: RawRecord, doc_id: str, decoded: DecodedPage, url: str = "", title: str = ""
) -> Document | Reject:
    page = decoded.page
    if not page.text:
        return _reject(record, "no_main_text", doc_id=doc_id)
    return Document(doc_id, clean_title(title) or page.title, page.text, clean_url(url) or page.url, decoded.note)


def _document(record: RawRecord, doc_id: str, title: str, text: str, url: str, metadata: Row) -> Document | Reject:
    cleaned = clean_text(text)
    if not cleaned:
        return _reject(record, "empty_text", doc_id=doc_id)
    return Document(doc_id, clean_title(title), cleaned, clean_url(url), metadata)


def _reject(record: RawRecord, reason: str, detail: str = "", doc_id: str = "") -> Reject:
    return Reject(record.path, record.line, doc_id, reason, clean_line(detail))


def _string(value: object) -> str:
    """A field as a string: a list's first item, "" for nothing."""
    if isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value)


def _metadata(row: Row) -> Row:
    """The other fields; a large one is left out and named under "fields_left_out"."""
    kept: Row = {}
    left_out: list[str] = []
    for name, value in row.items():
        if name in _USED_FIELDS:
            continue
        if _is_small(value):
            kept[clean_id(name)] = _clean_value(value)
        else:
            left_out.append(clean_id(name)[:MAX_TITLE_CHARS])
    return kept | {"fields_left_out": left_out} if left_out else kept


def _is_small(value: object) -> bool:
    try:
        written = json.dumps(value)
    except RecursionError:
        return False
    return len(written) <= MAX_METADATA_CHARS and written.count("[") + written.count("{") <= MAX_METADATA_DEPTH


def _clean_value(value: object) -> object:
    """Strings in a small JSON value made fit to be written as UTF-8."""
    if isinstance(value, str):
        return clean_id(value)
    if isinstance(value, list):
        return [_clean_value(item) for item in value]
    if isinstance(value, dict):
        return {clean_id(name): _clean_value(item) for name, item in value.items()}
    return value


def _name_as_title(path: str) -> str:
    return PurePosixPath(path).name.partition(".")[0].replace("_", " ").replace("-", " ").strip()
