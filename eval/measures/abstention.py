"""How often nothing was written: the share of queries answered by "no evidence", and of those without any article."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import NO_ARTICLE, Item, Scores
from .against import of_article


class Abstention:
    """`abstained` is 1 for an article of status `no_evidence`; `missing` is 1 for a query that the run lacks."""

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [
            of_article("abstained", items, _abstained, NO_ARTICLE),
            Scores("missing", {item.query_id: float(item.article is None) for item in items}),
        ]


def _abstained(item: Item) -> float:
    return float(item.article is not None and item.article.status == "no_evidence")
