from __future__ import annotations

import random

import pytest

from indexing.read.decode import decode, html_charset

FRENCH = "Le café est fermé à cause de l’été."
POLISH = "Zażółć gęślą jaźń. Łódź jest miastem w środkowej Polsce."
RUSSIAN = "Москва является столицей России и крупнейшим городом страны."
JAPANESE = "日本の首都は東京である。人口は約千四百万人で、世界最大の都市圏の一つである。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(FRENCH, "cp1252"), (POLISH, "cp1250"), (RUSSIAN, "cp1251"), (JAPANESE, "cp932"), (RUSSIAN, "utf-8")],
)
def test_undeclared_bytes(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding))
    assert decoded is not None
    assert decoded.text == text
    assert decoded.note == ({} if encoding == "utf-8" else {"encoding": encoding})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(encoding: str) -> None:
    decoded = decode(POLISH.encode(encoding))
    assert decoded is not None
    assert decoded.text == POLISH


def test_utf_16_without_a_mark() -> None:
    decoded = decode("Plain English text of some length.".encode("utf-16-le"))
    assert decoded is not None
    assert decoded.text.startswith("Plain English")


def test_a_declared_charset_counts_unless_the_bytes_are_utf_8() -> None:
    assert decode("Résumé für".encode("cp1250"), "windows-1250").text == "Résumé für"  # type: ignore[union-attr]
    assert decode("“quoted”".encode("cp1252"), "iso-8859-1").text == "“quoted”"  # type: ignore[union-attr]
    assert decode(FRENCH.encode(), "iso-8859-1").text == FRENCH  # type: ignore[union-attr]
    assert decode(JAPANESE.encode("iso2022_jp"), "iso-2022-jp").text == JAPANESE  # type: ignore[union-attr]


@pytest.mark.parametrize("declared", ["base64", "punycode", "no-such-charset", "rot13", "utf-7", "\0"])
def test_a_senseless_charset_is_passed_over(declared: str) -> None:
    assert decode(FRENCH.encode("cp1252"), declared).text == FRENCH  # type: ignore[union-attr]


def test_a_few_bad_bytes_do_not_turn_utf_8_into_another_charset() -> None:
    decoded = decode("“Good” text – mostly".encode() + b"\xff!")
    assert decoded is not None
    assert decoded.text.startswith("“Good” text –")
    assert decoded.encoding == "utf-8 with 1 bad bytes"


def test_binary_is_no_text() -> None:
    assert decode(random.Random(1).randbytes(4000)) is None
    assert decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0") is None


def test_html_charset() -> None:
    assert html_charset(b'<html><meta charset="koi8-r">') == "koi8-r"
    assert html_charset(b'<meta http-equiv=x content="text/html; charset=big5">') == "big5"
    assert html_charset(b"<meta charset=big5>", "text/html; charset=utf-8") == "utf-8"
    assert html_charset(b"<p>charset=none") == ""
