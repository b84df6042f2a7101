"""What a support scorer has to beat: the rows of anchors.md, rebuilt from their description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import is_stop
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.grounding.focus import Source, focus
from webbrain.grounding.words import NAME, NEGATION, NUMBER, read_words
from webbrain.models import DEFAULT_ENCODER, resolve

Floats = NDArray[np.float64]
ANCHOR_FEATURES = (
    "bigrams", "window_idf", "token_precision", "ordered", "missing_numbers", "missing_names", "one_sided_negation",
    "embedding",
)  # fmt: skip
ANCHOR_SIGNS = (1, 1, 1, 1, -1, -1, -1)  # the embedding is a row of its own
WINDOW = 3
FOCUS = 100  # words of the source that the encoder sees: the part that shares most with the claim


@dataclass(frozen=True, slots=True)
class Example:
    claim: str
    source: str


@lru_cache(maxsize=1)
def _encoder() -> OnnxEncoder:
    folder = Path(mkdtemp())
    package_encoder(resolve(DEFAULT_ENCODER), folder)
    return OnnxEncoder(folder)


def anchor_features(example: Example) -> Floats:
    """ANCHOR_FEATURES of one pair; token vectors are those of all six layers of MiniLM."""
    claim, source = read_words(example.claim), Source.read(example.source)
    near = focus(claim, source, FOCUS).text
    vectors = [_encoder().encode_tokens([text])[0] for text in (example.claim, near)]
    tokens = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9) for rows in vectors]
    sentences = [rows.mean(axis=0) / max(float(np.linalg.norm(rows.mean(axis=0))), 1e-9) for rows in vectors]
    held = set(source.words.keys)
    negated = [any(kind == NEGATION for kind in kinds) for kinds in (claim.kinds, read_words(near).kinds)]
    return np.array(
        [
            _share(_pairs(claim.keys), set(_pairs(source.words.keys))),
            _window_idf(dict(zip(claim.keys, claim.weights, strict=True)), source),
            float((tokens[0] @ tokens[1].T).max(axis=1).mean()) if len(tokens[0]) and len(tokens[1]) else 0.0,
            _ordered([key for key in claim.keys if not is_stop(key)], source.words.keys),
            _missing(claim.keys, claim.kinds, NUMBER, held),
            _missing(claim.keys, claim.kinds, NAME, held),
            float(negated[0] != negated[1]),
            float(sentences[0] @ sentences[1]),
        ]
    )


def _pairs(keys: Sequence[str]) -> list[tuple[str, str]]:
    return list(pairwise(keys))


def _share(wanted: list[tuple[str, str]], held: set[tuple[str, str]]) -> float:
    return sum(gram in held for gram in wanted) / max(1, len(wanted))


def _window_idf(weights: dict[str, float], source: Source) -> float:
    keys = [weights.keys() & set(source.keys(at)) for at in range(len(source.spans))]
    windows = [set().union(*keys[at : at + WINDOW]) for at in range(len(keys))]
    return max((sum(weights[key] for key in window) for window in windows), default=0.0) / max(sum(weights.values()), 1)


def _ordered(claim: list[str], source: Sequence[str]) -> float:
    """Share of neighbouring claim words that the source has in this order within 15 words."""
    places: dict[str, list[int]] = {}
    for at, key in enumerate(source):
        places.setdefault(key, []).append(at)
    pairs = _pairs(claim)
    fine = sum(any(0 < b - a <= 15 for a in places.get(x, ()) for b in places.get(y, ())) for x, y in pairs)
    return fine / max(1, len(pairs))


def _missing(keys: Sequence[str], kinds: Sequence[int], kind: int, held: set[str]) -> float:
    return float(sum(found == kind and key not in held for key, found in zip(keys, kinds, strict=True)))


def _standard(x: Floats) -> Floats:
    return np.asarray((x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9))


def z_scores(features: Floats) -> Floats:
    """The unsupervised sum: every feature standardised over the set, with its sign."""
    return np.asarray(_standard(features[:, : len(ANCHOR_SIGNS)]) @ np.array(ANCHOR_SIGNS, float))


BASELINES: dict[str, Callable[[Floats], Floats]] = {
    "always supported": lambda features: np.ones(len(features)),
    "bigram coverage": lambda features: features[:, 0],
    "embedding similarity": lambda features: features[:, ANCHOR_FEATURES.index("embedding")],
    "anchors' z-score sum": z_scores,
}


def fit_boosting(sets: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> Callable[[Floats], Floats]:
    """Monotone-constrained gradient boosting over the anchors' features, every set and class weighing alike."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=150, max_leaf_nodes=12, learning_rate=0.06, min_samples_leaf=60, l2_regularization=2.0,
        monotonic_cst=list(ANCHOR_SIGNS), random_state=0,
    )  # fmt: skip
    width = len(ANCHOR_SIGNS)
    weights = [1000 / np.where(labels, labels.sum(), (~labels).sum()) for _, labels in sets]
    rows, labels = np.concatenate([x[:, :width] for x, _ in sets]), np.concatenate([y for _, y in sets])
    model.fit(rows, labels, np.concatenate(weights))
    return lambda features: np.asarray(model.decision_function(features[:, :width]))
