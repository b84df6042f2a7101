from __future__ import annotations

import time

import pytest

from indexing.read import RawRecord, Reject, clean
from indexing.read.markdown import markdown_title, markdown_to_text
from webbrain.types import Document


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**bold** and *soft* and __strong__ and _em_ and ~~gone~~", "bold and soft and strong and em and gone"),
        ("a [link](https://x.example/a_(b)) here", "a link here"),
        ("![picture](a.png) words ![][p]", " words "),
        ("<https://x.example>", "https://x.example"),
        ("see [the bridge][b]\n\n[b]: https://x.example", "see the bridge\n"),
        ("opened in 1889 [1][2] and [3]", "opened in 1889 [1][2] and [3]"),
        ("a note[^1]\n\n[^1]: the note", "a note\n\n the note"),
        ("## Heading ##\nText", "Heading\nText"),
        ("Heading\n=======\nText", "Heading\n\nText"),
        ("> quoted\n> text", "quoted\ntext"),
        ("* one\n+ two\n- [x] three", "- one\n- two\n- three"),
        ("```python\nx = a_b_c * 2 # no *emphasis*\n```", "x = a_b_c * 2 # no *emphasis*"),
        ("use `a*b*c` now", "use a*b*c now"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b\n\n1 2"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        (r"a \*star\* &amp; more", "a *star* & more"),
        ("some <b>html</b> and <!-- a comment -->", "some html and "),
        ("---\ntitle: Front\n---\nBody", "Body"),
        ("private \ue1005\ue101 \ue041 places", "private 5  places"),
    ],
)
def test_marks_go_and_words_stay(markdown: str, text: str) -> None:
    assert markdown_to_text(markdown) == text


def test_title() -> None:
    assert markdown_title("```\n# code\n```\n## Second\n# The *first* [one](x) #\n# Next") == "The first one"
    assert markdown_title('---\ntitle: "Front"\n---\ntext') == "Front"
    assert markdown_title("text") == ""


@pytest.mark.parametrize("unit", ["[", "[a](", "**a ", "`a ``b ", "![", "<!--", "_a ", "> ", "#", "\\", "[a][", "|"])
def test_hostile_marks_take_no_time(unit: str) -> None:
    start = time.perf_counter()
    markdown_to_text(unit * (60_000 // len(unit)))
    assert time.perf_counter() - start < 3


def test_files() -> None:
    (item,) = clean(RawRecord(0, "notes/tea-time.md", 1, "markdown", "# Tea\r\n\r\nIt is *hot*.".encode("utf-16")))
    assert item == Document("notes/tea-time.md", "Tea", "Tea\n\nIt is hot.", "", {"encoding": "utf-16-le"})
    (item,) = clean(RawRecord(0, "tea-time.txt", 1, "text", b"It is *hot*."))
    assert item == Document("tea-time.txt", "tea time", "It is *hot*.")
    (item,) = clean(RawRecord(0, "a.txt", 1, "text", b" \n "))
    assert item == Reject("a.txt", 1, "a.txt", "empty_text")
    (item,) = clean(RawRecord(0, "a.txt", 1, "text", bytes(range(256))))
    assert item == Reject("a.txt", 1, "a.txt", "undecodable")
