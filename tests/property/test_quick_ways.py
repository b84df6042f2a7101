"""What is done a quick way for the sake of speed gives what the plain way gives."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing import duplicates
from indexing.duplicates import _WORD, _is_number, _low_bits_modulo, _words
from webbrain.grounding import sentences
from webbrain.grounding.sentences import Span, split_sentences

PIECES = ("ab", "1", "_", "'", ".", " ", "\x1c", "\n", "²", "٣", "é", "İ", "。", "漢", "\u00a0", "\u2028", "Ⅷ", "½")
STOPS = ("a", "Dr", "J", ".", "!", "?", "…", "。", "؟", "।", '"', "”", ")", "[1]", "[12]", "[a b]", " ", "\n", "B")


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), max_size=40).map("".join))
def test_words_of_a_fingerprint(text: str) -> None:
    """Of a text with few letters that are not ASCII, and of one with many."""
    expected = _WORD.findall(text)
    for few in (0, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(duplicates, "_FEW", few)
            assert [word.decode() for word in _words(text)] == expected
    for word in expected:
        assert _is_number(word.encode()) == (not word.isalpha() and any(map(str.isdigit, word)))


MODULUS = (1 << 61) - 1
NEAR = st.integers(-9, 9).flatmap(lambda off: st.integers(1, 7).map(lambda times: times * MODULUS + off))


@given(st.lists(NEAR | st.integers(0, (1 << 64) - 1), min_size=1, max_size=20))
def test_the_lower_bits_of_a_remainder(values: list[int]) -> None:
    expected = [value % MODULUS & 0xFFFFFFFF for value in values]
    for value, one in zip(values, expected, strict=True):  # alone, for one rare value makes all go the plain way
        assert _low_bits_modulo(np.array([value], np.uint64)).tolist() == [one]
    assert _low_bits_modulo(np.array(values, np.uint64)).tolist() == expected


PLAIN_STOP = re.compile(
    r"(?:[.!?…]+[\"'”’»)\]]*(?:\s?\[[\w ,]{1,12}\])*(?=\s|$)|[.!?]+(?:\[\d{1,3}\])+(?=\w)|"
    r"[。！？｡]+[”’」』）]*|[؟۔।॥]+(?=\s|$))"
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(STOPS), max_size=25).map("".join))
def test_where_sentences_may_end(text: str) -> None:
    plain = [match.span() for match in PLAIN_STOP.finditer(text)]
    assert [match.span() for match in sentences._STOP.finditer(text)] == plain


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["word", "w" * 90, "w" * 210, ",", "and", "."]), min_size=1, max_size=60))
def test_a_sentence_with_nothing_to_cut_is_whole(words: list[str]) -> None:
    text = " ".join(words)
    found = split_sentences(text)
    cut = [piece for span in found for piece in sentences._cut_long(text, span.start, span.end)]
    assert cut == found
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert found[0] == Span(0, found[0].end)
