"""Words as they are compared: numbers, dates, units, negations and names in one form."""

from __future__ import annotations

import pytest

from webbrain.grounding.words import NAME, NEGATION, NUMBER, read_words


def keys(text: str) -> list[str]:
    return read_words(text).keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000 men", "a thousand men"),
        ("1000 men", "one thousand men"),
        ("1.5 million people", "1,500,000 people"),
        ("twenty-five ships", "25 ships"),
        ("three hundred and ten ships", "310 ships"),
        ("two hundred thousand", "200,000"),
        ("3.0 percent", "3 pct"),
        ("12 km", "12 kilometres"),
        ("the 21st", "the 21th"),
        ("it wasn't", "it was n't"),
        ("cannot", "not"),
        ("Sept", "September"),
        ("ÉCOLE", "école"),
    ],
)
def test_one_thing_written_two_ways_has_the_same_keys(one: str, other: str) -> None:
    assert keys(one)[-1] == keys(other)[-1] or set(keys(one)) == set(keys(other)) - {"was"}


@pytest.mark.parametrize("word", ["percent", "government", "different", "want", "important"])
def test_a_word_that_ends_in_nt_is_no_negation(word: str) -> None:
    assert NEGATION not in read_words(word).kinds


@pytest.mark.parametrize(
    ("one", "other"), [("1,000", "1,001"), ("1990", "1990s"), ("5 million", "5 billion"), ("3", "3.5")]
)
def test_different_numbers_differ(one: str, other: str) -> None:
    assert keys(one) != keys(other)


def test_an_iso_date_is_its_year_month_and_day() -> None:
    assert keys("on 1999-05-03") == ["on", "1999", "may", "3"]


def test_offsets_point_into_the_text() -> None:
    text = "In 1850, about two million people lived in São Paulo’s state."
    words = read_words(text)
    assert [text[a:b] for a, b in zip(words.starts, words.ends, strict=True)] == [
        "In", "1850", "about", "two million", "people", "lived", "in", "São", "Paulo’s", "state",
    ]  # fmt: skip


def test_kinds() -> None:
    words = read_words("Yesterday Anna Berg did not sell 12 boats.")
    by_key = dict(zip(words.keys, words.kinds, strict=True))
    assert by_key["anna"] == by_key["berg"] == NAME
    assert by_key["not"] == NEGATION
    assert by_key["12"] == NUMBER


@pytest.mark.parametrize("text", ["", "   ", "...", "—"])
def test_text_without_words(text: str) -> None:
    assert len(read_words(text)) == 0


@pytest.mark.parametrize("text", ["1.", "1,", "9" * 400, "1,2,3,4", "٣٤", "a a a", "hundred thousand million", "½ ²"])
def test_odd_numbers_are_read_without_failing(text: str) -> None:
    words = read_words(text)
    assert len(words.starts) == len(words.ends) == len(words.keys) == len(words.kinds) == len(words.weights)
