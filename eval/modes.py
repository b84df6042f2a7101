"""Runs of different evidence side by side: gold against retrieved, and how many references a writer got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webbrain.types import Article

from .core import Item


@dataclass(frozen=True, slots=True)
class Mode:
    """What a run's provenance says of its evidence; None where it does not say."""

    source: str | None = None
    references_used: int | None = None
    writer: str | None = None

    def __str__(self) -> str:
        """Such as "gold evidence, at most 3 references"; "" where nothing is known."""
        if self.source is None:
            return ""
        few = "" if self.references_used is None else f", at most {self.references_used} references"
        return f"{self.source} evidence{few}"


def mode_of(items: Sequence[Item]) -> Mode:
    """The mode of the first article: a run has one (`webbrain run` refuses to go on with another)."""
    article = next((item.article for item in items if item.article is not None), None)
    return Mode() if article is None else _of_article(article)


def partners(modes: Sequence[Mode]) -> list[tuple[int, int]]:
    """(retrieved, gold) places of runs that differ in where their evidence comes from, and in nothing else known."""
    return [
        (there, here)
        for here, gold in enumerate(modes)
        for there, found in enumerate(modes)
        if gold.source == "gold"
        and found.source == "retrieved"
        and (gold.writer, gold.references_used) == (found.writer, found.references_used)
    ]


def _of_article(article: Article) -> Mode:
    evidence = article.provenance.get("evidence")
    if not isinstance(evidence, dict) or not isinstance(evidence.get("source"), str):
        return Mode()
    used, writer = evidence.get("references_used"), article.provenance.get("writer")
    return Mode(
        evidence["source"], used if isinstance(used, int) else None, writer if isinstance(writer, str) else None
    )
