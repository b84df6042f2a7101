"""Number, date and name precision: how many of an article's facts stand in the passages their sentences cite."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from webbrain.grounding.facts import names
from webbrain.grounding.words import NUMBER, read_words
from webbrain.types import Article, Passage

from ..core import Item, Scores, cited_passages
from .against import of_article
from .dates import dates

Check = Callable[[str, str], "Found"]


@dataclass(frozen=True, slots=True)
class Found:
    """Of `total` facts, those not found in the evidence."""

    total: int
    missing: tuple[str, ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found(self.total + other.total, self.missing + other.missing)

    @property
    def precision(self) -> float | None:
        """None where there is no fact to find."""
        return 1 - len(self.missing) / self.total if self.total else None


def check_numbers(claim: str, evidence: str) -> Found:
    """Distinct numbers, "1,000" and "a thousand" being one; a number word alone ("one of them") makes no claim."""
    wanted = {key for text, key in _numbers(claim) if " " in text or any(map(str.isdigit, text))}
    return Found(len(wanted), tuple(sorted(wanted - {key for _, key in _numbers(evidence)})))


def check_dates(claim: str, evidence: str) -> Found:
    """Distinct dates; one is found when a date of the evidence agrees in every part that the claim gives."""
    wanted, held = list(dict.fromkeys(dates(claim))), dates(evidence)
    return Found(len(wanted), tuple(str(date) for date in wanted if not any(map(date.is_within, held))))


def check_names(claim: str, evidence: str) -> Found:
    """Distinct capitalised words; one is found where the evidence has its parts as whole words, in any case."""
    wanted, held = names(claim), _letters(evidence)
    return Found(len(wanted), tuple(sorted(name for name in wanted if not _letters(name) <= held)))


def check_article(article: Article, check: Check) -> Found:
    """All sentences of an article, each against the passages it cites; without a mark nothing of it is found."""
    parts = (check(sentence.text, evidence_text(cited_passages(article, sentence))) for sentence in article.sentences)
    return sum(parts, Found(0))


def evidence_text(passages: Iterable[Passage]) -> str:
    """Titles and texts, since a passage may name only in its title what it is about."""
    return "\n".join(f"{passage.title}\n{passage.text}" for passage in passages)


class FactPrecision:
    """Pooled over an article's sentences, each against what it cites; None for an article without such facts."""

    def __init__(self, kind: str, check: Check) -> None:
        self.kind, self.check = kind, check

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [of_article(f"{self.kind} precision", items, self._of_item, f"the article has no {self.kind}")]

    def _of_item(self, item: Item) -> float | None:
        return check_article(item.article, self.check).precision if item.article else None


def number_precision() -> FactPrecision:
    return FactPrecision("number", check_numbers)


def date_precision() -> FactPrecision:
    return FactPrecision("date", check_dates)


def name_precision() -> FactPrecision:
    return FactPrecision("name", check_names)


def _numbers(text: str) -> list[tuple[str, str]]:
    """(as written, in one form) of the numbers of a text, digits or words."""
    found = read_words(text)
    places = zip(found.starts, found.ends, found.keys, found.kinds, strict=True)
    return [(text[start:end], key) for start, end, key, kind in places if kind == NUMBER]


def _letters(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.casefold()))
