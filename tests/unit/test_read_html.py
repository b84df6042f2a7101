from __future__ import annotations

import gzip
import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from indexing.read import RawRecord, Reject, clean
from indexing.read.html import extract, read_html
from webbrain.types import Document

REAL_PAGES = Path("/work/shared/data/html/pages.jsonl.gz")
WORDS = "The bridge was opened to walkers in May 1937 and to cars a day later. " * 4


def page(body: str, head: str = "<title>Bridge</title>") -> str:
    return f"<html><head>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">SECRET</div>',
        '<p style="color: red; VISIBILITY : hidden">SECRET</p>',
        "<p hidden>SECRET</p>",
        '<div aria-hidden="true"><p>SECRET</p></div>',
        "<template><p>SECRET</p></template>",
        '<p style="font-size:0px">SECRET</p>',
        '<span style="position:absolute;left:-9999px">SECRET</span>',
        '<p style="opacity:0">SECRET</p>',
        '<p style="color:#fff;background:#fff">SECRET</p>',
        '<p style="background-color: White; padding:0; color:#FFFFFF !important">SECRET</p>',
        "<!-- SECRET -->",
        "<script>SECRET</script>",
    ],
)
def test_hidden_text_is_removed_and_what_follows_stays(hidden: str) -> None:
    text = extract(page(f"<article><p>{WORDS}</p>{hidden} Tail words stay. <p>{WORDS}</p></article>")).text
    assert "SECRET" not in text
    assert "opened to walkers" in text


def test_a_page_that_fades_in_is_kept() -> None:
    assert "opened to walkers" in extract(page(f'<div style="opacity:0"><p>{WORDS}</p></div>')).text
    assert "opened to walkers" in extract(f'<html style="display:none"><body hidden><p>{WORDS}</p></body></html>').text
    assert "opened to walkers" in extract(page(f'<p style="opacity:0.9;font-size:0.8em">{WORDS}</p>')).text
    assert "opened to walkers" in extract(page(f'<p style="color:#fff;background:#000">{WORDS}</p>')).text


def test_title_and_url() -> None:
    head = '<title>Bridge &amp; bay - Site</title><link rel="canonical" href="https://x.example/bridge">'
    found = extract(page(f"<h1>Bridge &amp; bay</h1><p>{WORDS}</p>", head))
    assert (found.title, found.url) == ("Bridge & bay", "https://x.example/bridge")
    assert extract(page(f"<p>{WORDS}</p>", '<link rel="canonical" href="javascript:x">')).url == ""


def test_deep_nesting_is_flattened() -> None:
    start = time.perf_counter()
    text = extract(page("<div>" * 10_000 + f"<p>{WORDS}</p>" + "</div>" * 10_000 + f"<p>Afterwards. {WORDS}</p>")).text
    assert "opened to walkers" in text
    assert "Afterwards" in text
    hiding = "<div>" * 400 + '<div style="display:none">SECRET</div>' + "</div>" * 400
    assert "SECRET" not in extract(page(f"{hiding}<p>{WORDS}</p>")).text
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("html", ["", "<html></html>", "\0", "<!-- -->", "<body><script>x()</script>"])
def test_pages_without_text(html: str) -> None:
    assert extract(html).text == ""


@pytest.mark.parametrize("html", ["plain words only", '<?xml version="1.0" encoding="latin-1"?><p>plain words only'])
def test_odd_pages_still_give_their_words(html: str) -> None:
    assert extract(html).text == "plain words only"


def test_charset_of_a_page() -> None:
    html = page(f"<p>Москва — столица. {'Город на реке. ' * 20}</p>", '<meta charset="windows-1251"><title>М</title>')
    found = read_html(html.encode("cp1251"))
    assert found is not None
    assert found.page.text.startswith("Москва — столица.")
    assert found.note == {"encoding": "cp1251"}


def test_html_files() -> None:
    data = page(f"<p>{WORDS}</p>", "").encode()
    (item,) = clean(RawRecord(0, "site/golden-gate_bridge.html", 1, "html", data))
    assert isinstance(item, Document)
    assert (item.doc_id, item.title) == ("site/golden-gate_bridge.html", "golden gate bridge")
    (item,) = clean(RawRecord(0, "a.html", 1, "html", b"<html><body></body></html>"))
    assert item == Reject("a.html", 1, "a.html", "no_main_text")


def token_f1(found: str, gold: str) -> float:
    have, want = (Counter(re.findall(r"\w+", text.lower())) for text in (found, gold))
    shared = (have & want).total()
    return 2 * shared / (have.total() + want.total()) if shared else 0.0


@pytest.mark.skipif(not REAL_PAGES.exists(), reason="the real pages are not on this machine")
def test_main_text_of_real_pages() -> None:
    with gzip.open(REAL_PAGES, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(25), strict=False)]
    scores = [token_f1(extract(row["html"]).text, row["gold_text"]) for row in rows]
    assert sum(scores) / len(scores) > 0.93
