"""Tier 2 beside tier 1: what the words bear out, less what a model sees contradicted (`joint:MODEL`).

Tier 1 knows which words, numbers and names a passage bears out and is blind to what they mean together; an entailment
model sees contradictions and takes much for neutral that stands in the passage. So the latter can only count against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, log

from webbrain.encoding.default import default_encoder
from webbrain.encoding.encoder import OnnxEncoder
from webbrain.facts import model_facts
from webbrain.grounding.entailment import DEFAULT_MODEL, EntailmentModel, open_model, require_folder
from webbrain.grounding.focus import Source, focus
from webbrain.grounding.tier1 import Tier1Scorer
from webbrain.grounding.words import read_words
from webbrain.types import Claim, Passage, Verdict

FOCUS_WORDS = 90  # what even a model of 160 tokens reads beside a claim
SURE = 6.0  # log-odds beyond which nobody is heard


@dataclass(frozen=True, slots=True)
class Weights:
    """The score's log-odds are tier 1's, with `against` for each unit that the entailment model's lie below 0, and
    `nearness` for each unit of cosine over the `typical` one; so a silent model leaves tier 1's cut where it is.

    Fitted by benchmarks/support.py on six judged sets, without their labels: contradiction and nearness have half the
    spread of tier 1's log-odds.
    """

    against: float = 0.28
    nearness: float = 2.7
    typical: float = 0.61

    def log_odds(self, tier1: float, lean: float, nearness: float) -> float:
        return tier1 + self.against * min(lean, 0.0) + self.nearness * (nearness - self.typical)


@dataclass
class JointOpinion:
    """Implements `webbrain.grounding.tier1.SecondOpinion`; models are loaded at the first sentence."""

    model: str = DEFAULT_MODEL
    weights: Weights = field(default_factory=Weights)
    _last: tuple[str, str, float] = ("", "", 0.0)

    def __call__(self, sentence: str, claim: str, source: Source, score: float) -> tuple[float, str]:
        lean, nearness = self.lean(sentence, source), self.nearness(claim, source)
        odds = self.weights.log_odds(logit(score), lean or 0.0, nearness)
        heard = "not asked, the claim is too long" if lean is None else f"entailed against contradicted {lean:+.1f}"
        return 1 / (1 + exp(-odds)), f"{self.model}: {heard}; cosine {nearness:.2f}"

    def lean(self, sentence: str, source: Source) -> float | None:
        """The entailment model's log-odds for a sentence against the part of the source that is nearest to it."""
        if not self._entailment.can_read(sentence):
            return None
        lean = self._entailment.opinion(_near(sentence, source), sentence).lean
        return max(-SURE, min(SURE, lean))

    def nearness(self, claim: str, source: Source) -> float:
        """The encoder's cosine of the whole claim and the part of the source that is nearest to it."""
        last = self._last  # the sentences of a claim come one after another; those of others may, on other threads
        if last[:2] != (claim, source.text):
            here, there = self._encoder.encode([claim, _near(claim, source)])
            last = self._last = (claim, source.text, float(here @ there))
        return last[2]

    @cached_property
    def _entailment(self) -> EntailmentModel:
        return open_model(self.model)

    @cached_property
    def _encoder(self) -> OnnxEncoder:
        return default_encoder()


class JointScorer:
    """Implements `webbrain.protocols.SupportScorer`: tier 1 with a second opinion, and its exact checks after that."""

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        require_folder(model)
        self.model = model
        self._scorer = Tier1Scorer(opinion=JointOpinion(model), name=f"joint:{model}")

    @property
    def name(self) -> str:
        return self._scorer.name

    def facts(self) -> dict[str, object]:
        return model_facts(self.model)

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        return self._scorer.score(claim, sources)


def _near(text: str, source: Source) -> str:
    return focus(read_words(text), source, FOCUS_WORDS).text


def logit(share: float) -> float:
    """Log-odds, at most SURE either way."""
    share = min(max(share, 1e-9), 1 - 1e-9)
    return max(-SURE, min(SURE, log(share / (1 - share))))
