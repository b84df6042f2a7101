"""The binding checker: for each word of a claim, how likely it is that the passage does not say *that* of *this*.

A small attention network over word vectors (decomposable attention, Parikh et al. 2016, with two convolutions for
context): it looks for the place in the passage that plays a claim word's role, compares what stands there, and reads
the alignment's features beside it. Trained on planted errors, whose wrong words are known
(`webbrain.training.support_net`); evaluated here with numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.alignment import WORD_FEATURES, Alignment
from webbrain.grounding.words import Words
from webbrain.protocols import Vectors

Floats = NDArray[np.float32]
KINDS = 6
REACH = 2  # words on either side that a convolution sees


@dataclass(frozen=True, slots=True)
class BindingNet:
    """Weights by name, as `support_net.BindingModel` exports them."""

    weights: dict[str, Floats]

    @classmethod
    def load(cls, path: Path) -> BindingNet:
        with np.load(path, allow_pickle=False) as held:
            return cls({name: held[name].astype(np.float32) for name in held.files})

    def __call__(self, claim: Words, passage: Words, c: Vectors, p: Vectors, alignment: Alignment) -> Floats:
        """Log-odds, shape (len(claim),), that each word of the claim is not borne out by the passage."""
        here, there = self._in_context(claim, c), self._in_context(passage, p)
        same, cosine = alignment.same.astype(np.float32), c @ p.T
        lexical, similar = self.weights["attend"]
        scores = (here @ self.weights["role"].T) @ there.T / 8 + lexical * same + similar * cosine
        share = np.exp(scores - scores.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        found = share @ there
        beside = [(share * same).sum(axis=1), (share * cosine).sum(axis=1), same.max(axis=1), cosine.max(axis=1)]
        inputs = [here * found, np.abs(here - found), np.stack(beside, axis=1), one_hot(claim), scaled(alignment)]
        compared = np.maximum(self._linear("compare", np.concatenate(inputs, axis=1)), 0)
        joined = np.concatenate([_shift(compared, 1), compared, _shift(compared, -1)], axis=1)
        return np.asarray(self._linear("out", np.maximum(self._linear("join", joined), 0))[:, 0], np.float32)

    def _in_context(self, words: Words, vectors: Vectors) -> Floats:
        weights = np.array(words.weights, np.float32)[:, None] / 10
        x = np.maximum(self._linear("word", np.concatenate([vectors, one_hot(words), weights], axis=1)), 0)
        for name in ("near", "far"):
            kernel = self.weights[f"{name}.weight"]  # (out, in, 2 * REACH + 1)
            near = sum(_shift(x, REACH - at) @ kernel[:, :, at].T for at in range(2 * REACH + 1))
            x = x + np.maximum(near + self.weights[f"{name}.bias"], 0)
        return np.asarray(x, np.float32)

    def _linear(self, name: str, x: Floats) -> Floats:
        return np.asarray(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"], np.float32)


def one_hot(words: Words) -> Floats:
    return np.eye(KINDS, dtype=np.float32)[words.kinds]


def scaled(alignment: Alignment) -> Floats:
    """The alignment's features, the weight brought to the size of the others."""
    features = alignment.features.copy()
    features[:, WORD_FEATURES.index("weight")] /= 10
    return features


def _shift(x: Floats, by: int) -> Floats:
    """Row i becomes row i - by; zeros come in."""
    moved = np.zeros_like(x)
    if by > 0:
        moved[by:] = x[:-by] if by < len(x) else 0
    elif by < 0:
        moved[:by] = x[-by:]
    else:
        moved = x
    return moved
