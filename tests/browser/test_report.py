"""The report in Chromium: opened from disk without a network, read with mouse, keyboard, on a phone, without script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.report import gather, write_report
from tests.browser.conftest import Tab
from tests.reports import page_of, rows

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(tmp_path_factory.mktemp("report")).as_uri()


def _open(tab: Tab, address: str, **options: Any) -> Any:
    return tab.open(address, offline=True, **options)


def test_it_opens_offline_and_hostile_text_stays_text(tab: Tab, address: str) -> None:
    page = _open(tab, address)
    assert "9 queries" in page.locator(".lead").inner_text()
    for article in page.locator(".article").all():
        article.locator("summary").first.click()
    page.locator("#a2 .prose a.mark").first.click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert page.locator("#a2 .prose").inner_text().startswith("<script>window.hacked")


def test_the_content_policy_stops_what_it_does_not_know(tab: Tab, address: str) -> None:
    tab.expected = ("Content Security Policy",)
    page = _open(tab, address)
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hacked = 1";
          document.body.append(script);
        }"""
    )
    assert page.evaluate("window.hacked") is None


def test_a_mark_shows_its_passage_with_the_deciding_words(tab: Tab, address: str) -> None:
    page = _open(tab, address)
    page.locator("#a1 > summary").click()
    page.locator("#a1 .prose a.mark").nth(1).click()
    block = page.locator("#a1 .block:visible")
    assert block.count() == 1
    assert "not supported, score 0.30" in block.inner_text()
    assert "the number 1971 is not in the passage" in block.inner_text()
    assert block.locator(".passage b").all_inner_texts() == ["opened", "engineer", "Ida", "Brandt"]
    page.locator("#a1 .prose a.mark").first.hover()
    assert block.locator(".passage mark").inner_text().startswith("The Marlow viaduct was opened in 1871")
    assert page.locator("#a1 [aria-current]").count() == 1


def test_sentences_are_coloured_by_how_they_stand_and_say_it_in_words(tab: Tab, address: str) -> None:
    page = _open(tab, address)
    page.locator("#a1 > summary").click()
    spans = page.locator("#a1 .prose p span[class^=k-]")
    kinds = [span.get_attribute("class") for span in spans.all()]
    assert kinds == [
        f"k-{kind}" for kind in "supported not_supported joint elsewhere uncited unresolved uncited".split()
    ]
    colours = {span.evaluate("e => getComputedStyle(e).backgroundColor") for span in spans.all()[:4]}
    assert len(colours) == 3  # joint support is supported too, told apart by its dashed line
    page.locator("#a1 .sign").nth(3).click()
    shown = page.locator("#a1 .block:visible")
    assert "Supported by [1], which it does not cite" in " ".join(shown.inner_text().split())
    shown.locator("a.mark").click()
    assert "eleven arches" in page.locator("#a1 .block:visible .passage").inner_text()


def test_the_keyboard_reaches_everything(tab: Tab, address: str) -> None:
    page = _open(tab, address)
    page.locator("#a1 > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#a1 .block:visible .passage").is_visible()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_queries_are_sorted_filtered_and_lead_to_their_articles(tab: Tab, address: str) -> None:
    page = _open(tab, address)
    names = page.locator(".sortable tbody tr:visible th")
    page.get_by_role("button", name="citation recall").click()
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("citation recall")
    values = [row.locator("td").all_inner_texts() for row in page.locator(".sortable tbody tr").all()]
    at = page.locator(".sortable thead button").all_inner_texts().index("citation recall") - 1
    column = [row[at] for row in values]
    numbers = [float(text) for text in column if text != "–"]
    assert numbers == sorted(numbers, reverse=True)
    assert column[-1] == "–"
    page.fill("#filter", "garden 3")
    assert names.all_inner_texts() == ["Garden 3"]
    assert page.locator(".article:visible").count() == 1
    page.fill("#filter", "")
    page.get_by_role("link", name="Marlow viaduct").click()
    assert page.locator("#a1[open]").count() == 1


def test_without_script_marks_still_lead_to_their_passages(tab: Tab, address: str) -> None:
    page = _open(tab, address, java_script_enabled=False)
    page.locator("#a1 > summary").click()
    page.locator("#a1 .prose a.mark").nth(1).click()
    assert page.locator("#a1 .block:visible .passage").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_are_legible(scheme: str, tab: Tab, address: str) -> None:
    page = _open(tab, address, color_scheme=scheme)
    page.locator("#a1 > summary").click()
    for selector in (".lead", ".note", "td", "#a1 .prose .k-not_supported", "#a1 .prose .k-elsewhere", "#a1 .sign"):
        assert _contrast(page, selector) >= 4.5, selector


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme: str, tab: Tab, address: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    ).Axe()
    page = _open(tab, address, color_scheme=scheme, bypass_csp=True)  # axe is a script from outside
    for number in (1, 2, 3):
        page.locator(f"#a{number} > summary").click()
    page.locator("#a1 .prose a.mark").nth(1).click()
    found = axe.run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []


def test_a_phone_needs_no_sideways_scrolling(tab: Tab, address: str) -> None:
    page = _open(tab, address, **PHONE)
    page.locator("#a2 > summary").tap()
    page.locator("#a2 .prose a.mark").first.tap()
    assert page.locator("#a2 .block:visible").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_stays_quick_with_many_articles(tab: Tab, tmp_path: Path) -> None:
    run = tmp_path / "many.jsonl"
    viaduct = rows()[0]
    run.write_text("".join(json.dumps({**viaduct, "query_id": f"q{n}"}) + "\n" for n in range(150)), encoding="utf-8")
    write_report(gather(run, scorer="exact"), tmp_path / "many.html")
    page = _open(tab, (tmp_path / "many.html").as_uri())
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].domComplete")
    opened = page.evaluate(
        """() => {
          const began = performance.now();
          const article = document.getElementById("a150");
          article.open = true;
          article.querySelector(".prose a.mark").click();
          document.body.getBoundingClientRect();
          return performance.now() - began;
        }"""
    )
    assert page.locator("#a150 .block:visible").is_visible()
    assert loaded < 10_000
    assert opened < 1_000


def _contrast(page: Any, selector: str) -> float:
    """WCAG contrast of an element's text against the first opaque background behind it."""
    script = """element => {
      const rgb = text => text.match(/[\\d.]+/g).map(Number);
      const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
      const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
      let behind = element, back = [0, 0, 0, 0];
      while (behind && (back[3] ?? 1) === 0) {
        back = rgb(getComputedStyle(behind).backgroundColor);
        behind = behind.parentElement;
      }
      const [a, b] = [light(rgb(getComputedStyle(element).color)), light(back)].sort((x, y) => y - x);
      return (a + .05) / (b + .05);
    }"""
    return float(page.locator(selector).first.evaluate(script))
