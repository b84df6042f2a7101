"""Text of a page made fit for a dataset: no control tokens, no editors' notes, no holes where templates stood."""

from __future__ import annotations

import re

from webbrain.grounding.sentences import split_sentences

from ..read.text import clean_text, decode_entities

TOKEN = re.compile(r"\w+|[^\w\s]")

# Tokens that mean something in WebBrain-G, in a tokenizer, or in a chat template.
_CONTROL_SQUARE = re.compile(
    r"\[(/?(?:title|ref|split|sep|cls|mask|pad|unk|bos|eos|inst|unused\d+|\d+))\]", re.IGNORECASE
)
_CONTROL_ANGLE = re.compile(r"<(/?(?:s|pad|unk|mask|bos|eos|cls|sep|extra_id_\d+|\|[^<>|]{1,40}\|))>", re.IGNORECASE)

_AS_OF = re.compile(r"(?<!\w)s of ([^\[\]]{1,24}?)\s?\[ ?\[?update\]\]?")  # a template that lost its "A"
_EDITOR_NOTE = re.compile(
    r"(?:[a-z]\[›\]|\[›\])|\[ ?\[?(?:update|citation needed|clarification needed|dubious[^\[\]]{0,20}|edit|"
    r"[a-z]|(?:note|nb|n) ?\d+|(?:when|who|which|where|why|according to whom)\?)\]\]?",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r" ?\(([^()]{0,400})\)")
# IPA letters and stress marks; letters of scripts other than Latin.
_IPA = re.compile("[\u0250-\u02af\u02c8\u02cc\u02d0]|/[^/\\s]{2,30}/")
_OTHER_SCRIPT = re.compile(
    "[\u0370-\u1dbf\u1f00-\u1fff\u2c00-\u2dff\u3040-\ud7af\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufeff]"
)
_SPOKEN = re.compile(
    r"\b(?:pronounced|pronunciation|pron\.|IPA|listen|romani[sz]ed|transliterat\w+|lit\.)", re.IGNORECASE
)
_ONLY_GLUE = re.compile(r"(?:[\W_]|\b(?:or|and|also|from|in)\b)*")
_STOPPED = re.compile(r"[.!?…。！？؟۔।][\"'”’»)\]\d\[]*$")
MAX_BRACKETED_CHARS = 300  # a bracket that is open for longer was never closed
_SPACE_BEFORE_STOP = re.compile(r" +([,.;:!?](?=\s|$))")


def neutral(text: str) -> str:
    """The text with each control token's brackets made round: `[SPLIT]` becomes `(SPLIT)`, `[1]` becomes `(1)`."""
    while (plain := _CONTROL_ANGLE.sub(r"(\1)", _CONTROL_SQUARE.sub(r"(\1)", text))) != text:
        text = plain
    return text


def one_line(text: str) -> str:
    return " ".join(text.split())


def count_tokens(text: str) -> int:
    """Words and punctuation marks, the unit of every length in the settings."""
    return len(TOKEN.findall(text))


def without_notes(text: str) -> str:
    """Without "[update]", "[citation needed]" and the like."""
    return _EDITOR_NOTE.sub("", _AS_OF.sub(r"As of \1", text))


def tidy_lead(text: str) -> str:
    """A lead without editors' notes and without pronunciations and foreign spellings in brackets.

    "Aarau (; locally [ˈɑːrɑʊ]; born 1803)" becomes "Aarau (born 1803)": of a bracket's parts, those stay that a reader
    of English evidence could know.
    """
    text = without_notes(clean_text(decode_entities(text)))
    return _BRACKETS.sub(_tidy_bracket, text)


def close_up(sentence: str) -> str:
    """No space before a stop or comma."""
    return _SPACE_BEFORE_STOP.sub(r"\1", sentence)


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of the sentences; unlike the retriever's splitter it leaves long sentences whole."""
    found: list[tuple[int, int]] = []
    for span in split_sentences(text):
        if found and _runs_on(text, found[-1], span.start):
            found[-1] = (found[-1][0], span.end)
        else:
            found.append((span.start, span.end))
    return found


def _runs_on(text: str, before: tuple[int, int], start: int) -> bool:
    """Whether the span before is no whole sentence: it was cut for its length, or inside a bracket ("(bapt. 1742")."""
    if "\n" in text[before[1] : start]:
        return False
    piece = text[before[0] : before[1]]
    in_bracket = piece.count("(") > piece.count(")") and len(piece) < MAX_BRACKETED_CHARS
    return in_bracket or not _STOPPED.search(piece)


def _tidy_bracket(match: re.Match[str]) -> str:
    kept = [part.strip(" ,") for part in match[1].split(";") if not _is_note(part)]
    if not kept:
        return ""
    lead = " " if match[0].startswith(" ") else ""
    return f"{lead}({'; '.join(kept)})"


def _is_note(part: str) -> bool:
    if _ONLY_GLUE.fullmatch(part) or part.count("[") != part.count("]"):
        return True
    return any(pattern.search(part) for pattern in (_IPA, _OTHER_SCRIPT, _SPOKEN))
