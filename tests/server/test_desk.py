"""Limits, waiting, leaving and closing, on the real pipeline with a checker that takes its time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.serving import article_writer
from webbrain.errors import IndexDamaged
from webbrain.server.desk import BUSY, STOPPING, Desk, Refused
from webbrain.server.metrics import Metrics
from webbrain.server.schema import ArticleEvent
from webbrain.server.settings import ServerSettings
from webbrain.types import Claim, Passage, Verdict

QUERY = "Gull Point Lighthouse"


@dataclass(slots=True)
class Gate:
    """A checker that lets a sentence pass when told to, and counts those that came."""

    name = "gate"
    opened: threading.Semaphore
    came: int = 0
    error: Exception | None = None

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        self.came += 1
        if self.error is not None:
            raise self.error
        assert self.opened.acquire(timeout=60)
        return Verdict("supported", 1.0)


def desk_over(library: Path, gate: Gate, **limits: float) -> Desk:
    settings = replace(ServerSettings(threads=1), **limits)
    return Desk(replace(article_writer(library), scorer=gate), settings, Metrics())


async def read(desk: Desk, seen: list[ArticleEvent] | None = None) -> list[str]:
    seen = [] if seen is None else seen
    with desk.seat() as job:
        async for event in desk.article(job, QUERY):
            seen.append(event)
    return [event.event for event in seen]


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await asyncio.sleep(0.01)


def played(desk: Desk, play: Callable[[], Awaitable[None]]) -> None:
    """Run in a thread of its own: a browser's tests may have left a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(lambda: asyncio.run(asyncio.wait_for(play(), 120))).result()
        finally:
            desk.shut()


def metric(desk: Desk, name: str, **labels: str) -> float | None:
    return desk.metrics.registry.get_sample_value(name, labels)


def test_a_sentence_is_sent_before_the_next_one_is_checked(library: Path) -> None:
    gate = Gate(threading.Semaphore(0))
    desk = desk_over(library, gate)

    async def play() -> None:
        seen: list[ArticleEvent] = []
        reading = asyncio.create_task(read(desk, seen))
        await until(lambda: gate.came == 1)
        assert [event.event for event in seen] == ["stage"] * 4
        gate.opened.release()
        await until(lambda: gate.came == 2)
        await until(lambda: len(seen) == 5)
        assert seen[-1].event == "sentence"
        gate.opened.release(100)
        assert (await reading)[-1] == "done"

    played(desk, play)
    assert metric(desk, "webbrain_articles_total", outcome="ok") == 1


def test_one_reader_too_many_is_sent_away_and_the_others_are_served(library: Path) -> None:
    gate = Gate(threading.Semaphore(0))
    desk = desk_over(library, gate, readers=2)

    async def play() -> None:
        first, second = asyncio.create_task(read(desk)), asyncio.create_task(read(desk))
        await until(lambda: len(desk.jobs) == 2)
        assert metric(desk, "webbrain_readers") == 2
        for refused in (read(desk), desk.search(QUERY, 3)):
            with pytest.raises(Refused) as caught:
                await refused
            assert caught.value.problem == BUSY
        gate.opened.release(100)
        assert (await first)[-1] == "done"
        assert (await second)[0] == "wait"
        assert (await second)[-1] == "done"
        assert (await read(desk))[-1] == "done"

    played(desk, play)
    assert metric(desk, "webbrain_readers") == 0


def test_a_waiting_reader_is_told_how_many_are_before_it(library: Path) -> None:
    gate = Gate(threading.Semaphore(0))
    desk = desk_over(library, gate)

    async def play() -> None:
        seen: list[list[ArticleEvent]] = [[], [], []]
        reading = []
        for events in seen:
            reading.append(asyncio.create_task(read(desk, events)))
            await until(lambda: len(desk.jobs) == len(reading))
            await asyncio.sleep(0.01)
        await until(lambda: gate.came == 1)
        assert [event.ahead for events in seen[1:] for event in events if event.event == "wait"] == [1, 2]
        gate.opened.release(100)
        await asyncio.gather(*reading)

    played(desk, play)


def test_work_stops_when_the_reader_leaves(library: Path) -> None:
    gate = Gate(threading.Semaphore(0))
    desk = desk_over(library, gate)

    async def play() -> None:
        first, second = asyncio.create_task(read(desk)), asyncio.create_task(read(desk))
        await until(lambda: gate.came == 1)
        for reading in (second, first):
            reading.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert not desk.jobs
        gate.opened.release()
        await until(lambda: desk.pool._work_queue.empty())
        gate.opened.release(100)
        assert (await read(desk))[-1] == "done"

    played(desk, play)
    articles = metric(desk, "webbrain_articles_total", outcome="ok")
    assert articles == 1
    assert metric(desk, "webbrain_articles_total", outcome="left") == 2
    sentences = len(article_writer(library).write(QUERY).sentences)
    assert gate.came == 1 + sentences  # one sentence for the first, none for the second, all for the third


def test_an_article_that_takes_too_long_ends_with_an_error(library: Path) -> None:
    gate = Gate(threading.Semaphore(1))
    desk = desk_over(library, gate, article_seconds=2)

    async def play() -> None:
        seen: list[ArticleEvent] = []
        assert (await read(desk, seen))[-2:] == ["sentence", "error"]
        assert seen[-1].model_dump()["code"] == "timeout"
        gate.opened.release(100)

    played(desk, play)
    assert metric(desk, "webbrain_articles_total", outcome="timeout") == 1


def test_a_reader_does_not_wait_for_ever(library: Path) -> None:
    gate = Gate(threading.Semaphore(0))
    desk = desk_over(library, gate, wait_seconds=1)

    async def play() -> None:
        first = asyncio.create_task(read(desk))
        await until(lambda: gate.came == 1)
        seen: list[ArticleEvent] = []
        assert await read(desk, seen) == ["wait", "error"]
        assert seen[-1] == BUSY
        gate.opened.release(100)
        assert (await first)[-1] == "done"

    played(desk, play)


@pytest.mark.parametrize("error", [IndexDamaged("/secret/place is damaged"), ZeroDivisionError("secret")])
def test_a_failure_is_told_without_its_cause(library: Path, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    desk = desk_over(library, Gate(threading.Semaphore(0), error=error))

    async def play() -> None:
        seen: list[ArticleEvent] = []
        assert (await read(desk, seen))[-1] == "error"
        assert seen[-1].model_dump()["code"] == "failed"
        assert "secret" not in seen[-1].model_dump_json()

    played(desk, play)
    assert "secret" in caplog.text


def test_closing_finishes_what_is_being_written_and_sends_the_others_home(library: Path) -> None:
    gate = Gate(threading.Semaphore(0))
    desk = desk_over(library, gate)

    async def play() -> None:
        waited: list[ArticleEvent] = []
        first = asyncio.create_task(read(desk))
        await until(lambda: gate.came == 1)
        second = asyncio.create_task(read(desk, waited))
        await until(lambda: waited)
        desk.close()
        assert await second == ["wait", "error"]
        assert waited[-1] == STOPPING
        with pytest.raises(Refused):
            await read(desk)
        gate.opened.release(100)
        assert (await first)[-1] == "done"

    played(desk, play)
