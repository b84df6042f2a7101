"""The quick ways to words give those of the patterns."""

from __future__ import annotations

import pickle
from collections import Counter
from unicodedata import normalize

from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.terms import TermCounter, TermTable
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


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(PARTS | st.characters(codec="utf-8"), max_size=12).map("".join), min_size=1, max_size=4))
def test_terms_counted_in_another_process_are_those_of_the_analyzer(texts: list[str]) -> None:
    analyzer = Analyzer()
    counter = TermCounter(analyzer)
    for text in texts:
        counter.add(text)
    table: TermTable = pickle.loads(pickle.dumps(counter.take()))  # noqa: S301
    for row, text in enumerate(texts):
        part = slice(table.ends[row], table.ends[row + 1])
        found = {table.vocabulary[at]: int(n) for at, n in zip(table.numbers[part], table.counts[part], strict=True)}
        assert found == Counter(analyzer.terms(text))
