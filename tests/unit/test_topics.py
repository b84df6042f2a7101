from __future__ import annotations

import pytest

from webbrain.retrieval.topics import TopicSettings, topic_distance, topic_filter


def terms(text: str) -> frozenset[str]:
    return frozenset(text.split())


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("a b", "a b", 0), ("a b", "c d", 1), ("a b c", "a", 2 / 3), ("", "", 0), ("a", "", 1)],
)
def test_distance(first: str, second: str, distance: float) -> None:
    assert topic_distance(terms(first), terms(second)) == pytest.approx(distance)


def test_off_topic_and_repeated_passages_are_dropped() -> None:
    first = "a b c d e f g h i j"
    passages = [first, "x y z", first, "a b c q r", "a b c q r"]
    assert topic_filter([terms(text) for text in passages]) == [0, 3]


def test_the_thresholds_are_inclusive() -> None:
    pair = [terms("a b"), terms("a")]  # distance 1/2
    assert topic_filter(pair, TopicSettings(consistency=0.5, diversity=0.5)) == [0, 1]
    assert topic_filter(pair, TopicSettings(consistency=0.4)) == [0]
    assert topic_filter(pair, TopicSettings(diversity=0.6)) == [0]
    assert topic_filter([]) == []
