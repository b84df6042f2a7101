"""Tier 2 beside tier 1: where the two and an encoder's nearness agree, a claim is supported (`joint:MODEL`).

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
from webbrain.grounding.entailment import DEFAULT_MODEL, EntailmentModel, open_model
from webbrain.grounding.focus import Source, focus
from webbrain.grounding.tier1 import Tier1Scorer
from webbrain.grounding.words import read_words
from webbrain.types import Claim, Passage, Verdict

FOCUS_WORDS = 90  # what even a model of 160 tokens reads beside a claim
SURE = 6.0  # log-odds beyond which nobody is heard


@dataclass(frozen=True, slots=True)
class Scales:
    """Standard deviations over judged claims of tier 1's log-odds, of the entailment model's when it speaks against,
    and of the cosine; tier 1 counts twice. `cut` is where the sum is as likely right as wrong."""

    tier1: float = 1.0
    lean: float = 1.0
    nearness: float = 1.0
    cut: float = 0.0

    def log_odds(self, tier1: float, lean: float, nearness: float) -> float:
        return 2 * tier1 / self.tier1 + lean / self.lean + nearness / self.nearness - self.cut


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a sentence and the nearest part of its source are to the entailment model and to the encoder."""

    lean: float
    nearness: float


@dataclass
class JointOpinion:
    """Implements `webbrain.grounding.tier1.SecondOpinion`; models are loaded at the first sentence."""

    model: str = DEFAULT_MODEL
    scales: Scales = field(default_factory=Scales)

    def __call__(self, claim: str, source: Source, score: float) -> tuple[float, str]:
        found = self.evidence(claim, source)
        odds = self.scales.log_odds(logit(score), min(found.lean, 0.0), found.nearness)
        said = f"{self.model}: log-odds of entailed against contradicted {found.lean:+.1f}; cosine {found.nearness:.2f}"
        return 1 / (1 + exp(-odds)), said

    def evidence(self, claim: str, source: Source) -> Evidence:
        near = focus(read_words(claim), source, FOCUS_WORDS).text
        lean = self._entailment.opinion(near, claim).lean if self._entailment.room(claim) > 0 else 0.0
        here, there = self._encoder.encode([claim, near])
        return Evidence(max(-SURE, min(SURE, lean)), float(here @ there))

    @cached_property
    def _entailment(self) -> EntailmentModel:
        return open_model(self.model)

    @cached_property
    def _encoder(self) -> OnnxEncoder:
        return default_encoder()


class JointScorer:
    """Implements `webbrain.protocols.SupportScorer`: tier 1 with a second opinion, and its exact checks after that."""

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        self._scorer = Tier1Scorer(opinion=JointOpinion(model), name=f"joint:{model}")

    @property
    def name(self) -> str:
        return self._scorer.name

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        return self._scorer.score(claim, sources)


def logit(share: float) -> float:
    """Log-odds, at most SURE either way."""
    share = min(max(share, 1e-9), 1 - 1e-9)
    return max(-SURE, min(SURE, log(share / (1 - share))))
