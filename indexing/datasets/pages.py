"""A page of a source as the builder sees it: a title, the sentences of its lead, and documents to find evidence in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..read.records import Reject
from ..read.references import clean_reference
from ..read.text import clean_title, clean_url
from .lead import TargetSentence
from .text import neutral, without_notes


@dataclass(frozen=True, slots=True)
class EvidenceDocument:
    """A text that can support sentences: the page's own body (`number` 0) or the reference that `[number]` cites."""

    doc_id: str
    title: str
    text: str
    url: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """`sentences` is empty where the lead gives no target; the page's documents still serve as evidence of others."""

    page_id: str
    title: str
    url: str
    sentences: tuple[TargetSentence, ...]
    documents: tuple[EvidenceDocument, ...]


@dataclass(slots=True)
class Read:
    """What one record gave: a page or none, rejects of the page and of its references, sentences dropped by reason."""

    page: Page | None = None
    rejects: list[Reject] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def page_title(title: object) -> str:
    return neutral(clean_title(title)) if isinstance(title, str) else ""


def evidence_document(
    doc_id: str, title: str, text: str, url: str = "", number: int = 0
) -> tuple[EvidenceDocument | None, str]:
    """The cleaned document, or None and the rule that drops it (the paper's rules, `read.references`)."""
    cleaned = clean_reference(without_notes(text))
    if cleaned.rule:
        return None, cleaned.rule
    return EvidenceDocument(doc_id, page_title(title), neutral(cleaned.text), clean_url(url), number), ""
