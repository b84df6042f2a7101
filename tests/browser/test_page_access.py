"""For every reader: axe finds nothing, the keyboard does everything, a phone shows everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Tab, finished
from tests.serving import LiveServer, live_server

ASKED = "/?q=Gull+Point+Lighthouse"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
STATES = ["home", "history", "article", "card", "notes", "none", "senses", "notice"]


@pytest.fixture(scope="module")
def axe() -> Any:
    module = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    return module.Axe()


def bring(page: Any, state: str) -> None:
    """From the first page to a state of it."""
    if state == "home":
        page.locator("#library:not(:empty)").wait_for()
        return
    if state == "notice":
        page.route(
            "**/api/articles*", lambda route: route.fulfill(status=401, body='{"code":"unauthorized","message":"x"}')
        )
    query = {"none": "qwzx flurb", "senses": "Mercury"}.get(state, "Mercury (planet)")
    page.fill("#query", query)
    page.press("#query", "Enter")
    page.locator("#made, #notice").and_(page.locator(":visible")).first.wait_for()
    if state == "history":
        page.click(".name")
        page.locator("#history").wait_for()
    elif state == "card":
        page.locator(".mark").first.click()
    elif state == "notes":
        for summary in page.locator("details > summary").all():
            summary.click()


@pytest.mark.parametrize(("scheme", "context"), [("light", {}), ("dark", PHONE)], ids=["light", "dark-phone"])
def test_axe_finds_nothing(
    tab: Tab, samples_server: LiveServer, axe: Any, scheme: str, context: dict[str, Any]
) -> None:
    tab.expected = ("401",)
    for state in STATES:
        page = tab.open(samples_server.address, color_scheme=scheme, **context)
        bring(page, state)
        found = axe.run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{state}: {found.generate_report()}"
        page.context.close()


def test_the_keyboard_alone_does_everything(tab: Tab, server: LiveServer) -> None:
    page = tab.open(server.address)
    focused = "document.activeElement.id || document.activeElement.className"
    assert page.evaluate(focused) == "query"
    page.keyboard.type("Gull Point Lighthouse")
    page.keyboard.press("Enter")
    finished(page)
    assert page.evaluate(focused) == "title"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "mark"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(focused) == "card"
    second = page.locator("#card mark").first.inner_text()
    assert second in page.locator(".sentence").nth(1).inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#card mark").first.inner_text() in page.locator(".sentence").nth(2).inner_text()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#card mark").first.inner_text() == second
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "quiet close"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "passage"  # so that a long one can be scrolled
    page.keyboard.press("Escape")
    page.locator("#card").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.dataset.mark") == "1"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the close button
    page.locator("#card").wait_for(state="hidden")
    assert page.evaluate(focused) == "mark"


def test_the_first_tab_stop_skips_to_the_article(tab: Tab, server: LiveServer) -> None:
    page = finished(tab.open(server.address + ASKED))
    page.focus("#query")
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the article"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_screen_reader_hears_what_happens(tab: Tab, library: Path) -> None:
    with live_server(library, pause=0.3) as slow:
        page = tab.open(slow.address + ASKED)
        page.locator(".sentence").first.wait_for()
        assert page.get_by_role("list", name="Progress").locator("[aria-current=step]").count() == 1
        page.get_by_role("status").filter(has_text="each checked against its passage").wait_for()
        name = page.locator(".mark").first.get_attribute("aria-label")
        assert name == "Source 1, Gull Point Lighthouse: supported"
        page.get_by_role("button", name=name).first.click()
        assert page.get_by_role("dialog", name="Gull Point Lighthouse").is_visible()


@pytest.mark.parametrize("width", [320, 768])
def test_no_width_needs_sideways_scrolling(tab: Tab, samples_server: LiveServer, width: int) -> None:
    tab.expected = ("401",)
    for state in STATES:
        page = tab.open(samples_server.address, viewport={"width": width, "height": 700})
        bring(page, state)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state
        page.context.close()


def test_a_finger_finds_every_mark(tab: Tab, server: LiveServer) -> None:
    page = finished(tab.open(server.address + ASKED, **PHONE))
    for mark in page.locator(".mark").all():
        box = mark.bounding_box()
        left, top = box["x"] + box["width"] / 2 - 9, box["y"] + box["height"] / 2 - 9
        for x, y in ((left, top), (left + 18, top + 18)):  # the corners of a finger's tip around it
            hit = page.evaluate("([x, y]) => document.elementFromPoint(x, y)?.closest('.mark')?.dataset.mark", [x, y])
            assert hit == mark.get_attribute("data-mark")


def test_without_script_the_page_says_so(tab: Tab, server: LiveServer) -> None:
    page = tab.open(server.address, java_script_enabled=False)
    assert "needs JavaScript" in page.locator("body").inner_text()
