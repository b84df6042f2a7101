"""Is this sentence fit to stand in an encyclopaedia article on its own?

Corpus text is data: the checks look at form only. A sentence that gives orders, speaks to its reader, carries markup or
leans on the sentence before it is not fit, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from webbrain.analysis import STOP_WORDS
from webbrain.grounding.facts import names

MIN_WORDS, MAX_WORDS = 6, 60

_MARKUP = re.compile(
    r"[<>{}|\\^`=]|</?\w+>|https?:|www\.|\[/?[A-Z]{2,}\]|<\||\|>|\[(?:ref|title|split|sep|cls|inst)\]|\.(?:com|org|net|html?|php)\b",
    re.I,
)
_DANGLING = re.compile(
    r"^[\"“'‘(\[]*(?:he|she|they|it|its|his|her|their|this|these|those|that|such|here|there|then|thus|hence|also|but|and|"
    r"so|or|yet|however|moreover|furthermore|nevertheless|nonetheless|therefore|instead|meanwhile|consequently|"
    r"additionally|besides|likewise|similarly|otherwise|still|later|afterwards|another|both|neither|"
    r"the (?:former|latter|same|other|above|following|first|second)|for (?:example|instance|this reason|that reason)|"
    r"in (?:addition|contrast|turn|fact)|(?:in|on) (?:the same|that) (?:year|month|week|day|decade|century|place|way)|as (?:well|such|a result)|on the other hand|at (?:that|this|the same) (?:time|point))\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:i|i'm|i've|we|we're|us|our|ours|my|me|mine|you|you're|your|yours|let's)\b", re.IGNORECASE)
_ORDER = re.compile(
    r"^[\"“'‘(\[*#-]*(?:please\s+|now\s+|do not\s+|don't\s+|never\s+|always\s+|important:?\s+|note:?\s+)*(?:ignore|disregard|forget|write|print|say|"
    r"output|repeat|respond|reply|answer|pretend|act|add|insert|include|append|cite|click|read|see|watch|listen|share|"
    r"subscribe|sign|log|join|follow|download|visit|buy|book|order|contact|enter|submit|search|find|learn|discover|"
    r"check|get|try|stay|skip|send|tell|please|enable|accept|use|draw|count|match|complete|describe|explain|list|compare|choose|"
    r"label|colour|underline|imagine|remember|note that|look|ask|make sure|think|consider)\b",
    re.IGNORECASE,
)
_DICTATES = re.compile(
    r"(?:^|[:;,]\s*)(?:write|say|state|print|output|answer|claim) that\b|\b(?:write|say|print|output|answer):|"
    r"\b(?:articles?|summar(?:y|ies)|answers?)\b[^.]{0,60}\bmust (?:open|begin|start|end|say|state|mention|include|cite)\b|"
    r"\bmust be (?:called|described as|cited)\b",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"\b(?:cookie (?:policy|settings|notice)|(?:accept|use|uses) cookies|newsletter|privacy policy|terms of (?:use|service)|"
    r"all rights reserved|sign up|sign in|log ?in|click here|read more|share (?:this|on)|related (?:articles?|posts?|stories)|"
    r"opening hours|add to cart|free shipping|enable javascript|javascript (?:is|must be|has to be) \w+|skip to (?:content|main)|follow us|leave a (?:reply|comment)|"
    r"post a comment|must be (?:less|more|fewer|at least|at most) [\w ]{0,12}characters|this (?:website|site|page|article|post|blog)|see also|previous instructions|system prompt|photo credit)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|him|her|his|hers|himself|herself|they|them|their)\b", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:this|these|those)\b(?=\s+(?:the|an?|is|was|are|were|has|had|and|in|to|of|by|as)\b|\s*[.,;])|"
    r"\b(?:of (?:them|these|those)|(?:by|is|was|were) then)\b|^(?:with|for|in|by|from|on) (?:it|this|them)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"^(?:nobody|no one|every(?:one|body)|any(?:one|body)|some(?:one|body)|(?:most|some|few|many) people)\b", re.I
)
# Small letters alone: Guy and Stuff may be names.
_CHATTY = re.compile(r"\b(?:bloke|blokes|guys|stuff|kinda|gonna|wanna|dunno|lol|btw|imho|yeah|nope|folks)\b")
_THEY = re.compile(r"\bthey\b", re.IGNORECASE)
_MALE = re.compile(r"\b(?:he|him|his|himself)\b", re.IGNORECASE)
_FEMALE = re.compile(r"\b(?:she|her|hers|herself)\b", re.IGNORECASE)
_TIMELINE = re.compile(r"^\d{3,4}s?\s+(?:[A-Z]|[-–—:])")
_OF_THE_DAY = re.compile(
    r"\b(?:today|yesterday|tomorrow|tonight|ago|recently|(?:last|this|next) (?:week|month|year|night|morning|evening|spring|"
    r"summer|autumn|fall|winter|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|on (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday))\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^[A-Z][A-Z ]{2,}:|^\w+:\s*\w+$|^\w+:\s|^(?:\w+ ){0,3}\w+:\s+[a-z]")
_GLUED_STOP = re.compile(r"[a-z]{2}[.!?][A-Z][a-z]|[a-z]{2}[.!?]\d{4}")  # paragraphs run together without a space
_GLUED_WORDS = re.compile(r"[a-z]{3}[A-Z][a-z]{2}")
_START = re.compile(r"^[\"“'‘«(]?\w")
_END = re.compile(r"[.!。！।۔][\"”’')\]»]*$")
_VOWEL_WORD = re.compile(r"[^\W\d_]+")


def flaws(sentence: str) -> list[str]:
    """Why the sentence cannot stand in an article; an empty list when it can."""
    words = sentence.split()
    letters = sum(char.isalpha() or char.isspace() for char in sentence)
    rules = (
        ("length", not MIN_WORDS <= len(words) <= MAX_WORDS or max(map(len, words), default=0) > 40),
        ("markup", bool(_MARKUP.search(sentence))),
        ("question", "?" in sentence),
        ("start", not _START.match(sentence) or bool(_LABEL.match(sentence)) or bool(_TIMELINE.match(sentence))),
        ("order", bool(_ORDER.match(sentence)) or bool(_DICTATES.search(sentence))),
        ("address", bool(_ADDRESS.search(_unquoted(sentence)))),
        ("boilerplate", bool(_BOILERPLATE.search(sentence))),
        ("aside", bool(_ASIDE.match(sentence))),
        ("chatty", bool(_CHATTY.search(sentence))),
        ("symbols", letters < 0.8 * len(sentence)),
        ("repetition", _repeats(words)),
        ("headline", _is_headline(sentence, words)),
        ("glued", bool(_GLUED_STOP.search(sentence)) or len(_GLUED_WORDS.findall(sentence)) > 1),
    )
    return [name for name, broken in rules if broken]


def is_dangling(sentence: str) -> bool:
    """Whether it leans on the sentence before it ("He also ...", "However, ...", "In 1990 they ...")."""
    they = _THEY.search(sentence)
    return bool(_DANGLING.match(sentence)) or (
        they is not None and not names(sentence[: they.start()].partition(" ")[2])
    )


def leans_on_subject(sentence: str, subject: frozenset[str] = frozenset()) -> bool:
    """Whether "he" or "her" comes before any name: clear only after a sentence that says who is meant.

    A capital on the first word makes no name of it, unless it is one of the `subject`'s words (case folded).
    """
    pronoun = _PERSON.search(sentence)
    if pronoun is None:
        return False
    first, _, rest = sentence[: pronoun.start()].partition(" ")
    return not names(rest) and not names(first) & subject


def points_back(sentence: str) -> bool:
    """Whether it points to something said before ("called this the imitation game", "3,500 of them")."""
    return bool(_POINTING.search(sentence))


def gender(text: str) -> Literal["he", "she", ""]:
    """Which pronouns a text has most of; "" for none or as many of each."""
    male, female = len(_MALE.findall(text)), len(_FEMALE.findall(text))
    return "he" if male > female else "she" if female > male else ""


def is_of_the_day(sentence: str) -> bool:
    """Whether it tells the time from the day it was written ("last week"), which an article's reader cannot."""
    return bool(_OF_THE_DAY.search(sentence))


