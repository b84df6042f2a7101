"""The quick ways to words give those of the patterns."""

from __future__ import annotations

import pickle
from collections import Counter
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing import terms
from indexing.terms import TermCounter, Vocabularies
from indexing.words import LONGEST, Words, WordTable
from webbrain.analysis import _MARK, _MARKED_WORD, _WORD, Analyzer, _pairs, _words

PIECES = ("dogs", "it's", "O’Brien", "'", "’", "_", "-", " ", "\n", "\x1c", "\u00a0", "\u2000", "m²", "é", "e\u0301")
SCRIPTS = (
    "Σ",
    "ΟΔΟΣ",
    "İ",
    "ß",
    "\u212a",
    "漢字",
    "\uf900",
    "\U0002f800",
    "한국",
    "ไทย",
    "हिन्दी",
    "\u05b0",
    "\u064b",
    "\u037a",
)
SPACED = "\u037a"  # its compatibility form holds a space
PARTS = st.sampled_from([*PIECES, *SCRIPTS, SPACED])


@settings(max_examples=500, deadline=None)
@given(st.lists(PARTS | st.characters(codec="utf-8"), max_size=20).map("".join))
def test_words_are_those_of_the_pattern(text: str) -> None:
    plain = normalize("NFC", text.lower())
    found = (_MARKED_WORD if _MARK.search(plain) else _WORD).findall(plain)
    assert _words(text) == [word for run in found for word in _pairs(run)]


TEXTS = st.lists(PARTS | st.characters(codec="utf-8") | st.text("ab0'", max_size=40), max_size=12).map("".join)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(TEXTS, max_size=4), min_size=1, max_size=3))
def test_terms_counted_in_another_process_are_those_of_the_analyzer(batches: list[list[str]]) -> None:
    """Batch after batch of one counter, whose vocabulary grows."""
    _check_counts(batches)


def test_many_texts_are_counted_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "GROUP_BYTES", 10)
    _check_counts([["one two", "two three é", "", "a text longer than that", "it's", "two"], [], ["two"]])


def test_a_word_that_begins_with_a_whole_other_one() -> None:
    known = "a" * LONGEST
    _check_counts([[known], [f"{known} {known}a", f"{known}aa {known}a {known}"]])


@pytest.mark.parametrize("terms_known", [3, 1 << 16, 1 << 29, 1 << 31])
def test_rows_and_terms_of_any_number(terms_known: int) -> None:
    """Some fit into one integer of 32 bits together, some do not."""
    rows, last = np.array([6, 0, 6, 2, 6], np.uint64), terms_known - 1
    numbers = np.array([last, 1, last, last, 0], np.uint64)
    found, counts, ends = terms._counted(rows, numbers, 8, terms_known)
    assert (found.tolist(), counts.tolist()) == ([1, last, 0, last], [1, 1, 1, 2])
    assert ends == [0, 1, 1, 2, 2, 2, 2, 4, 4]


def _check_counts(batches: list[list[str]]) -> None:
    analyzer = Analyzer()
    counter, vocabularies = TermCounter(analyzer), Vocabularies()
    for texts in batches:
        for text in texts:
            counter.add(text.encode())
        table, news = pickle.loads(pickle.dumps((counter.take(), counter.news())))  # noqa: S301
        vocabulary = vocabularies.take(news)
        assert len(table) == len(texts)
        for row, text in enumerate(texts):
            part = slice(table.ends[row], table.ends[row + 1])
            found = {vocabulary[at]: int(n) for at, n in zip(table.numbers[part], table.counts[part], strict=True)}
            assert found == Counter(analyzer.terms(text))


def test_a_counter_that_knows_too_many_terms_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "MAX_REMEMBERED", 2)
    counter, vocabularies = TermCounter(Analyzer()), Vocabularies()
    for text in ("one two three", "four", "five"):
        counter.add(text.encode())
        table, vocabulary = counter.take(), vocabularies.take(counter.news())
        assert sorted(vocabulary[number] for number in table.numbers) == sorted(Analyzer().terms(text))
    assert vocabulary == ["four", "five"]


WORDS = st.lists(st.text("abz09", min_size=1, max_size=LONGEST), unique=True, max_size=60)


@settings(max_examples=200, deadline=None)
@given(WORDS, WORDS)
def test_a_table_of_words_is_a_dictionary(held: list[str], others: list[str]) -> None:
    table = WordTable(bits=2)  # so that it has to grow, and places collide
    halves = Words([" ".join([*held, *others]).encode()]).halves()
    for begin in range(0, len(held), 7):
        some = slice(begin, min(begin + 7, len(held)))
        table.add(halves[some], np.arange(len(held))[some])
    number_of = {word: number for number, word in enumerate(held)}
    assert table.find(halves).tolist() == [number_of.get(word, -1) for word in (*held, *others)]
