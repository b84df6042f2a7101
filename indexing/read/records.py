"""What reading yields: a raw record from a file, and the reason a record was turned away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as found, not cleaned. `data` is the kind's payload, made of plain values that pickle cheaply.

    json, raw_page: the line's bytes. text, markdown, html: the file's bytes. warc, wet: (url, content type, bytes).
    wiki: a `WikiPage`. fault: (reason, detail).
    """

    ordinal: int  # 0-based place in the whole corpus stream
    path: str  # relative to the corpus root, with "/"
    line: int  # 1-based line, WARC record or wiki page inside the file
    kind: str
    data: object


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that gave no document; `reason` is a short fixed code."""

    path: str
    line: int
    doc_id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One record inside a file, before it has a place in the corpus."""

    line: int
    kind: str
    data: object


@dataclass(frozen=True, slots=True)
class WikiPage:
    """A page of a MediaWiki dump; `dropped` holds the dump's own words for files and categories, lower-case."""

    page_id: str
    title: str
    text: str
    redirect: str
    url: str
    dropped: frozenset[str]


def fault(line: int, reason: str, detail: str = "") -> Found:
    """A record that says why there is nothing to clean here."""
    return Found(line, "fault", (reason, detail))
