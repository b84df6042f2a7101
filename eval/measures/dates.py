"""Dates in English text, as far as each is given: a year, a month of a year, a day of a month, or all three."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = "january february march april may june july august september october november december".split()
_NUMBER_OF = {name[:3]: place for place, name in enumerate(_MONTHS, 1)}
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12]\d{3})"
_FORMS = tuple(
    re.compile(rf"(?<![\w.,-]){form}(?![\w-]|[.,]\d)", re.IGNORECASE)
    for form in (
        rf"{_YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)",  # 1969-07-16
        rf"{_DAY}\s+(?:of\s+)?{_MONTH},?\s+{_YEAR}",  # 16 July 1969
        rf"{_MONTH}\s+{_DAY},?\s+{_YEAR}",  # July 16, 1969
        rf"{_MONTH},?\s+(?:of\s+)?{_YEAR}",  # July 1969
        rf"{_DAY}\s+(?:of\s+)?{_MONTH}",  # 16 July
        rf"{_MONTH}\s+{_DAY}",  # July 16
        rf"{_YEAR}",
    )
)
# A number after these is a count or an amount, not a year; and so is one before a unit.
_NO_YEAR_BEFORE = re.compile(r"[$€£#]\s*$")
_NO_YEAR_AFTER = re.compile(
    r"\s*(?:%|(?:people|men|women|years|days|miles|km|m|kg|metres|meters|feet|ft|acres|tons?|tonnes|"
    r"dollars|pounds|euros|pages|words|times|square|million|billion)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date with the parts that the text gives; None for the others."""

    year: int | None
    month: int | None = None
    day: int | None = None

    def is_within(self, other: Date) -> bool:
        """Whether each part that this date gives is the same in `other`: "1969" is within "16 July 1969"."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(ours is None or ours == theirs for ours, theirs in pairs)

    def __str__(self) -> str:
        year = "????" if self.year is None else f"{self.year:04}"
        parts = [year, *(f"{part:02}" for part in (self.month, self.day) if part is not None)]
        return "-".join(parts)


def dates(text: str) -> list[Date]:
    """Dates in order, as `date_spans` finds them."""
    return [date for _, _, date in date_spans(text)]


def date_spans(text: str) -> list[tuple[int, int, Date]]:
    """(start, end, date) in order, not overlapping, each as full as the text gives it.

    A bare number from 1000 to 2999 is a year, unless a unit follows or a currency sign stands before it.
    """
    found: list[tuple[int, int, Date]] = []
    for form in _FORMS:
        for match in form.finditer(text):
            parts = match.groupdict()
            date = _date(parts)
            free = all(match.end() <= start or end <= match.start() for start, end, _ in found)
            if date is not None and free and not (len(parts) == 1 and _is_amount(text, match)):
                found.append((*match.span(), date))
    return sorted(found, key=lambda span: span[0])


def _date(parts: dict[str, str | None]) -> Date | None:
    """None for a day or month that no calendar has."""
    year, month, day = (parts.get(name) for name in ("year", "month", "day"))
    number = None if month is None else int(month) if month.isdigit() else _NUMBER_OF[month[:3].lower()]
    if (number is not None and not 1 <= number <= 12) or (day is not None and not 1 <= int(day) <= 31):
        return None
    return Date(None if year is None else int(year), number, None if day is None else int(day))


def _is_amount(text: str, match: re.Match[str]) -> bool:
    return bool(_NO_YEAR_BEFORE.search(text[: match.start()]) or _NO_YEAR_AFTER.match(text, match.end()))
