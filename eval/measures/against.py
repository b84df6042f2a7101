"""A score per query from its text and its references: who is left out, and why, is the same for every such measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from webbrain.terminal import count_bar

from ..core import NO_ARTICLE, Item, Scores

NO_REFERENCE = "the query has no reference text"


def against_references(
    name: str, items: Sequence[Item], score: Callable[[Item], float | None], why: str = ""
) -> Scores:
    """`score` of each item with a reference; a missing article is an empty text. `why`: said where `score` is None."""
    values = {item.query_id: score(item) if item.references else None for item in items}
    reasons = {
        item.query_id: why if item.references else NO_REFERENCE for item in items if values[item.query_id] is None
    }
    return Scores(name, values, reasons)


def of_article(name: str, items: Sequence[Item], score: Callable[[Item], float | None], why: str) -> Scores:
    """`score` of each item that has an article, None for the others; `why` is said where `score` is None."""
    values = {item.query_id: None if item.article is None else score(item) for item in items}
    reasons = {
        item.query_id: NO_ARTICLE if item.article is None else why for item in items if values[item.query_id] is None
    }
    return Scores(name, values, reasons)


def under_a_bar(
    name: str, items: Sequence[Item], score: Callable[[Item], float | None]
) -> Callable[[Item], float | None]:
    """`score` with all its values computed here, while a bar is drawn: for measures that take long."""
    found = {item.query_id: score(item) for item in count_bar(items, len(items), name)}
    return lambda item: found[item.query_id]
