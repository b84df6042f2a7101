from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webbrain.analysis import Analyzer
from webbrain.grounding.spans import supporting_spans

PASSAGE = (
    "The tower was built in 1889 by Eiffel & Co.[3] It is 330 metres tall, and it's the tallest thing in Paris. "
    "Cats sleep under it. 東京は日本の首都です。"
)


def shown(claim: str, passage: str = PASSAGE) -> list[str]:
    return [passage[span.start : span.end] for span in supporting_spans(Analyzer(), claim, passage)]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (
            "It is 330 metres tall, and it's the tallest thing in Paris.",
            ["330 metres tall, and it's the tallest thing in Paris"],
        ),
        ("The tower was built in 1889 by Eiffel & Co.", ["tower was built in 1889 by Eiffel & Co"]),
        ("Eiffel built the towers, 330 metres tall.", ["tower", "built", "Eiffel", "330 metres tall"]),
        ("Sleeping CATS", ["Cats sleep"]),
        ("東京は日本の首都です。", ["東京は日本の首都です"]),
        ("Nothing of that kind", []),
        ("of the and", []),
        ("", []),
    ],
)
def test_the_words_that_support_a_claim(claim: str, expected: list[str]) -> None:
    assert shown(claim) == expected


def test_words_outside_the_deciding_sentences_are_left_alone() -> None:
    passage = "Paris is old. Paris is far. Paris is big. Paris is wet. The Louvre in Paris is a museum."
    assert shown("The Louvre is a museum in Paris.", passage) == ["Louvre in Paris is a museum"]


def test_an_empty_passage_supports_nothing() -> None:
    assert shown("Paris", "") == []


@given(st.text(max_size=80), st.text(max_size=300))
def test_spans_are_in_order_apart_and_inside(claim: str, passage: str) -> None:
    spans = supporting_spans(Analyzer(), claim, passage)
    places = [0, *(place for span in spans for place in (span.start, span.end)), len(passage)]
    assert places == sorted(places)
    assert all(span.start < span.end for span in spans)


@given(st.lists(st.sampled_from("tower built 1889 Paris metres tall museum".split()), min_size=1, max_size=8))
def test_a_quotation_is_held_whole(words: list[str]) -> None:
    quotation = " ".join(words)
    assert shown(quotation, f"Before it. And {quotation} too. After it.") == [quotation]
