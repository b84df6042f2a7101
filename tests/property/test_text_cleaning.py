from __future__ import annotations

import json
import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexing.read import RawRecord, Reject, clean
from indexing.read.decode import decode
from indexing.read.html import extract
from indexing.read.markdown import markdown_to_text
from indexing.read.references import clean_reference
from indexing.read.text import (
    MAX_TITLE_CHARS,
    MAX_TOKEN_CHARS,
    _may_have_long_token,
    clean_id,
    clean_text,
    clean_title,
)
from indexing.read.wiki import wikitext_to_text
from webbrain.records import escape_id, unescape_id
from webbrain.types import Document

# Letters of every kind, weighted towards what cleaning handles.
SPECIAL = (
    "\x00\x07\x1b[31m]\x9b\x85\x92\u00a0\u00ad\u0301\u200b\u200d\u202e\u2028\ufeff\ud800\U000e0041 \t\n\r<>&;*_`[]()#|"
)
ANY_TEXT = st.text(st.one_of(st.characters(), st.sampled_from(SPECIAL)), max_size=300)


@given(ANY_TEXT)
@example(" \u200b ")
@example("\x1b\x1b[0m[0m")
@example("\n \n \n\u200b\n\n")
@example("e\x9c\u0301")
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once


@given(ANY_TEXT)
def test_clean_text_holds_nothing_invisible(text: str) -> None:
    once = clean_text(text)
    once.encode("utf-8")
    assert all(char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in once)
    assert not set(once) & set("\u200b\u200c\u200d\u202a\u202e\u2066\ufeff\u00a0")
    assert unicodedata.is_normalized("NFC", once)
    assert "  " not in once
    assert "\n\n\n" not in once


@given(st.text("abc \n\tü<", max_size=2000), st.integers(1, 300))
def test_no_long_tokens(text: str, times: int) -> None:
    assert all(len(token) <= 200 for token in clean_text(text + "x" * times + text).split())


@given(ANY_TEXT)
def test_words_of_plain_letters_survive(text: str) -> None:
    assert "needle" in clean_text(f"{text.replace(chr(27), '')} needle {text}").split()


@given(ANY_TEXT)
def test_titles_are_one_short_line(text: str) -> None:
    title = clean_title(text)
    assert len(title) <= MAX_TITLE_CHARS
    assert "\n" not in title
    assert clean_title(title) == title or "<" in title or "&" in title


@given(st.binary(max_size=400))
def test_decoding_never_raises(data: bytes) -> None:
    decoded = decode(data)
    assert decoded is None or isinstance(clean_text(decoded.text), str)


@settings(max_examples=40, deadline=None)
@given(ANY_TEXT)
def test_no_text_breaks_a_reader(text: str) -> None:
    for reader in (markdown_to_text, wikitext_to_text, clean_reference, extract):
        reader(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "title", "x"]), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode())))
def test_every_record_gives_at_least_one_item_that_can_be_written(line: bytes) -> None:
    for kind in ("json", "raw_page", "text", "markdown"):
        items = clean(RawRecord(0, "a.jsonl", 1, kind, line))
        assert items
        for item in items:
            assert isinstance(item, Document | Reject)
            fields = (item.text, item.title, item.url, item.metadata) if isinstance(item, Document) else (item.detail,)
            json.dumps((item.doc_id, *fields), ensure_ascii=False, allow_nan=True).encode("utf-8")
        assert items == clean(RawRecord(0, "a.jsonl", 1, kind, line))


@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("% 0259\t"))))
def test_ids_survive_a_trec_column(text: str) -> None:
    doc_id = clean_id(text)
    column = escape_id(doc_id)
    assert " " not in column
    assert unescape_id(column) == doc_id or "://" in doc_id


@given(st.lists(st.tuples(st.sampled_from("a\n é"), st.integers(1, 250)), max_size=8))
def test_no_long_token_is_overlooked(runs: list[tuple[str, int]]) -> None:
    text = "".join(char * times for char, times in runs)
    if any(len(token) > MAX_TOKEN_CHARS for token in text.split()):
        assert _may_have_long_token(text)
