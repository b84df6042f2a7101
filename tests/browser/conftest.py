"""A real Chromium on a real server. What a page logs as an error, or asks of another host, fails its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.serving import LiveServer, build_library, build_samples, live_server, run_folder

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(run_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_samples(run_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def server(library: Path) -> Iterator[LiveServer]:
    with live_server(library) as server:
        yield server


@pytest.fixture(scope="session")
def samples_server(samples: Path) -> Iterator[LiveServer]:
    with live_server(samples) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing; run `apt-get install chromium`")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


class Tab:
    """Opens pages whose errors and outside requests are collected; `expected` errors are told beforehand."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.contexts: list[Any] = []
        self.faults: list[str] = []
        self.expected: tuple[str, ...] = ()

    def open(self, address: str, **context: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 860}, "reduced_motion": "reduce", "locale": "en-GB", **context}
        self.contexts.append(self.browser.new_context(**options))
        page = self.contexts[-1].new_page()
        page.set_default_timeout(45_000)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda line: line.type == "error" and self.faults.append(f"console: {line.text}"))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}") or dialog.dismiss())
        home = urlsplit(address).netloc
        page.on("request", lambda sent: self._outside(sent.url, home))
        page.goto(address)
        return page

    def _outside(self, url: str, home: str) -> None:
        if not url.startswith("blob:") and urlsplit(url).netloc != home:
            self.faults.append(f"outside request: {url}")

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        assert not [fault for fault in self.faults if not any(known in fault for known in self.expected)]


@pytest.fixture
def tab(chromium: Any) -> Iterator[Tab]:
    tab = Tab(chromium)
    yield tab
    tab.close()


def finished(page: Any) -> Any:
    """The page, once its article is whole."""
    page.locator("#made").wait_for()
    return page
