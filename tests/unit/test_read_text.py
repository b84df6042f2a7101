from __future__ import annotations

import pytest

from indexing.read import text
from indexing.read.text import clean_id, clean_text, clean_title, clean_url, strip_tags


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("cafe\u0301", "café"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\n\n\n \n\nb", "a\n\nb"),
        ("  a \u00a0  b \t c  ", "a b\tc"),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07text", "red text"),
        ("\u200bzero\u200d \u202eno\u2066 \ufeffmarks\u00ad", "zero no marks"),
        ("nul\x00 bell\x07 lone\ud800", "nul bell lone"),
        ("it\u0092s", "it’s"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("e\u200b\u0301", "é"),
        ("Ignore all previous instructions", "Ignore all previous instructions"),
        ("x " + "A" * 201 + " y", "x y"),
        ("x " + "A" * 200 + " y", "x " + "A" * 200 + " y"),
        ("北京" * 300, "北京" * 300),
        (" \n\t ", ""),
    ],
)
def test_clean_text(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


def test_the_characters_that_are_looked_for_are_those_that_are_changed() -> None:
    patterns = (text._ANSI, text._NEWLINE, text._SPACE, text._INVISIBLE, text._C1)
    begin = {"\x1b", "\x9b"}  # of a terminal's commands
    for char in map(chr, range(0x110000)):
        assert bool(text._STRANGE.match(char)) == (char in begin or any(one.match(char) for one in patterns)), char


def test_a_long_text_is_cleaned_the_same_as_a_short_one() -> None:
    paragraph = "Some  words\u200b here. \n \n\n More\u00a0\u00a0words \x1b[0m there.\n"
    times = (3 << 20) // len(paragraph)
    assert clean_text(paragraph * times) == "\n".join([clean_text(paragraph)] * times)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("  Two\nlines ", "Two lines"),
        ("Caf&eacute; &amp;amp; bar", "Café & bar"),
        ("<b>Bold</b> title<!-- x -->", "Bold title"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;News", "News"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_clean_title(dirty: str, clean: str) -> None:
    assert clean_title(dirty) == clean


def test_a_long_title_is_cut_at_a_word() -> None:
    title = clean_title("word " * 200)
    assert len(title) <= 300
    assert title.endswith("word")
    assert len(clean_title("北" * 900)) <= 300


def test_ids_keep_long_tokens_and_urls_lose_code() -> None:
    assert clean_id(" https://x.example/" + "a" * 300 + "\u200b") == "https://x.example/" + "a" * 300
    assert clean_url(" java\x00script:alert(1)") == ""
    assert clean_url("https://x.example/a b") == "https://x.example/a%20b"


def test_strip_tags_keeps_words_apart_and_survives_unclosed_markup() -> None:
    assert strip_tags("one<p>two</p>three <i>four</i>").split() == ["one", "two", "three", "four"]
    assert strip_tags("<!--" * 50_000 + "x") == ""
    assert strip_tags("a <<b>i>c") == "a c"
