"""What is known about single words: how rare they are, their opposites, negations, rankings, units.

The counts and opposites are data (`weights/lexicon.json`, made by `webbrain.training.support_lexicon`); the short
lists below are closed classes of English.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "weights"
RAREST = 9.5  # weight of a stem that the counts do not know

NEGATIONS = frozenset("not no never neither nor none nobody nothing nowhere without cannot".split())
# Words that place a thing above, below, before or after all others, or say for how many of them something holds.
RANKINGS = frozenset(
    """first last only sole solely unique best worst most least largest biggest greatest highest tallest longest oldest
    youngest smallest shortest lowest fastest slowest richest poorest earliest latest newest strongest weakest widest
    deepest heaviest main chief foremost leading all every each entire entirely always completely exclusively any
    many several few some half both majority minority mostly partly often sometimes rarely seldom usually""".split()
)
# Within a group each word excludes the others when said of the same thing.
_EXCLUSIVE = (
    "all most many several few some none only half both",
    "always usually often sometimes rarely never",
    "first second third fourth fifth sixth last",
    "largest smallest", "biggest smallest", "highest lowest", "longest shortest", "oldest youngest newest",
    "best worst", "most least", "fastest slowest", "earliest latest",
    "north south east west", "northern southern eastern western", "northeast southeast northwest southwest",
    "before after during", "above below", "increase decrease", "rise fall decline", "more less fewer", "up down",
    "win lose", "won lost", "son daughter father mother brother sister husband wife uncle aunt", "he she",
    "his her", "man woman boy girl", "male female", "born died", "buy sell", "bought sold",
    "king queen prince princess",
    "january february march april may june july august september october november december",
    "monday tuesday wednesday thursday friday saturday sunday", "spring summer autumn winter",
    "red blue green yellow black white brown orange purple", "gold silver bronze", "married divorced",
    "include exclude",
    "accept reject refuse", "support oppose", "agree disagree", "approve reject deny", "succeed fail", "begin end",
    "start finish stop", "join leave", "arrive depart leave", "positive negative", "major minor", "higher lower",
    "larger smaller", "older younger", "longer shorter", "better worse", "early late", "left right", "inside outside",
    "public private", "urban rural", "single double", "day week month year decade century hour minute second",
    "kilometer mile meter foot inch centimeter", "kilogram pound gram ton", "million billion thousand trillion hundred",
    "dollar euro pound yen", "percent degree",
)  # fmt: skip
UNITS = {
    spelling: unit
    for unit, spellings in {
        "kilometer": "km kilometre kilometres kilometer kilometers",
        "mile": "mi mile miles",
        "meter": "metre metres meter meters",
        "centimeter": "cm centimetre centimetres centimeter centimeters",
        "millimeter": "mm millimetre millimetres millimeter millimeters",
        "foot": "ft foot feet",
        "inch": "inch inches",
        "kilogram": "kg kilo kilos kilogram kilograms",
        "pound": "lb lbs pound pounds",
        "percent": "percent percentage pct",
        "dollar": "usd dollar dollars",
        "euro": "eur euro euros",
        "hectare": "ha hectare hectares",
        "usa": "us usa",
        "uk": "uk",
    }.items()
    for spelling in spellings.split()
}


@lru_cache(maxsize=1)
def _data() -> dict[str, dict[str, Any]]:
    return dict(json.loads((WEIGHTS / "lexicon.json").read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def _rarity() -> dict[str, float]:
    return dict(_data()["idf"])


def idf(key: str) -> float:
    """Inverse document frequency of a stem over encyclopaedia paragraphs, 0.1 to RAREST."""
    return _rarity().get(key, RAREST)


@lru_cache(maxsize=1)
def _opposites() -> dict[str, frozenset[str]]:
    from webbrain.analysis import Analyzer

    stem = Analyzer().terms
    found = {word: set(others) for word, others in _data()["opposites"].items()}
    for group in _EXCLUSIVE:
        stems = [stem(word)[0] for word in group.split()]
        for word in stems:
            found.setdefault(word, set()).update(other for other in stems if other != word)
    return {word: frozenset(others) for word, others in found.items()}


def opposites(key: str) -> frozenset[str]:
    """Stems that say the opposite of a stem, or exclude it."""
    return _opposites().get(key, frozenset())
