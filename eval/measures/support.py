"""Support and citation measures by name, with the support scorer as an option: "citations:scorer=exact"."""

from __future__ import annotations

from collections.abc import Sequence

from webbrain.protocols import SupportScorer

from ..core import Item, Measure, Scores


class Grounding:
    """Implements `Measure`: citations and support from one check of the sentences."""

    def __init__(self, scorer: SupportScorer) -> None:
        self.scorer = scorer

    def score(self, items: Sequence[Item]) -> list[Scores]:
        from ..citations import citation_scores
        from ..facts import support_scores
        from ..runs import check_items

        ids, checked = [item.query_id for item in items], check_items(items, self.scorer)
        return [*citation_scores(ids, checked), *support_scores(ids, checked)]


def grounding(scorer: str | None = None) -> Measure:
    """Citation recall and precision, support rate and mean support."""
    from ..runs import load_scorer

    return Grounding(load_scorer(scorer))


def citations(scorer: str | None = None) -> Measure:
    """Citation recall and precision (see `eval.citations`)."""
    from ..citations import CitationMeasures
    from ..runs import load_scorer

    return CitationMeasures(load_scorer(scorer))


def support(scorer: str | None = None) -> Measure:
    """Support rate and mean support (see `eval.facts`)."""
    from ..facts import SupportMeasures
    from ..runs import load_scorer

    return SupportMeasures(load_scorer(scorer))
