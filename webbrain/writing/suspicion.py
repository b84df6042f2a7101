"""Pages that are written at programs instead of people: left out of the evidence, and counted.

Corpus text never acts as an instruction here, whatever it says. But a page that tries is no source to quote either, nor
is one that repeats a phrase to be found.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

_PATTERNS = {
    "control tokens": re.compile(
        r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|</?s>|\[(?:SEP|CLS|MASK|PAD|SPLIT|ref|title)\]|<extra_id_\d+>|"
        r"<(?:start|end)_of_turn>|<bos>|<eos>"
    ),
    "instructions": re.compile(
        r"\b(?:ignore|disregard|forget|override)\s+(?:(?:all|any|the|your|every|these|those|of)\s+){0,3}(?:previous|prior|earlier|above|other|preceding|your)\s+"
        r"(?:\w+\s+)?(?:instructions?|prompts?|sources?|rules?|directions?|context|orders?|pages?|documents?)|\bsystem override\b|"
        r"\bdecode the (?:next|following) (?:line|text)\b|"
        r"\b(?:system|developer|hidden)\s+prompt\b|\byou are (?:now )?(?:a|an) (?:\w+ )?(?:assistant|ai|language model|chatbot)\b|"
        r"\bdear (?:assistant|ai|model|summari[sz]er)\b|\bnotice to (?:summari[sz]ers|ai|assistants?|language models?)\b|"
        r"\b(?:summari[sz]ers?|language models?|assistants?|ai systems?|programs? (?:that|which) (?:write|summari[sz]e)s?)\s+(?:must|should|shall|are (?:required|ordered) to)\b",
        re.IGNORECASE,
    ),
    "script": re.compile(
        r"<script\b|javascript:|vbscript:|\bon(?:error|load|click|mouseover)\s*=|<iframe\b|<svg\b|data:text/html", re.I
    ),
    "templates": re.compile(r"\{\{[^}]{1,80}\}\}|\$\{[^}]{1,80}\}|<!\[CDATA\[|\\input\{|;\s*DROP TABLE\b|\{0\.__"),
}
_STUFFED_SHARE = 0.1  # of a page's word pairs, so many are one and the same pair
_STUFFED_PAIRS = 120  # in pages of at least so many pairs


def suspicion(text: str) -> str | None:
    """Why a page is not to be quoted, or None."""
    for reason, pattern in _PATTERNS.items():
        if pattern.search(text):
            return reason
    return "keyword stuffing" if _is_stuffed(text) else None


def _is_stuffed(text: str) -> bool:
    words = re.findall(r"\w+", text.lower())
    if len(words) <= _STUFFED_PAIRS:
        return False
    return Counter(pairwise(words)).most_common(1)[0][1] > _STUFFED_SHARE * len(words)
