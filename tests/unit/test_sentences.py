from __future__ import annotations

import pytest

from webbrain.grounding.sentences import LONG_CHARS, split_sentences


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["One.", "Two!", "Three?"],
        ["Dr. Smith met J. R. R. Tolkien at 3 p.m. on Jan. 5.", "They talked."],
        ["It costs $3.50 at Acme Inc. in the U.S. market.", "He paid."],
        ["He said, “Stop!”", "Nobody did."],
        ["A fact.[12]", "Another fact. [3]", "A third."],
        ["Wait... what is this?", "Nothing."],
        ["これは文です。", "次の文です！", "終わり。"],
        ["यह पहला वाक्य है।", "यह दूसरा है।"],
        ["هل هذا سؤال؟", "نعم."],
        ["The no. 5 bus left.", "Is this it?", "No.", "Go on."],
    ],
)
def test_sentences_of_one_paragraph(expected: list[str]) -> None:
    glue = "" if expected[0].endswith("。") else " "
    assert sentences(glue.join(expected)) == expected


def test_lines_paragraphs_and_bullets_are_apart() -> None:
    text = "History\n\nThe first line.\nThe second line.\n- one item\n- another item\n\nthe end"
    assert sentences(text) == [
        "History",
        "The first line.",
        "The second line.",
        "- one item",
        "- another item",
        "the end",
    ]


def test_wrapped_prose_runs_over_its_lines() -> None:
    text = (
        "This is a text that was wrapped at a margin of some seventy characters\n"
        "or so, as mail and books on the net have it, and that then goes on and\n"
        "on. It has two sentences."
    )
    assert sentences(text) == [text[: text.index(" It has")], "It has two sentences."]


def test_text_without_stops_comes_in_pieces() -> None:
    found = sentences(" ".join(f"word{n}" for n in range(500)))
    assert all(15 <= len(piece.split()) <= 40 for piece in found)
    assert sum(len(piece.split()) for piece in found) == 500


def test_a_run_without_spaces_comes_in_pieces() -> None:
    assert [len(piece) for piece in sentences("x" * 450)] == [LONG_CHARS, LONG_CHARS, 50]


@pytest.mark.parametrize("text", ["", " ", "\n\n\t"])
def test_nothing_gives_nothing(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(
    "text", ["." * 100_000, "a." * 50_000, "\n" * 100_000, "[1]" * 30_000, "A. " * 30_000, "- \n" * 30_000]
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    assert sum(map(len, sentences(text))) <= len(text)
