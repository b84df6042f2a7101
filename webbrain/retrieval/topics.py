"""Which of the ranked passages are about one thing: the paper's topic filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
