"""A text as compared words: numbers in one form, units and months folded, stems, and what kind of word each is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from webbrain.analysis import Analyzer, is_stop
from webbrain.grounding.facts import NOT_NAMES
from webbrain.grounding.lexicon import NEGATIONS, RANKINGS, UNITS, idf
from webbrain.grounding.quantities import magnitude_of, number_key, spelled_value

FUNCTION, CONTENT, NUMBER, NAME, NEGATION, RANKING = range(6)
FUNCTION_WEIGHT = 0.3  # against 1 to 10 for content words: enough that order and prepositions count a little
NUMBER_WEIGHT = 8.0

_ISO_DATE = r"\d{4}-[01]\d-[0-3]\d"
_WORD = re.compile(
    rf"{_ISO_DATE}|\d+(?:[.,]\d+)*(?:st|nd|rd|th|s)?(?![^\W\d_])|(?:[^\W\d_]\.){{2,}}|[^\W_]+(?:['’][^\W\d_]+)*"
)
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_OF = {name[:3]: name for name in _MONTHS} | {"sept": "september"}
_NEGATED = re.compile(r"n't$|^(?:do|does|did|is|was|are|were|has|have|had|ca|could|wo|would|should)nt$")


@dataclass(frozen=True, slots=True)
class Words:
    """Parallel lists, one entry a word: characters `starts[i]:ends[i]`, the key words are compared by, kind, weight."""

    starts: list[int]
    ends: list[int]
    keys: list[str]
    kinds: list[int]
    weights: list[float]

    def __len__(self) -> int:
        return len(self.keys)


def read_words(text: str) -> Words:
    """The words of `text` in order; spelled numbers and dates are folded, so a word may stand for several."""
    found = Words([], [], [], [], [])
    matches = list(_WORD.finditer(text))
    at = 0
    while at < len(matches):
        at += _number_run(text, matches, at, found) or _single(text, matches[at], found)
    return found


def _single(text: str, match: re.Match[str], found: Words) -> int:
    raw = match.group()
    if raw[0].isdigit():
        for key in number_parts(raw):
            _add(found, match.start(), match.end(), key, NUMBER if key[0].isdigit() else CONTENT, NUMBER_WEIGHT)
        return 1
    key, kind, weight = describe(raw)
    if kind == CONTENT and raw[0].isupper() and raw.lower() not in NOT_NAMES and not _opens_sentence(text, match):
        kind = NAME
    _add(found, match.start(), match.end(), key, kind, weight)
    return 1


def _number_run(text: str, matches: list[re.Match[str]], at: int, found: Words) -> int:
    """How many words from `at` spell one number ("two million", "1.5 billion", "twenty-five"); 0 when none does."""
    first = matches[at].group().lower()
    if not (first[0].isdigit() or spelled_value(first) is not None or first in ("a", "an")):
        return 0
    run = [first]
    while at + len(run) < len(matches) and len(run) < 8:
        gap = text[matches[at + len(run) - 1].end() : matches[at + len(run)].start()]
        if gap not in (" ", "-", "\u00a0"):
            break
        run.append(matches[at + len(run)].group().lower())
    used, value = magnitude_of(run)
    if used == 0:
        return 0
    _add(found, matches[at].start(), matches[at + used - 1].end(), value, NUMBER, NUMBER_WEIGHT)
    return used


def _add(found: Words, start: int, end: int, key: str, kind: int, weight: float) -> None:
    found.starts.append(start)
    found.ends.append(end)
    found.keys.append(key)
    found.kinds.append(kind)
    found.weights.append(weight)


def number_parts(raw: str) -> list[str]:
    """Keys of a word that begins with a digit: "1,000" -> 1000, "1999-05-03" -> 1999, may, 3, "12th" -> 12th."""
    if re.fullmatch(_ISO_DATE, raw):
        year, month, day = raw.split("-")
        name = _MONTHS[int(month) - 1] if 1 <= int(month) <= 12 else month
        return [year, _stem(name), str(int(day))]
    return [number_key(raw)]


@lru_cache(maxsize=200_000)
def describe(raw: str) -> tuple[str, int, float]:
    """(key, kind, weight) of a word that is no number; a name is known by its place, so it is CONTENT here."""
    word = raw.lower().replace("’", "'")
    if word in NEGATIONS or _NEGATED.search(word):
        return "not", NEGATION, 2.0
    if is_stop(word):
        return word, FUNCTION, FUNCTION_WEIGHT
    bare = word.replace(".", "")
    unit = UNITS.get(bare) or (_MONTH_OF.get(bare) if raw[0].isupper() else None)
    key = _stem(unit or bare)
    return key, RANKING if word in RANKINGS else CONTENT, idf(key)


@lru_cache(maxsize=1)
def _analyzer() -> Analyzer:
    return Analyzer()


def _stem(word: str) -> str:
    terms = _analyzer().terms(word)
    return terms[0] if terms else word


def _opens_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether the capital may be there only because a sentence begins; a rare word is a name all the same."""
    before = text[max(0, match.start() - 3) : match.start()].rstrip(" \"'“‘([")
    if before and before[-1] not in ".!?\n:":
        return False
    return idf(describe(match.group())[0]) < 6.0