def has_stop(sentence: str) -> bool:
    """Whether it ends as sentences do."""
    return bool(_END.search(sentence))


def is_punctuated(sentences: Sequence[str]) -> bool:
    """Whether a text ends its sentences with stops; dumps of lower-cased words do not."""
    words = [len(sentence.split()) for sentence in sentences]
    stopped = sum(count for count, sentence in zip(words, sentences, strict=True) if has_stop(sentence))
    return stopped >= 0.5 * sum(words)


def is_finished(sentence: str) -> bool:
    """Whether it begins with a capital (or a script without case) and ends as sentences do."""
    first = next((char for char in sentence if char.isalnum()), "")
    return bool(_END.search(sentence)) and (first.isdigit() or first.upper() == first)


def function_word_share(sentence: str) -> float:
    """Share of words that are English function words: prose has a quarter or more, menus and other languages few."""
    words = [word.lower() for word in _VOWEL_WORD.findall(sentence)]
    return sum(word in STOP_WORDS for word in words) / len(words) if words else 0.0


def _unquoted(sentence: str) -> str:
    return re.sub(r"[\"“][^\"”]*[\"”]", " ", sentence)


def _is_headline(sentence: str, words: list[str]) -> bool:
    """No stop at the end and most of the longer words capitalised: a headline, a title or a menu entry."""
    longer = [word for word in words if len(word) > 3 and word[0].isalpha()]
    return not _END.search(sentence) and sum(word[0].isupper() for word in longer) > 0.6 * len(longer)


def _repeats(words: list[str]) -> bool:
    """Keyword stuffing: fewer than half of the words are different."""
    return len({word.lower() for word in words}) < 0.5 * len(words)
