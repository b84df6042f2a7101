"""From a page's lead to the target of an example: clean sentences, or the reason why the page gives none."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from webbrain.analysis import Analyzer

from ..read.references import MAX_NON_ENGLISH_RATIO, MAX_SENTENCE_TOKENS, non_english_ratio
from .settings import DatasetSettings
from .text import close_up, count_tokens, neutral, one_line, sentences, tidy_lead

MIN_SENTENCE_WORDS = 4
MAX_LOST_SHARE = 0.5  # of a lead's words in sentences and brackets that were cut out

_MARK = re.compile(r"\s?\[(\d{1,3})\]")
_MARKUP = re.compile(r"[<>{}|\\]|\[\[|\]\]|https?:|www\.|''|&\w+;")
_FORMULA = re.compile(r"formula_\d|\\\w+|displaystyle")
# A template or link that was lost leaves a gap that the grammar shows: "an area of .", 'an episode of ""'.
_HOLE = re.compile(
    r"\b(?:of|in|is|was|by|at|from|with|the|an?|about|approximately|and|to|for|on|or|as|between|covers?|its) +[.,;:)]|"
    r"(?<!\w)[\"“] ?[\"”](?!\w)|\( ?[,;.]|\b(?:of|approximately|about) (?:and|or)\b"
)
_FINISHED = re.compile(r"[.!?]['\"”’)\]]*$")
_DISAMBIGUATION = re.compile(r"\b(?:may|can|could) (?:also )?(?:refer|stand) (?:to|for)\b")
_QUALIFIER = re.compile(r" \([^()]*\)$")
_VERB_FIRST = re.compile(r"(?:is|was|are|were) (?:an?|the|one)\b")
_LEANING = re.compile(r"(?:it|he|she|they|its|his|her|their|this|these|those|however|also)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TargetSentence:
    """A sentence of a target; `marks` are the page's own reference numbers behind it, if it keeps any."""

    text: str
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """Clean sentences, what was cut out by reason, and why the lead cannot be a target ("" when it can)."""

    sentences: tuple[TargetSentence, ...]
    dropped: Counter[str]
    reason: str = ""


def read_lead(title: str, text: str, settings: DatasetSettings, analyzer: Analyzer, *, marked: bool = False) -> Lead:
    """The target that a lead gives. `marked` text holds `[1]` marks, which are lifted from it."""
    words = len(text.split())
    tidied = _with_subject(title, tidy_lead(text))
    kept: list[TargetSentence] = []
    dropped: Counter[str] = Counter()
    for start, end in sentences(tidied):
        sentence = _sentence(tidied[start:end], marked=marked)
        flaw = sentence_flaw(sentence.text)
        if flaw:
            dropped[flaw] += 1
            if not kept and flaw not in ("unfinished", "too_few_words"):
                return Lead((), dropped, f"lead_begins_with_{flaw}")
            continue
        kept.append(TargetSentence(neutral(close_up(sentence.text)), sentence.marks))
    reason = _reason(title, tidied, kept, words, settings, analyzer)
    return Lead(() if reason else _cut(kept, settings.max_target_tokens), dropped, reason)


def sentence_flaw(text: str) -> str:
    """Why a sentence cannot stand in a target, "" when it can. Length and language are the paper's rules."""
    rules = (
        ("formula", bool(_FORMULA.search(text))),
        ("markup", bool(_MARKUP.search(text))),
        ("unfinished", not _FINISHED.search(text)),
        ("hole", bool(_HOLE.search(text))),
        ("too_few_words", len(text.split()) < MIN_SENTENCE_WORDS),
        ("too_long", count_tokens(text) > MAX_SENTENCE_TOKENS),
        ("not_english", non_english_ratio(text) > MAX_NON_ENGLISH_RATIO),
        ("unbalanced", text.count("(") != text.count(")")),
    )
    return next((name for name, broken in rules if broken), "")


def _with_subject(title: str, text: str) -> str:
    """A lead that begins with its verb has lost its subject with a template: the title is put back."""
    return f"{_name(title)} {text}" if _VERB_FIRST.match(text) else text


def _name(title: str) -> str:
    return _QUALIFIER.sub("", title)


def _sentence(text: str, *, marked: bool) -> TargetSentence:
    marks = tuple(dict.fromkeys(int(mark) for mark in _MARK.findall(text))) if marked else ()
    return TargetSentence(one_line(_MARK.sub("", text) if marked else text), marks)


def _reason(
    title: str, text: str, kept: list[TargetSentence], words: int, settings: DatasetSettings, analyzer: Analyzer
) -> str:
    if not text.strip():
        return "lead_empty"
    if text.rstrip().endswith(":"):
        return "lead_is_list"
    if not kept:
        return "lead_without_sentence"
    first, size = kept[0].text, sum(len(sentence.text.split()) for sentence in kept)
    if _DISAMBIGUATION.search(first):
        return "lead_disambiguates"
    if not _is_about(title, first, analyzer):
        return "lead_off_title"
    if size < settings.min_target_words:
        return "lead_too_short"
    return "lead_mostly_cut" if size < (1 - MAX_LOST_SHARE) * words else ""


def _is_about(title: str, first: str, analyzer: Analyzer) -> bool:
    """Whether a first sentence names its title, and does not lean on something that stood before it."""
    if first.casefold().startswith(_name(title).casefold()):
        return True
    return not _LEANING.match(first) and bool(set(analyzer.query_terms(title)) & set(analyzer.terms(first)))


def _cut(kept: list[TargetSentence], limit: int) -> tuple[TargetSentence, ...]:
    """Whole sentences up to `limit` tokens; the first one always."""
    total, count = 0, 0
    for sentence in kept:
        total += count_tokens(sentence.text)
        if total > limit and count:
            break
        count += 1
    return tuple(kept[:count])
