"""Dates, and number, date and name precision against cited passages."""

from __future__ import annotations

import pytest

from eval.core import Item
from eval.measures import make_measure
from eval.measures.dates import Date, dates
from eval.measures.precision import check_article, check_dates, check_names, check_numbers
from webbrain.types import Article, Passage, Reference, Sentence

DATES = [
    ("on 16 July 1969 it rose", ["1969-07-16"]),
    ("on the 16th of July, 1969", ["1969-07-16"]),
    ("July 16, 1969, and July 20", ["1969-07-16", "????-07-20"]),
    ("in Sept. 1969", ["1969-09"]),
    ("1969-07-16", ["1969-07-16"]),
    ("in 1969 and in 1815", ["1969", "1815"]),
    ("4 March", ["????-03-04"]),
    ("may 5 people and 1500 people march", ["????-05-05"]),
    ("$1900, 1,969, 1969.5, 1850 km, the 1960s, version 1.1969", []),
    ("room 3000", []),
    ("31 13 1969", ["1969"]),
    ("1969-19-45", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_dates_are_read_as_far_as_they_are_given(text: str, expected: list[str]) -> None:
    assert list(map(str, dates(text))) == expected


def test_a_date_is_within_a_fuller_one_only() -> None:
    full = Date(1969, 7, 16)
    assert all(part.is_within(full) for part in (Date(1969), Date(1969, 7), Date(None, 7, 16), full))
    assert not any(part.is_within(full) for part in (Date(1970), Date(1969, 8), Date(1969, 7, 17)))
    assert not full.is_within(Date(1969, 7))


EVIDENCE = "On 16 July 1969, at 13:32, Apollo 11 left Cape Kennedy with three men and 1,000 kg of cargo for N.A.S.A."


@pytest.mark.parametrize(
    ("claim", "total", "missing"),
    [
        ("It carried 1000 kg and 3 men.", 2, ()),
        ("It carried 1001 kg and 3 men.", 2, ("1001",)),
        ("It carried a thousand kilograms.", 1, ()),
        ("It carried 0.001 million kilograms.", 1, ()),
        ("It carried two thousand kilograms.", 1, ("2000",)),
        ("One of them, the first, left.", 0, ()),
        ("It left.", 0, ()),
    ],
)
def test_numbers(claim: str, total: int, missing: tuple[str, ...]) -> None:
    found = check_numbers(claim, EVIDENCE)
    assert (found.total, found.missing) == (total, missing)


def test_dates_of_a_claim_need_one_date_that_agrees() -> None:
    assert check_dates("It left in July 1969.", EVIDENCE).missing == ()
    assert check_dates("It left on 17 July 1969.", EVIDENCE).missing == ("1969-07-17",)
    assert check_dates("It left on 16 July 1969.", "It left in 1969, on a 16 July.").missing == ("1969-07-16",)


def test_names_are_whole_words_in_any_case() -> None:
    assert check_names("Apollo left Cape Kennedy.", EVIDENCE.lower()).missing == ()
    assert check_names("Pollo left for N.A.S.A. and Houston.", EVIDENCE).missing == ("houston", "pollo")


def apollo(*sentences: tuple[str, tuple[int, ...]]) -> Article:
    passages = [
        Passage("p1", "d1", "Apollo 11", EVIDENCE, 0, 1),
        Passage("p2", "d2", "Moon", "It landed in 1969.", 0, 1),
    ]
    references = tuple(Reference(number, passage) for number, passage in enumerate(passages, 1))
    return Article("Apollo 11", tuple(Sentence(*sentence) for sentence in sentences), references, "ok")


def test_a_fact_counts_only_in_the_passages_its_own_sentence_cites() -> None:
    article = apollo(("It left with 3 men.", (1,)), ("It carried 1000 kg.", (2,)), ("It cost 5 dollars.", ()))
    found = check_article(article, check_numbers)
    assert (found.total, found.missing) == (3, ("1000", "5"))
    value = make_measure("numbers").score([Item("q", article)])[0].values["q"]
    assert value == pytest.approx(1 / 3)


def test_titles_are_evidence() -> None:
    assert make_measure("names").score([Item("q", apollo(("It landed on the Moon.", (2,))))])[0].values["q"] == 1.0


@pytest.mark.parametrize("name", ["numbers", "dates", "names"])
def test_precision_does_not_apply_without_facts_or_article(name: str) -> None:
    items = [Item("none", apollo(("it rose.", (1,)))), Item("missing", None)]
    found = make_measure(name).score(items)[0]
    assert found.values == {"none": None, "missing": None}
    assert "has no" in found.reasons["none"]
    assert "no article" in found.reasons["missing"]
