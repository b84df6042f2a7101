"""Corpus text that means harm is shown as text: nothing runs, nothing loads, nothing moves, nothing is reordered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.conftest import Tab, finished
from tests.serving import GIANT, LiveServer

SCRIPT = '<script>alert(1)</script><img src="https://evil.example/x.png" onerror="alert(2)"><svg onload=alert(3)>'
BIDI = "\u202egnp.exe\u2066 hidden"
HEBREW = "מגדלור סטלה מאריס הוא מגדלור בראש הר הכרמל בחיפה."
ZALGO = "Z" + "\u0301\u0323\u0330" * 60 + "algo"


def reference(marker: int, text: str, url: str = "") -> dict[str, object]:
    return {
        "marker": marker, "passage_id": f"p{marker}{SCRIPT}", "doc_id": f"d{marker}", "title": f"{SCRIPT}{BIDI}",
        "url": url, "text": text, "start": 0, "end": len(text),
    }  # fmt: skip


def stream(texts: list[str], url: str = "", query: str = "q") -> str:
    """An article whose every field is what a hostile corpus would have it be."""
    sentences = [
        {"text": text, "citations": [at], "support": 0.6, "origin": "written"} for at, text in enumerate(texts, 1)
    ]
    references = [reference(at, f"{text} [99] {SCRIPT}", url) for at, text in enumerate(texts, 1)]
    events: list[dict[str, Any]] = [
        {
            "event": "sentence",
            "sentence": sentence,
            "references": [source],
            "evidence": [{"marker": source["marker"], "spans": [[0, len(text)]]}],
        }
        for sentence, source, text in zip(sentences, references, texts, strict=True)
    ]
    events.append({"event": "dropped", "text": SCRIPT, "reason": SCRIPT + BIDI})
    article = {
        "query": query, "status": "ok", "sentences": sentences, "references": references,
        "other_senses": [SCRIPT, BIDI], "provenance": {"writer": SCRIPT, "counts": {"written": 1}},
    }  # fmt: skip
    aside = {key: value for key, value in reference(9, SCRIPT, url).items() if key != "marker"} | {"reason": SCRIPT}
    events.append(
        {
            "event": "done",
            "article": article,
            "set_aside": [aside],
            "files": dict.fromkeys(("md", "html", "json", "bib"), SCRIPT),
        }
    )
    return "".join(f"event: {event['event']}\ndata: {json.dumps(event)}\n\n" for event in events)


def show(tab: Tab, server: LiveServer, body: str, query: str = "q", **context: Any) -> Any:
    page = tab.open(server.address, **context)
    page.route("**/api/articles*", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    page.fill("#query", query)
    page.press("#query", "Enter")
    finished(page)
    for place in page.locator("details > summary").all():
        place.click()
    page.locator(".mark").first.click()
    return page


def made_by_markup(page: Any) -> int:
    return int(
        page.locator("main, #card").locator("script, img, svg, iframe, object, style, b, [onerror], [onload]").count()
    )


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_markup_in_every_field_is_text(tab: Tab, server: LiveServer) -> None:
    page = show(tab, server, stream([SCRIPT, f"Second {SCRIPT}"]), query=SCRIPT)
    assert made_by_markup(page) == 0
    for place in (
        "#title",
        ".sentence",
        "#card h2",
        "#card blockquote",
        "#senses",
        "#left-out",
        "#made",
        "#sources-list",
    ):
        assert "<script>alert(1)</script>" in page.locator(place).first.inner_text()
    page.click(".name")
    page.locator("#history").wait_for()
    assert "<script>alert(1)</script>" in page.locator("#history").inner_text()
    assert made_by_markup(page) == 0


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "\tjavascript:alert(1)", "java\nscript:alert(1)", "vbscript:x",
        "data:text/html,<script>alert(1)</script>", "file:///etc/passwd", "//evil.example/", "/etc/passwd",
        "about:blank",
    ],
)  # fmt: skip
def test_only_web_addresses_are_links(tab: Tab, server: LiveServer, url: str) -> None:
    page = show(tab, server, stream(["One sentence of no harm."], url))
    assert page.locator("#article a, #card a").count() == 0


def test_a_web_address_leaves_without_a_trace(tab: Tab, server: LiveServer) -> None:
    page = show(tab, server, stream(["One sentence of no harm."], "https://ok.example/a?b=<c>"))
    for link in page.locator("#article a, #card a").all():
        assert (link.get_attribute("href") or "").startswith("https://ok.example/")
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"


def test_no_string_can_become_markup_or_code(tab: Tab, server: LiveServer) -> None:
    tab.expected = ("TrustedHTML", "Trusted Type", "Content Security Policy")
    page = tab.open(server.address)
    for sink in ("document.body.innerHTML = '<b>x</b>'", "document.write('x')"):
        with pytest.raises(Exception, match="Trusted"):
            page.evaluate(f"() => {{ {sink} }}")
    page.evaluate(
        "() => document.head.append(Object.assign(document.createElement('style'), {textContent: '*{display:none}'}))"
    )
    assert page.locator("body").is_visible()


def test_direction_tricks_stay_inside_their_words(tab: Tab, server: LiveServer) -> None:
    page = show(tab, server, stream([f"Before {BIDI} after.", "The next sentence reads as it is written."]))
    shown = page.locator("#article").inner_text() + page.locator("#card").inner_text() + page.title()
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    first, second = page.locator(".sentence").all()
    for part in (first, second, page.locator("#card blockquote"), page.locator("#card h2")):
        assert part.get_attribute("dir") == "auto"
        assert "isolate" in part.evaluate("part => getComputedStyle(part).unicodeBidi")


def test_right_to_left_text_runs_right_to_left(tab: Tab, server: LiveServer) -> None:
    page = show(tab, server, stream([HEBREW, HEBREW]), query="מגדלור")
    direction = "part => getComputedStyle(part).direction"
    for place in ("#title", "#text", ".sentence", "#card blockquote", "#query", "#sources-list blockquote"):
        assert page.locator(place).first.evaluate(direction) == "rtl", place
    words, mark = page.locator(".sentence").first.bounding_box(), page.locator(".mark").first.bounding_box()
    assert mark["x"] < words["x"] + words["width"] / 2  # a mark ends its sentence, on the left
    assert fits(page)


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize(
    "text", [GIANT, "https://x.example/" + "a" * 900, "\u0e01" * 800, ZALGO], ids=["word", "url", "thai", "zalgo"]
)
def test_giant_words_wrap(tab: Tab, server: LiveServer, text: str, width: int) -> None:
    page = show(tab, server, stream([f"One {text}.", text]), query=text[:300], viewport={"width": width, "height": 800})
    assert fits(page)
    card = page.locator("#card").bounding_box()
    assert 0 <= card["x"] <= card["x"] + card["width"] <= width
    page.click(".name")
    page.locator("#history").wait_for()
    assert fits(page)


def test_a_hostile_page_of_a_real_library_is_shown_as_text(tab: Tab, server: LiveServer) -> None:
    page = finished(tab.open(server.address + "/?q=Ivor+Penn+keeper+of+Gull+Point+Lighthouse"))
    texts = []
    for mark in page.locator(".mark").all():
        mark.click()
        texts.append(page.locator("#card").inner_text())
    (shown,) = {text for text in texts if "The last keepers" in text}
    assert "<b>bold</b> &amp; <img src=x> [7]." in shown
    assert "\u202e" not in shown
    assert made_by_markup(page) == 0
    assert fits(page)
