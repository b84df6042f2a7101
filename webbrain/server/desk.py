"""Where readers are served: a few threads that write, a bounded queue before them, a time limit on every article."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from webbrain.errors import WebBrainError
from webbrain.server.metrics import Metrics
from webbrain.server.schema import ArticleEvent, ErrorEvent, EventMaker, SearchResult, WaitEvent
from webbrain.server.settings import ServerSettings
from webbrain.writing.pipeline import ArticleWriter

log = logging.getLogger("webbrain.server")
STOPPING = ErrorEvent(code="stopping", message="The server is shutting down; ask again in a moment.")
BUSY = ErrorEvent(code="busy", message="Too many readers are being served; ask again in a moment.")
TIMEOUT = ErrorEvent(code="timeout", message="The article took too long and was given up.")
FAILED = ErrorEvent(code="failed", message="Writing failed; the server's log says why.")


class Refused(Exception):
    """A reader is not let in now; `problem` says why."""

    def __init__(self, problem: ErrorEvent) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True, eq=False)
class Job:
    """One reader's work: events reach the reader through `queue`; None is the end."""

    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[ArticleEvent | None] = field(default_factory=asyncio.Queue)
    left: threading.Event = field(default_factory=threading.Event)
    future: Future[None] | None = None

    def put(self, *events: ArticleEvent | None) -> None:
        """From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            for event in events:
                self.loop.call_soon_threadsafe(self.queue.put_nowait, event)

    def leave(self) -> None:
        """No more work for this reader than up to the next event."""
        self.left.set()
        if self.future is not None:
            self.future.cancel()


class Desk:
    """Serves searches and articles from one ArticleWriter; its methods belong to the thread of the event loop."""

    def __init__(self, writer: ArticleWriter, settings: ServerSettings, metrics: Metrics) -> None:
        self.writer = writer
        self.settings = settings
        self.metrics = metrics
        self.closing = False
        self.pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="webbrain")
        self.jobs: dict[Job, None] = {}  # in order of arrival
        self.analyzer = writer.selector.bm25.analyzer

    def warm(self) -> None:
        """Load models and touch the index, so that the first reader does not wait for it."""
        for _ in self.writer.stream("warm up"):
            pass

    @contextlib.contextmanager
    def seat(self) -> Iterator[Job]:
        """A place for one reader, given back at the end; raises Refused when there is none."""
        if self.closing:
            raise Refused(STOPPING)
        if len(self.jobs) >= self.settings.readers:
            raise Refused(BUSY)
        job = Job(asyncio.get_running_loop())
        self.jobs[job] = None
        self.metrics.readers.inc()
        try:
            yield job
        finally:
            job.leave()
            del self.jobs[job]
            self.metrics.readers.dec()

    async def search(self, query: str, k: int) -> SearchResult:
        """Raises Refused when there is no seat."""
        with self.seat() as job:
            ranking = await job.loop.run_in_executor(self.pool, self.writer.retriever.search, query, k)
            return SearchResult.of(query, ranking)

    async def article(self, job: Job, query: str) -> AsyncGenerator[ArticleEvent, None]:
        """Events as they happen; the last is `done` or `error`."""
        start, outcome, sentences = time.monotonic(), "left", 0
        job.future = self.pool.submit(self._write, job, query)
        try:
            async for event in self._events(job):
                match event.event:
                    case "sentence":
                        sentences += 1
                        if sentences == 1:
                            self.metrics.first.observe(time.monotonic() - start)
                    case "done":
                        outcome = event.article.status
                    case "error":
                        outcome = event.code
                yield event
        finally:
            self.metrics.articles.labels(outcome).inc()
            self.metrics.whole.observe(time.monotonic() - start)

    def close(self) -> None:
        """Turn new readers away and send home those who wait; articles being written are finished."""
        self.closing = True
        for job in self.jobs:
            if job.future is not None and job.future.cancel():
                job.put(STOPPING, None)

    def shut(self) -> None:
        """Stop everything at its next event."""
        self.close()
        for job in self.jobs:
            job.leave()
        self.pool.shutdown(wait=False)

    async def _events(self, job: Job) -> AsyncIterator[ArticleEvent]:
        """How many wait before this reader, then what its queue brings; an error event when that takes too long."""
        ahead = list(self.jobs).index(job) - self.settings.threads + 1
        if ahead > 0:
            yield WaitEvent(ahead=ahead)
        deadline, late = time.monotonic() + self.settings.wait_seconds, BUSY
        try:
            while True:
                async with asyncio.timeout(deadline - time.monotonic()):
                    event = await job.queue.get()
                if event is None:
                    return
                if late is BUSY:  # a thread has begun
                    deadline, late = time.monotonic() + self.settings.article_seconds, TIMEOUT
                yield event
        except TimeoutError:
            yield late

    def _write(self, job: Job, query: str) -> None:
        """In a thread of the pool: all events of one article, until its reader leaves."""
        maker = EventMaker(self.analyzer)
        try:
            with contextlib.closing(self.writer.stream(query)) as events:
                for event in events:
                    if job.left.is_set():
                        return
                    job.put(maker.make(event))
        except WebBrainError as error:
            log.error("an article failed: %s", error)
            job.put(FAILED)
        except Exception:  # the reader is told, the log has the trace
            log.exception("an article failed")
            job.put(FAILED)
        finally:
            job.put(None)
