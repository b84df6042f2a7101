"""Numbers in one form: "1,000", "1000" and "a thousand" are one number, and so are "1.5 million" and "1,500,000"."""

from __future__ import annotations

import re
from collections.abc import Sequence

_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ONES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_ABBREVIATED = {"m": "million", "bn": "billion", "mn": "million", "k": "thousand"}
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_ORDINAL_KEY = {word: f"{value}th" for value, word in enumerate(_ORDINALS)}
_ROUND_WORDS = ("one", "first", "second")  # as often a pronoun or a unit of time as a number


def number_key(raw: str) -> str:
    """One form of a number in digits: no thousands separators, no trailing zeros; "21st" -> "21th", "1990s" stays."""
    body = raw.rstrip(".,")
    if ordinal := re.fullmatch(r"(\d+)(?:st|nd|rd|th)", body):
        return f"{int(ordinal.group(1))}th"
    if _THOUSANDS.fullmatch(body):
        body = body.replace(",", "")
    whole, _, part = body.partition(".")
    return whole if part and not part.strip("0") else body


def spelled_value(word: str) -> int | None:
    """Value of a single number word, else None."""
    if word in _ONES:
        return _ONES[word]
    return _TENS.get(word)


def magnitude_of(run: Sequence[str]) -> tuple[int, str]:
    """(words used, key) of the number that a run of lower-cased words begins with; (0, "") when it begins with none.

    A number in digits alone is left to `number_key`: only digits followed by a scale ("1.5 million") are read here.
    """
    if run[0][0].isdigit():
        return _digits_and_scale(run)
    if run[0] in ("a", "an"):
        scaled = len(run) > 1 and run[1] in _SCALES
        return (2, str(_SCALES[run[1]])) if scaled else (0, "")
    return _spelled(run)


def _digits_and_scale(run: Sequence[str]) -> tuple[int, str]:
    scale = _SCALES.get(_ABBREVIATED.get(run[1], run[1])) if len(run) > 1 else None
    if scale is None or scale == 12 or not re.fullmatch(r"\d+(?:[.,]\d+)*", run[0]):
        return 0, ""
    try:
        value = float(number_key(run[0]).replace(",", "")) * scale
    except ValueError:
        return 0, ""
    return 2, _plain(value)


def _spelled(run: Sequence[str]) -> tuple[int, str]:
    total = current = used = 0
    for word in run:
        value = spelled_value(word)
        if value is not None and (current % 100 == 0 or (current % 10 == 0 and value < 10 and current % 100 >= 20)):
            current += value
        elif word in _SCALES and used:
            total, current = (total, current * 100) if word == "hundred" else (total + current * _SCALES[word], 0)
        elif not (
            word == "and" and used and current % 100 == 0 and len(run) > used + 1 and spelled_value(run[used + 1])
        ):
            break
        used += 1
    return (used, str(total + current)) if used else (0, "")


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def ordinal_key(word: str) -> str | None:
    """ "third" -> "3th", the key of "3rd"; None when the word is no ordinal."""
    return _ORDINAL_KEY.get(word)
