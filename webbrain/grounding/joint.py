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
    and of the cosine; tier 1 counts twice. The defaults are fitted by benchmarks/support.py on six judged sets, with the
    one entailment model that could be had here; the cut lies where 15% of true aliases are flagged, as in tier 1."""

    tier1: float = 0.860
    lean: float = 1.543
    nearness: float = 0.161
    cut: float = 0.1

    def log_odds(self, tier1: float, lean: float, nearness: float) -> float:
        return 2 * tier1 / self.tier1 + lean / self.lean + nearness / self.nearness - self.cut


@dataclass
class JointOpinion:
    """Implements `webbrain.grounding.tier1.SecondOpinion`; models are loaded at the first sentence."""

    model: str = DEFAULT_MODEL
    scales: Scales = field(default_factory=Scales)

    def __call__(self, sentence: str, claim: str, source: Source, score: float) -> tuple[float, str]:
        lean, nearness = self.lean(sentence, source), self.nearness(claim, source)
        odds = self.scales.log_odds(logit(score), min(lean, 0.0), nearness)
        said = f"{self.model}: log-odds of entailed against contradicted {lean:+.1f}; cosine {nearness:.2f}"
        return 1 / (1 + exp(-odds)), said

    def lean(self, sentence: str, source: Source) -> float:
        """The entailment model's log-odds for a sentence against the part of the source that is nearest to it."""
        if self._entailment.room(sentence) <= 0:
            return 0.0
        lean = self._entailment.opinion(_near(sentence, source), sentence).lean
        return max(-SURE, min(SURE, lean))

    def nearness(self, claim: str, source: Source) -> float:
        """The encoder's cosine of the whole claim and the part of the source that is nearest to it."""
        here, there = self._encoder.encode([claim, _near(claim, source)])
        return float(here @ there)

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


def _near(text: str, source: Source) -> str:
    return focus(read_words(text), source, FOCUS_WORDS).text


def logit(share: float) -> float:
    """Log-odds, at most SURE either way."""
    share = min(max(share, 1e-9), 1 - 1e-9)
    return max(-SURE, min(SURE, log(share / (1 - share))))
