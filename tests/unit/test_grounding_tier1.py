"""Tier 1: the conformance suite, what it must never depend on, and its parts."""

from __future__ import annotations

import numpy as np
import pytest

from webbrain.grounding.exact import altered_quotes
from webbrain.grounding.features import CLAIM_FEATURES, read
from webbrain.grounding.focus import Source, focus
from webbrain.grounding.tier1 import FEATURES, SIGNS, Tier1Scorer, inspect, load_parts
from webbrain.grounding.words import read_words
from webbrain.testing import SupportScorerConformance
from webbrain.types import Claim, Passage

TEXT = (
    "The Harlow Bridge was opened on 12 May 1893 by Mayor Edwin Castle. It is 340 metres long. "
    "Lucy Penhall designed it after an earlier bridge, built in 1841, burned down."
)


class TestTier1(SupportScorerConformance):
    @pytest.fixture
    def scorer(self) -> Tier1Scorer:
        return Tier1Scorer()


def score(claim: str, *texts: str) -> float:
    return Tier1Scorer().score(Claim(claim), [Passage("p", "d", "", text, 0, len(text)) for text in texts]).score


def test_every_weight_has_the_sign_of_its_feature() -> None:
    model = load_parts().model
    for weights in (model.coverage.weights, model.binding.weights):
        assert len(weights) == len(FEATURES) == len(SIGNS)
        assert all(weight * sign >= 0 for weight, sign in zip(weights, SIGNS, strict=True))
        assert (weights != 0).any()


def test_unrelated_text_around_the_evidence_changes_little() -> None:
    noise = "Sheep graze on the hills of Ond. The quarry sold slate to builders. Rain fell for a week. " * 20
    alone, among = (
        score("Lucy Penhall designed the bridge.", TEXT),
        score("Lucy Penhall designed the bridge.", noise + TEXT),
    )
    assert abs(alone - among) < 0.15


def test_evidence_split_over_two_passages_counts() -> None:
    first, second = "Lucy Penhall designed the Harlow Bridge.", "The Harlow Bridge is 340 metres long."
    claim = "The Harlow Bridge, designed by Lucy Penhall, is 340 metres long."
    assert score(claim, first, second) > max(score(claim, first), score(claim, second))


@pytest.mark.parametrize(
    "claim", ["It was opened in 1894.", "It is 304 metres long.", 'He said, "The river is mine now."']
)
def test_a_failed_check_is_never_supported(claim: str) -> None:
    verdict = Tier1Scorer().score_text(claim, TEXT)
    assert verdict.label != "supported"
    assert verdict.score < 0.5
    assert any("not in the passage" in reason or "does not have" in reason for reason in verdict.reasons)


def test_the_evidence_is_the_sentence_that_decides() -> None:
    assert Tier1Scorer().score_text("Penhall designed the bridge.", TEXT).evidence.startswith("Lucy Penhall designed")


def test_one_wrong_sentence_among_true_ones_is_partly() -> None:
    verdict = Tier1Scorer().score_text("It is 340 metres long. Sheep graze on its lawns in winter.", TEXT)
    assert verdict.label == "partly"


@pytest.mark.parametrize("size", [1, 2, 5, 40, 400])
def test_claims_and_passages_of_any_length(size: int) -> None:
    found = inspect(
        "bridge " * size, Source.read("river " * size + "bridge."), load_parts().vectors, load_parts().binding
    )
    assert found is not None
    assert np.isfinite(found.features).all()
    assert len(found.wrong) == size


def test_features_do_not_grow_with_length() -> None:
    vectors = load_parts().vectors
    one, many = (
        read(claim, read_words(claim), Source.read(text), vectors).claim
        for claim, text in ((TEXT, TEXT), (f"{TEXT} " * 3, f"{TEXT} " * 3))
    )
    assert len(one) == len(CLAIM_FEATURES)
    assert np.abs(one).max() < 20
    assert np.abs(many).max() < 20


def test_a_focus_keeps_order_and_budget() -> None:
    sentences = [f"Sentence {at} is about thing{at}." for at in range(100)]
    source = Source.read(" ".join(sentences))
    near = focus(read_words("thing7 and thing80"), source, budget=20)
    assert 0 <= near.text.index("thing7.") < near.text.index("thing80.")
    assert len(near.words) <= 20 + 6
    assert all(near.text[a:b].isalnum() for a, b in zip(near.words.starts, near.words.ends, strict=True))


@pytest.mark.parametrize(
    ("claim", "altered"),
    [
        ('She said, "the old bridge burned down."', False),
        ("She said, “The old bridge burned down,” and left.", False),
        ('She said, "the old mill burned down."', True),
        ('The "Harlow" stands.', False),
    ],
)
def test_quotations_must_be_word_for_word(claim: str, altered: bool) -> None:
    assert bool(altered_quotes(claim, "In the end 'the old bridge – burned down.'".replace(" –", ""))) is altered
