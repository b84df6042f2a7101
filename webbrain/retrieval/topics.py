"""Which of the ranked passages are about one thing: the paper's topic filter, and the senses of an ambiguous query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webbrain.protocols import Vectors


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """`consistency` and `diversity` are the paper's thresholds on its topic distance (ReGen, section on retrieval)."""

    consistency: float = 0.9
    diversity: float = 0.1


def topic_distance(first: frozenset[str], second: frozenset[str]) -> float:
    """1 - Jaccard similarity of two sets of important terms, in [0, 1]; two empty sets are the same topic."""
    union = len(first | second)
    return 1 - len(first & second) / union if union else 0.0


def topic_filter(important: Sequence[frozenset[str]], settings: TopicSettings | None = None) -> list[int]:
    """Places of the passages to keep, in order: off-topic ones (against the first) and redundant ones are dropped.

    `important[i]` holds the important terms of the i-th ranked passage.
    """
    settings = settings or TopicSettings()
    kept: list[int] = []
    for place, terms in enumerate(important):
        if place and topic_distance(important[0], terms) > settings.consistency:
            continue
        if any(topic_distance(important[earlier], terms) < settings.diversity for earlier in kept):
            continue
        kept.append(place)
    return kept


def cluster(vectors: Vectors, threshold: float) -> list[list[int]]:
    """Average-linkage clusters of unit vectors, shape (n, dim): merging stops below a mean cosine of `threshold`.

    Clusters come in order of their first member, members ascending. Meant for the few dozen passages of one query.
    """
    groups = [[place] for place in range(len(vectors))]
    similar: NDArray[np.float64] = (vectors @ vectors.T).astype(np.float64)
    while len(groups) > 1:
        means = np.array([[similar[np.ix_(a, b)].mean() for b in groups] for a in groups])
        np.fill_diagonal(means, -np.inf)
        first, second = np.unravel_index(int(means.argmax()), means.shape)
        if means[first, second] < threshold:
            break
        low, high = sorted((int(first), int(second)))
        groups[low] = sorted(groups[low] + groups.pop(high))
    return sorted(groups)
