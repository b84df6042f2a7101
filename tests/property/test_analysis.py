"""The quick ways to words give those of the patterns."""

from __future__ import annotations

from unicodedata import normalize

from hypothesis import given, settings
from hypothesis import strategies as st

from webbrain.analysis import _MARK, _MARKED_WORD, _WORD, _pairs, _words

PIECES = ("dogs", "it's", "O’Brien", "'", "’", "_", "-", " ", "\n", "\x1c", "\u00a0", "\u2000", "m²", "é", "e\u0301")
SCRIPTS = ("Σ", "ΟΔΟΣ", "İ", "ß", "\u212a", "漢字", "\uf900", "\U0002f800", "한국", "ไทย", "हिन्दी", "\u05b0", "\u064b")
PARTS = st.sampled_from([*PIECES, *SCRIPTS])


@settings(max_examples=500, deadline=None)
@given(st.lists(PARTS | st.characters(codec="utf-8"), max_size=20).map("".join))
def test_words_are_those_of_the_pattern(text: str) -> None:
    plain = normalize("NFC", text.lower())
    found = (_MARKED_WORD if _MARK.search(plain) else _WORD).findall(plain)
    assert _words(text) == [word for run in found for word in _pairs(run)]
