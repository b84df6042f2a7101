"""Pages of WebBrain-Raw: the page's own text without its tags and marks, and its references."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .text import decode_entities, strip_tags

_MARK = re.compile(r"[ \t]?\[\d+\]")
_NUMBER = re.compile(r"\d+")


def is_raw_page(row: Mapping[str, object]) -> bool:
    """Whether a JSON row is a WebBrain-Raw page and not one with a field that happens to be called references."""
    references = row.get("references")
    if not isinstance(references, list) or not isinstance(row.get("text"), str):
        return False
    if not references:
        return row.keys() <= {"id", "url", "title", "text", "references"}
    return all(isinstance(reference, dict) and "text" in reference for reference in references)


def page_text(text: str) -> str:
    """The page's words: tags and `[1]` marks removed, headings on lines of their own."""
    return _MARK.sub("", decode_entities(strip_tags(text)))


def reference_number(cite_id: object, position: int) -> str:
    """The number inside a cite id such as "[3]", else the reference's 1-based position."""
    found = _NUMBER.search(str(cite_id))
    return found[0] if found else str(position)
