"""Late interaction without training: each word piece of the query meets its nearest in the passage.

The mean over the query's tokens of the largest cosine with a token of the passage: ColBERT's MaxSim (Khattab and
Zaharia 2020) on the token states of the index's own sentence encoder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from webbrain.retrieval.rerank import PassageScoring
from webbrain.store.index import Index
from webbrain.store.passages import indexed_text
from webbrain.types import ScoredPassage

MAX_QUERY_TOKENS = 64


class MaxSimScorer:
    """Implements `webbrain.retrieval.rerank.PassageScorer`; an index without vectors cannot be reranked so."""

    name = "maxsim"

    def __init__(self, index: Index) -> None:
        self.encoder = index.encoder

    def start(self, query: str) -> PassageScoring:
        asked = _unit(self.encoder.encode_tokens([query])[0])[:MAX_QUERY_TOKENS]

        def score(hit: ScoredPassage) -> float:
            tokens = self.encoder.encode_tokens([indexed_text(hit.passage.title, hit.passage.text)])[0]
            if not len(asked) or not len(tokens):
                return 0.0
            return float((asked @ _unit(tokens).T).max(axis=1).mean())

        return score


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return found
