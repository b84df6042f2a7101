"""BERTScore (Zhang et al., 2020): greedy matching of token vectors, by the encoder that WebBrain embeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.default import default_encoder, encoder_name
from webbrain.encoding.encoder import OnnxEncoder
from webbrain.store.index import Index

from ..core import Item, Scores
from .against import against_references, under_a_bar

Array = NDArray[np.float32]


class BertScore:
    """F1, without inverse document frequencies and without rescaling, of the best reference.

    The formula is the bert-score package's; values are those of this encoder's last layer (`bertscore:index=FOLDER`
    takes the one that an index carries), so they compare with no published ones, and the name says which it was. A text
    longer than the encoder reads at once is encoded in pieces, where bert-score would cut it off; [CLS] and [SEP] are
    left out, where bert-score lets them be matched.
    """

    def __init__(self, index: str | None = None) -> None:
        self.index = index

    def score(self, items: Sequence[Item]) -> list[Scores]:
        encoder = Index.open(Path(self.index)).encoder if self.index else default_encoder()

        def of_item(item: Item) -> float:
            text = token_vectors(encoder, item.text)
            scores = (bert_score(text, token_vectors(encoder, reference))[2] for reference in item.references)
            return max(scores, default=0.0)

        name = f"BERTScore({encoder_name(encoder)})"
        return [against_references(name, items, under_a_bar(name, items, of_item))]


def bert_score(text: Array, reference: Array) -> tuple[float, float, float]:
    """(precision, recall, F1) of unit token vectors of shapes (m, dim) and (n, dim); 0 when either has no token."""
    if not len(text) or not len(reference):
        return 0.0, 0.0, 0.0
    likeness = text.astype(np.float64) @ reference.astype(np.float64).T
    precision, recall = float(likeness.max(axis=1).mean()), float(likeness.max(axis=0).mean())
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


def token_vectors(encoder: OnnxEncoder, text: str) -> Array:
    """Unit vectors of all tokens of a text, shape (tokens, dim)."""
    rows = np.concatenate([np.zeros((0, encoder.dim), np.float32), *_pieces(encoder, text)])
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def _pieces(encoder: OnnxEncoder, text: str) -> list[Array]:
    """Token vectors of the text, halved until no piece is cut off by the encoder's limit."""
    if not text.strip():
        return []
    rows = encoder.encode_tokens([text])[0]
    if len(rows) < encoder.card.max_tokens - 2 or len(text) < 2:
        return [rows]
    middle = _space_near(text, len(text) // 2)
    return _pieces(encoder, text[:middle]) + _pieces(encoder, text[middle:])


def _space_near(text: str, middle: int) -> int:
    """The last white space of the first half, or else the middle itself."""
    at = max(text.rfind(space, 1, middle) for space in " \n\t")
    return at if at > 0 else middle
