"""Drawing progress is the caller's: a bar passes items on and counts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Bar(Protocol):
    """`total` is None where it is not known; `label` says what is counted."""

    def __call__(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]: ...


def no_bar(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    """Draws nothing."""
    yield from items
