"""The parts of a sentence that must not be wrong: its numbers and its names."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"^\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?")
_SPELLED = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
# Capitalised at the start of a sentence or by convention, but nobody's name.
NOT_NAMES = frozenset(
    """a an the this that these those it its he she they his her their we our you your i in on at of to for from by with
    and but or nor so as if when while after before since until although though because however moreover also there here
    some many most several both each every all no not one two three four five six seven eight nine ten what who which
    where why how during between among under over into through about against according despite unlike like then thus
    only once first second third later today now""".split()
)


def numbers(text: str) -> frozenset[str]:
    """Numbers in digits, normalised: "1,000" and "1000" are one, "3.0" is "3"; list marks such as [3] are left in."""
    return frozenset(_normal(match) for match in _NUMBER.findall(text))


def spelled_numbers(text: str) -> frozenset[str]:
    """Numbers written as words up to twenty, as digits: evidence may spell what a claim writes in digits."""
    return frozenset(_SPELLED[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _SPELLED)


def names(text: str) -> frozenset[str]:
    """Capitalised words, case folded: names, and the words they are made of. Text without case has none."""
    found = set()
    for match in _WORD.finditer(text):
        word = match.group().rstrip(".")
        bare = re.sub(r"['’]s?$", "", word)
        if bare[:1].isupper() and bare.lower() not in NOT_NAMES:
            found.add(bare.casefold())
    return frozenset(found)


def _normal(number: str) -> str:
    if _THOUSANDS.match(number):
        number = number.replace(",", "")
    number = number.rstrip(".,")
    whole, _, part = number.partition(".")
    return whole if part and not part.strip("0") else number
