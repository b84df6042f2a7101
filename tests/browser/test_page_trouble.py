"""What a reader sees when the server is lost, gone, busy, shutting down, or asks for its token."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Tab, finished
from tests.serving import LiveServer, live_server

ASKED = "/?q=Gull+Point+Lighthouse"
LOST = "net::ERR_INCOMPLETE_CHUNKED_ENCODING"
PAUSE = 0.5


def notice(page: Any) -> str:
    page.locator("#notice").wait_for()
    return str(page.locator("#notice").inner_text())


def test_a_server_killed_in_mid_article_leaves_what_was_checked(tab: Tab, library: Path) -> None:
    tab.expected = (LOST, "net::ERR_CONNECTION_REFUSED")
    with live_server(library, pause=PAUSE) as slow:
        page = tab.open(slow.address + ASKED)
        page.locator(".sentence").nth(1).wait_for()
        slow.process.kill()
        slow.process.wait()
        assert "The connection was lost" in notice(page)
    assert "What stands above has been checked." in notice(page)
    assert page.locator(".sentence").count() >= 2
    assert page.locator("#stages").is_hidden()
    page.locator(".mark").first.click()
    assert page.locator("#card mark").count() == 1
    page.get_by_role("button", name="Try again").click()
    page.locator("#notice", has_text="cannot be reached").wait_for()
    assert page.locator(".sentence").count() == 0
    assert page.locator("#card").is_hidden()


def test_a_server_that_is_back_is_asked_again(tab: Tab, server: LiveServer) -> None:
    tab.expected = ("net::ERR_CONNECTION_REFUSED", "net::ERR_FAILED")
    page = tab.open(server.address)
    page.route("**/api/articles*", lambda route: route.abort("connectionrefused"))
    page.fill("#query", "Gull Point Lighthouse")
    page.press("#query", "Enter")
    assert "cannot be reached" in notice(page)
    page.unroute("**/api/articles*")
    page.get_by_role("button", name="Try again").click()
    assert finished(page).locator(".sentence").count() > 1
    assert page.locator("#notice").is_hidden()


def test_a_stopping_server_says_so(tab: Tab, library: Path) -> None:
    with live_server(library, "1", pause=2 * PAUSE) as slow:
        first, second = tab.open(slow.address), tab.open(slow.address)
        for page in (first, second):
            page.fill("#query", "Gull Point Lighthouse")
            page.press("#query", "Enter")
            page.locator("#stages, #summary:not(:empty)").and_(page.locator(":visible")).first.wait_for()
        second.locator("#summary", has_text="Waiting: 1 reader is before you.").wait_for()
        slow.process.send_signal(signal.SIGTERM)
        assert "shutting down" in notice(second)
        assert finished(first).locator("#notice").is_hidden()


def test_stop_stops_and_keeps_what_is_there(tab: Tab, library: Path) -> None:
    with live_server(library, pause=PAUSE) as slow:
        tab.expected = (LOST,)
        page = tab.open(slow.address + ASKED)
        page.locator(".sentence").first.wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator("#summary", has_text="Stopped.").wait_for()
        count = page.locator(".sentence").count()
        page.wait_for_timeout(1500 * PAUSE)
        assert page.locator(".sentence").count() == count >= 1
        page.get_by_role("button", name="Ask again").click()
        assert finished(page).locator(".sentence").count() > count


def test_a_new_question_in_mid_article_replaces_it(tab: Tab, library: Path) -> None:
    with live_server(library, pause=PAUSE) as slow:
        tab.expected = (LOST,)
        page = tab.open(slow.address + ASKED)
        page.locator(".sentence").first.wait_for()
        page.fill("#query", "Rye bread")
        page.press("#query", "Enter")
        assert "lighthouse" not in finished(page).locator("#text").inner_text().lower()
        assert "Stopped" not in page.locator("#summary").inner_text()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            503,
            '{"code": "busy", "message": "Too many readers are being served."}',
            "Too many readers are being served.",
        ),
        (502, "<html>bad gateway</html>", "The server answered 502."),
        (
            200,
            'event: error\ndata: {"event": "error", "code": "failed", "message": "Writing failed."}\n\n',
            "Writing failed.",
        ),
        (
            200,
            'event: stage\ndata: {"event": "stage", "stage": "retrieve", "counts": {}}\n\n',
            "The connection was lost",
        ),
        (200, "event: stage\ndata: {broken\n\n", "could not be read"),
    ],
    ids=["busy", "proxy", "failed", "cut", "garbled"],
)
def test_every_other_trouble_is_a_sentence(tab: Tab, server: LiveServer, status: int, body: str, said: str) -> None:
    tab.expected = ("Failed to load resource",)
    page = tab.open(server.address)
    page.route("**/api/articles*", lambda route: route.fulfill(status=status, body=body, content_type="text/plain"))
    page.fill("#query", "Gull Point Lighthouse")
    page.press("#query", "Enter")
    assert said in notice(page)
    assert page.get_by_role("button", name="Try again").is_visible()


def test_a_question_that_is_too_long_is_cut_by_the_field_and_refused_in_the_address(
    tab: Tab, server: LiveServer
) -> None:
    tab.expected = ("422",)
    page = tab.open(f"{server.address}/?q={'a' * 301}")
    assert "300 characters are the most" in notice(page)
    page.fill("#query", "")
    page.locator("#query").press_sequentially("b" * 301)
    assert len(page.input_value("#query")) == 300


def test_the_token_is_taken_from_the_address_or_asked_for(tab: Tab, library: Path) -> None:
    token = "0123456789abcdef0123"
    tab.expected = ("401",)
    with live_server(library, token=token) as guarded:
        page = tab.open(f"{guarded.address}{ASKED}#token={token}")
        finished(page)
        assert token not in page.url
        page.reload()
        finished(page)
        stranger = tab.open(guarded.address + ASKED)
        assert "asks for its token" in notice(stranger)
        stranger.fill("#token", "wrong")
        with stranger.expect_response("**/api/articles*"):
            stranger.press("#token", "Enter")
        stranger.wait_for_function("document.getElementById('token')?.value === ''")
        stranger.fill("#token", token)
        stranger.get_by_role("button", name="Open").click()
        assert finished(stranger).locator(".sentence").count() > 1
