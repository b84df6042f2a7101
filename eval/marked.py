"""Articles of other systems: running text with inline marks, and the list of what the marks point to."""

from __future__ import annotations

from typing import Any

from webbrain.types import Article, Passage, Reference
from webbrain.writing.marks import read_marked_text

TEXT_FIELDS = ("text", "contents", "content", "passage", "snippet")
ID_FIELDS = ("doc_id", "id", "url")


def article_from_marked_text(row: dict[str, Any]) -> Article:
    """An article from `{"text": "... [1][2]. ...", "references": [...], "query"?}`.

    A reference is a text, or an object with a `text` and maybe `marker`, `title`, `url`, `doc_id`, `passage_id`.
    Without markers they count from 1. Raises TypeError or ValueError for another shape.
    """
    text, references = row["text"], row.get("references") or []
    if not isinstance(text, str) or not isinstance(references, list):
        raise TypeError("`text` is to be a string and `references` a list")
    sentences = tuple(read_marked_text(text))
    return Article(
        query=str(row.get("query") or row.get("title") or ""),
        sentences=sentences,
        references=tuple(_reference(place, reference) for place, reference in enumerate(references, start=1)),
        status="ok" if sentences else "no_evidence",
        provenance=dict(row.get("provenance") or {}),
    )


def _reference(place: int, found: Any) -> Reference:
    fields = {"text": found} if isinstance(found, str) else found
    if not isinstance(fields, dict):
        raise TypeError(f"reference {place} is neither a text nor an object")
    marker = fields.get("marker", place)
    text = next((fields[name] for name in TEXT_FIELDS if fields.get(name) is not None), "")
    if type(marker) is not int or not isinstance(text, str):
        raise TypeError(f"reference {place} needs a whole number as `marker` and a string as `text`")
    doc_id = str(next((fields[name] for name in ID_FIELDS if fields.get(name)), place))
    passage_id = str(fields.get("passage_id") or doc_id)
    names = (str(fields.get("title") or ""), text, 0, len(text), str(fields.get("url") or ""))
    return Reference(marker, Passage(passage_id, doc_id, *names))
