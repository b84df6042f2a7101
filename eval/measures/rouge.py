"""ROUGE-1, ROUGE-2 and ROUGE-L (Lin, 2004) by the rouge-score package: F1 with Porter stems, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from webbrain.extras import needs

from ..core import Item, Scores
from .against import against_references

KINDS = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
NO_WORDS = "no reference has a word that rouge-score reads (Latin letters and digits)"


class Rouge:
    """Of several references the one with the best F1 counts, for each kind by itself (as `score_multi` does)."""

    def score(self, items: Sequence[Item]) -> list[Scores]:
        found = {item.query_id: rouge(item.text, item.references) for item in items}

        def kind_of(kind: str, item: Item) -> float | None:
            scores = found[item.query_id]
            return None if scores is None else scores[kind]

        return [
            against_references(name, items, lambda item, kind=kind: kind_of(kind, item), NO_WORDS)  # type: ignore[misc]
            for kind, name in KINDS.items()
        ]


def rouge(text: str, references: Sequence[str]) -> dict[str, float] | None:
    """F1 by kind ("rouge1", "rouge2", "rougeL"); None when no reference has a word for rouge-score."""
    scorer, tokenizer = _scorer()
    readable = [reference for reference in references if tokenizer.tokenize(reference)]
    if not readable:
        return None
    return {kind: float(score.fmeasure) for kind, score in scorer.score_multi(readable, text).items()}


@cache
def _scorer() -> tuple[Any, Any]:
    with needs("eval"):
        from rouge_score.rouge_scorer import RougeScorer
        from rouge_score.tokenizers import DefaultTokenizer
    tokenizer = DefaultTokenizer(use_stemmer=True)
    return RougeScorer(list(KINDS), tokenizer=tokenizer), tokenizer
