"""Worker processes that answer in the order of the questions, whoever is done first, and never outlive their parent.

Each worker has pipes of its own. In a pool with one pipe for all, as in `concurrent.futures`, a worker that is killed
in the middle of an answer leaves its half of a message and a lock behind, and everybody waits for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeVar

from webbrain.errors import WebBrainError

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

Item = TypeVar("Item")
Result = TypeVar("Result")
MakeWork = Callable[..., Callable[[Any], Any]]

AHEAD = 4  # items under way for each worker; bounds what waits in memory
PIPE_BYTES = 1 << 20  # the most that Linux lets everybody have
PATIENCE = 10.0  # seconds that a worker has to finish what it does when nobody wants it any more


def in_order(
    make_work: Callable[..., Callable[[Item], Result]],
    arguments: tuple[Any, ...],
    items: Iterable[Item],
    workers: int,
    *,
    ahead: int = AHEAD,
    weigh: Callable[[Item], float] = lambda _: 1,
    advice: str = "run the command again with --resume and fewer --workers",
) -> Iterator[tuple[Item, Result]]:
    """(item, result) in the order of `items`, which are read as they are needed.

    Each of `workers` spawned processes calls `make_work(*arguments)` once and the function it gets for each item; one
    worker works in this process. What is under way weighs no more than `ahead` times the workers, where that is more
    than one item a worker. What is sent must survive pickling between processes of one run. Raises WebBrainError with
    the `advice` when a worker dies.
    """
    if workers == 1:
        work = make_work(*arguments)
        yield from ((item, work(item)) for item in items)
        return
    team = _Team(make_work, arguments, workers)
    try:
        for item, (good, answer) in team.collect(items, workers * ahead, weigh):
            if not good:
                raise answer
            yield item, answer
    except _Died as error:
        raise WebBrainError(f"a worker process died, perhaps for want of memory; {advice}") from error
    finally:
        team.close()


def available_cores() -> int:
    """Cores that this process may use: in a container fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Died(Exception):
    """A worker is gone, and what it was asked with it."""


@dataclass(slots=True)
class _Worker:
    """`questions` leads to the process; `waiting` counts those it has not answered."""

    process: BaseProcess
    questions: Connection
    listener: threading.Thread
    waiting: int = 0


@dataclass(slots=True)
class _Team:
    make_work: MakeWork
    arguments: tuple[Any, ...]
    size: int
    workers: list[_Worker] = field(default_factory=list)
    # (worker, question, whether all went well, answer or error); without a question: nothing more will come from it.
    answers: SimpleQueue[tuple[int, int | None, bool, Any]] = field(default_factory=SimpleQueue)

    def collect(
        self, items: Iterable[Item], window: int, weigh: Callable[[Item], float]
    ) -> Iterator[tuple[Item, tuple[bool, Any]]]:
        """Each item with (True, result) or (False, error), no more than weighs `window` ahead."""
        asked: deque[tuple[int, Item]] = deque()
        answered: dict[int, tuple[bool, Any]] = {}
        under_way = 0.0
        for number, item in enumerate(items):
            self._ask(number, item)
            asked.append((number, item))
            under_way += weigh(item)
            while under_way >= window and len(asked) >= self.size:
                first, awaited = asked.popleft()
                yield awaited, self._await(first, answered)
                under_way -= weigh(awaited)
        while asked:
            first, awaited = asked.popleft()
            yield awaited, self._await(first, answered)

    def close(self) -> None:
        """No worker is left when this returns; what they do at the moment they may finish."""
        for worker in self.workers:
            worker.questions.close()
        for worker in self.workers:
            worker.process.join(PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
            worker.process.join()
            worker.listener.join()

    def _ask(self, number: int, item: Any) -> None:
        """Hand a question to the worker with the least to do; hire one where all have something."""
        idlest = min(self.workers, key=lambda worker: worker.waiting, default=None)
        if idlest is None or (idlest.waiting and len(self.workers) < self.size):
            idlest = self._hire()
        idlest.waiting += 1
        try:
            idlest.questions.send((number, item))
        except OSError as error:
            raise _Died from error

    def _await(self, number: int, answered: dict[int, tuple[bool, Any]]) -> tuple[bool, Any]:
        while number not in answered:
            place, question, good, answer = self.answers.get()
            if question is None:
                raise answer
            self.workers[place].waiting -= 1
            answered[question] = (good, answer)
        return answered.pop(number)

    def _hire(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        (questions_in, questions), (answers, answers_out) = (context.Pipe(duplex=False) for _ in range(2))
        process = context.Process(
            target=_serve, args=(self.make_work, self.arguments, questions_in, answers_out), daemon=True
        )
        process.start()
        for end in (questions, answers):
            _widen(end)
        for end in (questions_in, answers_out):  # the worker's alone, so that its death closes them
            end.close()
        listener = threading.Thread(target=self._listen, args=(len(self.workers), answers), daemon=True)
        self.workers.append(_Worker(process, questions, listener))
        listener.start()
        return self.workers[-1]

    def _listen(self, place: int, answers: Connection) -> None:
        """Take a worker's answers as they come, so that it need not wait for whoever wants them."""
        with answers:
            try:
                while True:
                    self.answers.put((place, *answers.recv()))
            except (EOFError, OSError):
                self.answers.put((place, None, False, _Died()))
            except Exception as error:  # noqa: BLE001 - an answer that cannot be read, raised again by `_await`
                self.answers.put((place, None, False, error))


def _widen(pipe: Connection) -> None:
    """Let a whole message wait in a pipe, where the system can: who sends it need not wait for who is busy."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # this user's pipes have all the memory that they may have
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _serve(make_work: MakeWork, arguments: tuple[Any, ...], questions: Connection, answers: Connection) -> None:
    """A worker's life: an interrupt is the parent's to handle, and a killed parent takes its workers along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    waiting: SimpleQueue[tuple[int, Any] | None] = SimpleQueue()
    unwanted = threading.Event()
    threading.Thread(target=_receive, args=(questions, waiting, unwanted), daemon=True).start()
    work: Callable[[Any], Any] | None = None
    while (question := waiting.get()) is not None and not unwanted.is_set():
        number, item = question
        try:
            work = work or make_work(*arguments)
            answer = (number, True, work(item))
        except Exception as error:  # noqa: BLE001 - raised again in the parent
            answer = (number, False, error)
        try:
            answers.send(answer)
        except OSError:  # nobody listens any more
            return
        except Exception as error:  # noqa: BLE001 - an answer that cannot be sent is told as what it failed with
            answers.send((number, False, error))


def _receive(questions: Connection, waiting: SimpleQueue[tuple[int, Any] | None], unwanted: threading.Event) -> None:
    """Take questions while the work goes on, so that whoever asks never waits; what waits at the end is unwanted."""
    try:
        while True:
            waiting.put(questions.recv())
    except (EOFError, OSError):
        unwanted.set()
        waiting.put(None)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
