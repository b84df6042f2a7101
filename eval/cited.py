"""The documents that an article cites against those judged relevant: did its evidence come from the right places?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from webbrain.types import Qrel

from .core import Item, Scores

NOT_JUDGED = "no document is judged relevant to the query"
CITES_NOTHING = "the article cites nothing"
Ratio = Callable[[AbstractSet[str], AbstractSet[str]], float | None]


class CitedDocuments:
    """Implements `Measure`: how many cited documents are relevant, and how many of the relevant ones are cited."""

    def __init__(self, qrels: Sequence[Qrel]) -> None:
        self.relevant: dict[str, set[str]] = {}
        for qrel in qrels:
            if qrel.relevance > 0:
                self.relevant.setdefault(qrel.query_id, set()).add(qrel.doc_id)

    def score(self, items: Sequence[Item]) -> list[Scores]:
        """A missing article finds nothing: 0; a query without a relevant document is None."""
        return [
            self._scores("cited documents precision", items, _precision),
            self._scores("cited documents recall", items, _recall),
        ]

    def _scores(self, name: str, items: Sequence[Item], ratio: Ratio) -> Scores:
        values: dict[str, float | None] = {}
        for item in items:
            relevant = self.relevant.get(item.query_id)
            if relevant is None:
                values[item.query_id] = None
            else:
                values[item.query_id] = 0.0 if item.article is None else ratio(_cited(item), relevant)
        reasons = {
            query_id: CITES_NOTHING if query_id in self.relevant else NOT_JUDGED
            for query_id, value in values.items()
            if value is None
        }
        return Scores(name, values, reasons)


def _precision(cited: AbstractSet[str], relevant: AbstractSet[str]) -> float | None:
    return len(cited & relevant) / len(cited) if cited else None


def _recall(cited: AbstractSet[str], relevant: AbstractSet[str]) -> float | None:
    return len(cited & relevant) / len(relevant)


def _cited(item: Item) -> set[str]:
    return set() if item.article is None else {reference.passage.doc_id for reference in item.article.references}
