"""Records of the three kinds of source, each to a page: WebBrain-Raw, a MediaWiki dump, plain articles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, cast

from webbrain.analysis import Analyzer

from ..read.records import RawRecord, Reject, WikiPage
from ..read.text import clean_id, clean_line, clean_url, decode_entities, strip_tags
from ..read.webbrain_raw import is_raw_page, reference_number
from ..read.wiki import wikitext_to_text
from .lead import read_lead
from .pages import EvidenceDocument, Page, Read, evidence_document, page_title
from .settings import DatasetSettings

Row = dict[str, Any]
# Sections that hold lists of sources and links, not prose.
APPARATUS = frozenset(
    (
        "references", "notes", "footnotes", "citations", "sources", "bibliography", "further reading", "see also",
        "external links", "works cited", "notes and references", "references and notes", "discography", "filmography",
        "publications", "selected publications",
    )
)  # fmt: skip
_HEADING = re.compile(r"^(={2,6})[ \t]*(.*?)[ \t]*\1[ \t]*$", re.MULTILINE)
_FIRST_H2 = re.compile(r"</?h2\b[^<>]*>", re.IGNORECASE)
_SAYS = re.compile(
    r"^(?:he|she|it|they|there|we)\b|\b(?:is|are|was|were|has|had|have|did|does|died|married|won|became|joined|entered|"
    r"graduated|attended|continues|baptized|baptised|owns|wins|borders|attains)\b",
    re.IGNORECASE,
)
MIN_SENTENCE_HEADING_WORDS = 4


def read_record(record: RawRecord, settings: DatasetSettings, analyzer: Analyzer) -> Read:
    """The page of one record, with everything that was turned away and why."""
    if record.kind == "fault":
        reason, detail = cast(tuple[str, str], record.data)
        return Read(rejects=[_reject(record, reason, detail)])
    if settings.kind == "wiki":
        return _wiki(record, settings, analyzer)
    row = _row(record)
    if isinstance(row, Reject):
        return Read(rejects=[row])
    return _READERS[settings.kind](record, row, settings, analyzer)


def _article(record: RawRecord, row: Row, settings: DatasetSettings, analyzer: Analyzer) -> Read:
    """A plain article: `sections` are offsets into `text`, which may be cut short of them; the first is the lead."""
    sections, text = row.get("sections"), row.get("text")
    if not isinstance(text, str) or not _are_sections(sections):
        return Read(rejects=[_reject(record, "not_an_article", "needs text, and sections as offsets into it")])
    return _page(record, row, join_sections(text, cast(list[Row], sections)), settings, analyzer)


def _wiki(record: RawRecord, settings: DatasetSettings, analyzer: Analyzer) -> Read:
    if record.kind != "wiki":
        return Read(rejects=[_reject(record, "not_mediawiki", f"a record of kind {record.kind}")])
    page = cast(WikiPage, record.data)
    if page.redirect:
        return Read(rejects=[_reject(record, "redirect", f"to {page.redirect}", page.page_id)])
    row: Row = {"id": page.page_id, "title": page.title, "url": page.url}
    try:
        parts = [(name, wikitext_to_text(text, page.dropped)) for name, text in _wiki_sections(page.text)]
    except ValueError as error:
        return Read(rejects=[_reject(record, "bad_wikitext", str(error), page.page_id)])
    return _page(record, row, parts, settings, analyzer)


def _page(
    record: RawRecord, row: Row, parts: list[tuple[str, str]], settings: DatasetSettings, analyzer: Analyzer
) -> Read:
    """A page from its sections: the first is the lead, the prose of the others its one document."""
    page_id, title = _page_id(record, row), page_title(row.get("title"))
    body = "\n\n".join(text.strip() for name, text in parts[1:] if name.casefold().strip() not in APPARATUS)
    url = clean_url(str(row.get("url") or ""))
    document, _ = evidence_document(page_id, title, body, url)
    documents = (document,) if document else ()
    return _with_lead(record, Page(page_id, title, url, (), documents), parts[0][1], settings, analyzer)


def _raw(record: RawRecord, row: Row, settings: DatasetSettings, analyzer: Analyzer) -> Read:
    """A WebBrain-Raw page: the text before the first `<h2>` is the lead, its marks point into `references`."""
    if not is_raw_page(row):
        return Read(rejects=[_reject(record, "not_a_raw_page", "needs text, and references with a text each")])
    page_id, url = _page_id(record, row, "url"), clean_url(str(row.get("url") or ""))
    found: list[EvidenceDocument] = []
    rejects: list[Reject] = []
    for place, reference in enumerate(row["references"], 1):
        number = reference_number(reference.get("cite_id"), place)
        name, text = f"{page_id}#ref{number}", str(reference.get("text") or "")
        title, link = str(reference.get("title") or ""), str(reference.get("url") or "")
        document, rule = evidence_document(name, title, text, link, int(number))
        if any(one.number == int(number) for one in found):
            rejects.append(_reject(record, "duplicate_cite_id", doc_id=name))
        elif document:
            found.append(document)
        else:
            rejects.append(_reject(record, rule, doc_id=name))
    lead = decode_entities(strip_tags(_FIRST_H2.split(row["text"], maxsplit=1)[0]))
    page = Page(page_id, page_title(row.get("title")), url, (), tuple(found))
    read = _with_lead(record, page, lead, settings, analyzer)
    read.rejects.extend(rejects)
    return read


_READERS: dict[str, Callable[[RawRecord, Row, DatasetSettings, Analyzer], Read]] = {"articles": _article, "raw": _raw}


def join_sections(text: str, sections: list[Row]) -> list[tuple[str, str]]:
    """(heading, text) of the sections; one under a false heading is joined to the one before, heading and all."""
    parts: list[tuple[str, str]] = []
    for section in sections:
        heading, body = str(section.get("heading") or ""), text[section["start"] : section["end"]]
        if parts and is_false_heading(heading):
            name, before = parts[-1]
            parts[-1] = (name, f"{before.rstrip()}\n{heading}.\n{body}")
        else:
            parts.append((heading, body))
    return parts


def is_false_heading(heading: str) -> bool:
    """Whether a heading is a short sentence that stood on a line of its own ("She died in Port Hope in 2008")."""
    return len(heading.split()) >= MIN_SENTENCE_HEADING_WORDS and bool(_SAYS.search(heading))


def _wiki_sections(wikitext: str) -> list[tuple[str, str]]:
    pieces = _HEADING.split(wikitext)
    return [("", pieces[0]), *zip(pieces[2::3], pieces[3::3], strict=True)]


def _with_lead(record: RawRecord, page: Page, lead: str, settings: DatasetSettings, analyzer: Analyzer) -> Read:
    if not page.title:
        return Read(page, [_reject(record, "title_missing", doc_id=page.page_id)])
    read = read_lead(page.title, lead, settings, analyzer, marked=settings.kind == "raw")
    rejects = [_reject(record, read.reason, doc_id=page.page_id)] if read.reason else []
    whole = Page(page.page_id, page.title, page.url, read.sentences, page.documents)
    return Read(whole, rejects, read.dropped)


def _row(record: RawRecord) -> Row | Reject:
    if record.kind not in ("json", "raw_page"):
        return _reject(record, "not_json", f"a record of kind {record.kind}")
    try:
        row = json.loads(cast(bytes, record.data).decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        return _reject(record, "bad_json", str(error)[:200])
    return row if isinstance(row, dict) else _reject(record, "not_an_object", f"a JSON {type(row).__name__}")


def _are_sections(sections: object) -> bool:
    if not isinstance(sections, list) or not sections:
        return False
    return all(
        isinstance(section, dict)
        and isinstance(section.get("start"), int)
        and isinstance(section.get("end"), int)
        and 0 <= section["start"] <= section["end"]
        for section in cast(Iterable[Any], sections)
    )


def _page_id(record: RawRecord, row: Row, *first: str) -> str:
    value = next((row[name] for name in (*first, "id", "doc_id", "url") if row.get(name) not in (None, "")), "")
    return clean_id(str(value)) or f"{record.path}:{record.line}"


def _reject(record: RawRecord, reason: str, detail: str = "", doc_id: str = "") -> Reject:
    return Reject(record.path, record.line, doc_id, reason, clean_line(detail))
