"""Tier 1 with a second opinion: contradiction counts, agreement adds nothing, exact checks have the last word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.entailing import make_classifier
from webbrain.encoding.default import default_encoder
from webbrain.errors import ModelNotFound
from webbrain.grounding.focus import Source
from webbrain.grounding.joint import JointOpinion, Weights, logit
from webbrain.grounding.scorers import make_scorer
from webbrain.grounding.tier1 import Tier1Scorer
from webbrain.protocols import SupportScorer
from webbrain.types import Claim, Passage

BRIDGE = "The old bridge was opened in 1890. It fell into the river in 1954."


def passage(text: str) -> Passage:
    return Passage("p", "d", "", text, 0, len(text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classifier(tmp_path_factory.mktemp("joint") / "m", limit=160)


@pytest.fixture(scope="module")
def scorer(folder: Path) -> SupportScorer:
    return make_scorer(f"joint:{folder}")


def test_it_is_a_scorer_and_names_its_model(scorer: SupportScorer, folder: Path) -> None:
    assert isinstance(scorer, SupportScorer)
    assert scorer.name == f"joint:{folder}"
    verdict = scorer.score(Claim("The bridge was opened in 1890."), [passage(BRIDGE)])
    assert any(str(folder) in reason for reason in verdict.reasons)


def test_what_the_passage_says_is_supported(scorer: SupportScorer) -> None:
    assert scorer.score(Claim("The bridge was opened in 1890."), [passage(BRIDGE)]).label == "supported"


def test_a_contradiction_lowers_the_score(folder: Path) -> None:
    source, opinion = Source.read(BRIDGE), JointOpinion(str(folder))
    claim = "The bridge was not opened. It was opened."
    agreed, _ = opinion("It was opened.", claim, source, 0.8)
    denied, reason = opinion("The bridge was not opened.", claim, source, 0.8)
    assert denied < agreed
    assert "-4.0" in reason


@dataclass
class Told(JointOpinion):
    """Does not ask its models: it was told what they say."""

    said: float = 0.0

    def lean(self, sentence: str, source: Source) -> float:
        return self.said

    def nearness(self, claim: str, source: Source) -> float:
        return 0.5


@pytest.mark.parametrize(("lean", "changes"), [(5.0, False), (0.0, False), (-1.0, True)])
def test_only_contradiction_counts(lean: float, changes: bool) -> None:
    source = Source.read(BRIDGE)
    neutral, _ = Told()("The bridge fell.", "The bridge fell.", source, 0.6)
    told, _ = Told(said=lean)("The bridge fell.", "The bridge fell.", source, 0.6)
    assert (told < neutral) == changes
    assert told <= neutral


def test_a_number_that_is_not_there_is_never_supported(folder: Path) -> None:
    def certain(sentence: str, claim: str, source: Source, score: float) -> tuple[float, str]:
        return 1.0, "certain"

    verdict = Tier1Scorer(opinion=certain).score(Claim("The bridge was opened in 1891."), [passage(BRIDGE)])
    assert verdict.score <= 0.45
    assert verdict.label != "supported"
    assert verdict.reasons[-1] == "certain"


@pytest.mark.parametrize(("claim", "text"), [("", BRIDGE), ("It fell.", " "), ("的", BRIDGE)])
def test_what_cannot_be_read_is_not_checked(scorer: SupportScorer, claim: str, text: str) -> None:
    assert scorer.score(Claim(claim), [passage(text)]).label == "not_checked"


def test_a_copied_sentence_needs_no_model(tmp_path: Path) -> None:
    empty = make_scorer(f"joint:{tmp_path}")
    assert empty.score(Claim("It fell into the river in 1954."), [passage(BRIDGE)]).score == 1.0


@pytest.mark.parametrize("name", ["joint", "nli"])
def test_a_path_with_nothing_there_is_told_before_any_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelNotFound, match="no folder"):
        make_scorer(f"{name}:{tmp_path / 'nowhere'}")


def test_the_claim_is_encoded_once_for_all_its_sentences(folder: Path) -> None:
    opinion = JointOpinion(str(folder))
    asked: list[str] = []

    class Counting:
        def encode(self, texts: list[str]) -> object:
            asked.extend(texts)
            return default_encoder().encode(texts)

    opinion._encoder = Counting()  # type: ignore[assignment]
    scorer = Tier1Scorer(opinion=opinion)
    scorer.score(Claim("The bridge opened in 1890. It fell in 1954. The river took it."), [passage(BRIDGE)])
    assert len(asked) == 2


def test_a_silent_model_at_the_typical_nearness_leaves_tier_1_as_it_is() -> None:
    weights = Weights(against=0.5, nearness=2.0, typical=0.6)
    assert weights.log_odds(1.25, 0.0, 0.6) == weights.log_odds(1.25, 3.0, 0.6) == pytest.approx(1.25)
    assert weights.log_odds(1.25, -3.0, 0.5) == pytest.approx(1.25 - 1.5 - 0.2)
    assert logit(0.5) == 0
    assert logit(1.0) == -logit(0.0) == 6.0
