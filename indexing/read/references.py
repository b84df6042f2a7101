"""The paper's cleaning of references; used when a corpus is read and when a dataset is built."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .text import clean_text, decode_entities, strip_tags

MIN_WORDS = 16
MAX_NON_ENGLISH_RATIO = 0.3
MAX_SENTENCE_TOKENS = 256

_URL = re.compile(r"(?:https?://|ftp://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_TABLE_TAG = re.compile(r"</?table\b[^<>]*>", re.IGNORECASE)
_TABLE_LINE = re.compile(r"^[^\n]*(?:\|[^|\n]*\||\t[^\t\n]*\t)[^\n]*$", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s)|(?=\n)")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_LETTER_TOKEN = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class CleanedReference:
    """A reference's clean text, and the rule that drops it ("" when it is kept)."""

    text: str
    rule: str = ""


def clean_reference(text: str) -> CleanedReference:
    """Tables, URLs, tags and sentences over 256 tokens removed; then the rules on words and language."""
    bare = strip_tags(_without_tables(text))
    clean = clean_text(drop_long_sentences(_TABLE_LINE.sub("", _URL.sub("", decode_entities(bare)))))
    return CleanedReference(clean, _dropped_by(clean, text))


def drop_long_sentences(text: str) -> str:
    """The text without sentences of more than `MAX_SENTENCE_TOKENS` words and punctuation marks."""
    kept = [part for part in _SENTENCE_END.split(text) if sum(1 for _ in _TOKEN.finditer(part)) <= MAX_SENTENCE_TOKENS]
    return "".join(kept).strip()


def non_english_ratio(text: str) -> float:
    """Share of the tokens with letters that hold a letter outside English's own; 0.0 when there are none."""
    tokens = _LETTER_TOKEN.findall(text)
    return sum(not token.isascii() for token in tokens) / len(tokens) if tokens else 0.0


def _without_tables(text: str) -> str:
    """A newline for each outermost table that ends; one pass, since text may hold many that do not."""
    kept: list[str] = []
    start = opened = depth = 0
    for tag in _TABLE_TAG.finditer(text):
        if tag[0][1] != "/":
            opened = opened if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                kept.append(text[start:opened])
                start = tag.end()
    return "\n".join([*kept, text[start:]])


def _dropped_by(clean: str, original: str) -> str:
    if not clean:
        return "reference_only_markup" if original.strip() else "reference_empty"
    if len(clean.split()) < MIN_WORDS:
        return "reference_too_short"
    return "reference_not_english" if non_english_ratio(clean) > MAX_NON_ENGLISH_RATIO else ""
