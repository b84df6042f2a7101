"""Worker processes that answer in the order of the questions, whoever is done first, and never outlive their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Any, TypeVar

from webbrain.errors import WebBrainError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4  # items handed out per worker beyond the one awaited; bounds what waits in memory

_load: Callable[[], Callable[[Any], Any]] | None = None


def in_order(
    make_work: Callable[..., Callable[[Item], Result]],
    arguments: tuple[Any, ...],
    items: Iterable[Item],
    workers: int,
    *,
    advice: str = "run the command again with --resume and fewer --workers",
) -> Iterator[tuple[Item, Result]]:
    """(item, result) in the order of `items`, which are read as they are needed.

    Each of `workers` spawned processes calls `make_work(*arguments)` once and the function it gets for each item; one
    worker works in this process. What is sent must survive pickling between processes of one run. Raises WebBrainError
    with the `advice` when a worker dies.
    """
    if workers == 1:
        work = make_work(*arguments)
        yield from ((item, work(item)) for item in items)
        return
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start, initargs=(make_work, arguments)
    )
    try:
        yield from _collect(pool, items, workers * AHEAD)
    except BrokenProcessPool as error:
        raise WebBrainError(f"a worker process died, perhaps for want of memory; {advice}") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _collect(pool: ProcessPoolExecutor, items: Iterable[Item], window: int) -> Iterator[tuple[Item, Any]]:
    pending: deque[tuple[Item, Future[Any]]] = deque()
    for item in items:
        pending.append((item, pool.submit(_do, item)))
        if len(pending) >= window:
            first, future = pending.popleft()
            yield first, future.result()
    while pending:
        first, future = pending.popleft()
        yield first, future.result()


def _start(make_work: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    """Runs once in a worker: an interrupt is the parent's to handle, and a killed parent takes its workers along."""
    global _load
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _load = cache(lambda: make_work(*arguments))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(item: Any) -> Any:
    """Loads at the first item, not in `_start`, so that what goes wrong there reaches the parent as the error it is."""
    if _load is None:
        raise RuntimeError("this worker was not started by `in_order`")
    return _load()(item)
