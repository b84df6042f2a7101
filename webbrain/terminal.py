"""What people see at a terminal: bars on stderr, hits on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from webbrain.types import ScoredPassage

Item = TypeVar("Item")


def print_json(value: object) -> None:
    """A value as JSON on stdout."""
    import json

    print(json.dumps(value, ensure_ascii=False, indent=1))


def say(message: str) -> None:
    """Talk goes to stderr: stdout is data."""
    print(message, file=sys.stderr)


class BuildBars:
    """Draws a build's progress (rate and time left) on stderr; only its notes where stderr is no terminal."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> BuildBars:
        if sys.stderr.isatty():
            self._bars = _progress()
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def note(self, message: str) -> None:
        if self._bars is not None:
            self._bars.console.print(message, markup=False, highlight=False)
        else:
            print(message, file=sys.stderr)

    def reading(self, done_bytes: int, total_bytes: int, documents: int) -> None:
        self._update("read", "reading corpus (bytes)", done_bytes, total_bytes)

    def encoding(self, shard: int, done: int, total: int) -> None:
        self._update(f"encode {shard}", f"encoding shard {shard} (passages)", done, total)

    def count(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
        """Pass items on, counting them in a bar of their own; None where the total is not known."""
        self._update(label, label, 0, total)
        for done, item in enumerate(items, 1):
            self._update(label, label, done, total)
            yield item

    def _update(self, key: str, label: str, done: int, total: int | None) -> None:
        if self._bars is None:
            return
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(label, total=total)
        self._bars.update(self._tasks[key], completed=done, total=total)


def count_bar(items: Iterable[Item], total: int | None, label: str, *, begun: int = 0) -> Iterator[Item]:
    """Pass items on, drawing a bar on stderr if it is a terminal.

    `total` counts the `begun` ones, done before, too; None where it is not known.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    with _progress() as bars:
        task = bars.add_task(label, total=total, completed=begun)
        for item in items:
            bars.advance(task)
            yield item


def print_hits(hits: Iterable[ScoredPassage]) -> None:
    """Rank, score, title and the beginning of each passage."""
    found = False
    for hit in hits:
        found = True
        text = " ".join(hit.passage.text.split())
        where = f"  <{hit.passage.url}>" if hit.passage.url else ""
        print(f"{hit.rank:3}  {hit.score:.4f}  {hit.passage.title or hit.passage.doc_id}{where}")
        print(f"     {hit.passage.passage_id}: {text[:200]}{'...' if len(text) > 200 else ''}")
    if not found:
        print("nothing found", file=sys.stderr)


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from webbrain.terminal_columns import RateColumn

    label, rate = TextColumn("{task.description}"), RateColumn()
    columns = (label, BarColumn(), MofNCompleteColumn(), rate, TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))
