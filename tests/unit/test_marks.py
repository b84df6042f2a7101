"""Marks as other systems write them: what each sentence cites, and that no mark is left in its text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webbrain.writing.marks import MARK, read_mark, read_marked_text


@pytest.mark.parametrize(
    ("mark", "markers"),
    [
        ("[1]", [1]),
        ("[1, 2]", [1, 2]),
        ("[1;2]", [1, 2]),
        ("[ 3 ]", [3]),
        ("[1-3]", [1, 2, 3]),
        ("[1–3, 7]", [1, 2, 3, 7]),
        ("[0]", [0]),
        ("[3-1]", [3, 1]),
        ("[1-999]", [1, 999]),
    ],
)
def test_one_mark(mark: str, markers: list[int]) -> None:
    assert MARK.fullmatch(mark)
    assert read_mark(mark) == markers


@pytest.mark.parametrize("text", ["[1990]", "[1990-1995]", "[a]", "[]", "[1", "[1.5]", "[note 1]"])
def test_other_brackets_are_no_marks(text: str) -> None:
    assert not MARK.search(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada wrote it [1]. Babbage built it [2].", [("Ada wrote it.", (1,)), ("Babbage built it.", (2,))]),
        ("Ada wrote it.[1] Babbage built it.[2]", [("Ada wrote it.", (1,)), ("Babbage built it.", (2,))]),
        ("Ada wrote it. [1] Babbage built it. [2]", [("Ada wrote it.", (1,)), ("Babbage built it.", (2,))]),
        ("Ada wrote it.[1][3] Babbage did not.", [("Ada wrote it.", (1, 3)), ("Babbage did not.", ())]),
        ("Ada [1] wrote it [2, 1].", [("Ada wrote it.", (1, 2))]),
        ("Ada wrote it [1-3].", [("Ada wrote it.", (1, 2, 3))]),
        ("Water is wet [0].", [("Water is wet.", (0,))]),
        ("[1] Ada wrote it.", [("Ada wrote it.", (1,))]),
        ("Ada wrote it.[1]Babbage built it.", [("Ada wrote it.", (1,)), ("Babbage built it.", ())]),
        ("She said “no.” [2] He left.", [("She said “no.”", (2,)), ("He left.", ())]),
        ("First [1]\n\n[2] Second.", [("First", (1,)), ("Second.", (2,))]),
        ("[7]", []),
        ("", []),
    ],
)
def test_sentences_of_a_marked_text(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(sentence.text, sentence.citations) for sentence in read_marked_text(text)] == expected


@settings(deadline=None)
@given(st.text(alphabet="aB .!?[]0123,-\n", max_size=80))
def test_any_text_is_read_without_a_mark_left_and_without_losing_a_letter(text: str) -> None:
    sentences = read_marked_text(text)
    assert not any(MARK.search(sentence.text) for sentence in sentences if "[" not in MARK.sub("", text))
    letters = [char for char in MARK.sub("", text) if char.isalpha()]
    assert [char for sentence in sentences for char in sentence.text if char.isalpha()] == letters


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from(["{} {}.", "{}.{}", "{}. {}"]))
def test_every_mark_is_given_to_the_sentence_it_closes(markers: list[int], form: str) -> None:
    marks = "".join(f"[{marker}]" for marker in markers)
    text = form.format("The first one is here", marks) + " The second one is not."
    assert [s.citations for s in read_marked_text(text)] == [tuple(dict.fromkeys(markers)), ()]
