"""A support scorer by its specification, `NAME` or `NAME:MODEL`: "tier1", "exact", "nli:...", "judge:..."."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path

from webbrain.errors import ConfigError
from webbrain.facts import facts_of
from webbrain.grounding.calibration import Calibration, load_calibration
from webbrain.protocols import SupportScorer
from webbrain.registry import SCORERS
from webbrain.types import Claim, Passage, Verdict

DEFAULT_SCORER = "tier1"


def make_scorer(specification: str | None = None, calibration: Path | None = None) -> SupportScorer:
    """The scorer, with its cut moved when `calibration` is a file of `webbrain evaluate calibrate`.

    Raises ConfigError for an unknown name, a model given to a scorer that has none, or another scorer's calibration.
    """
    scorer = _load(specification or DEFAULT_SCORER)
    if calibration is None:
        return scorer
    return CalibratedScorer(scorer, load_calibration(calibration, scorer.name))


def _load(specification: str) -> SupportScorer:
    name, _, model = specification.partition(":")
    factory = SCORERS.load(name)
    if not model:
        made: SupportScorer = factory()
        return made
    if "model" not in signature(factory).parameters:
        raise ConfigError(f"support scorer {name!r} takes no model; leave out {model!r}")
    with_model: SupportScorer = factory(model=model)
    return with_model


@dataclass(frozen=True, slots=True)
class CalibratedScorer:
    """A scorer whose cut was fitted: scores are stretched so that the cut lies at 0.5, which keeps their order."""

    scorer: SupportScorer
    calibration: Calibration

    @property
    def name(self) -> str:
        return f"{self.scorer.name}, calibrated"

    def facts(self) -> dict[str, object]:
        return {**facts_of(self.scorer), "cut": self.calibration.cut}

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        verdict = self.scorer.score(claim, sources)
        if verdict.label == "not_checked":
            return verdict
        score = stretch(verdict.score, self.calibration.cut)
        if verdict.score >= self.calibration.cut:
            return replace(verdict, score=score, label="supported")
        return replace(verdict, score=score, label="not_supported" if verdict.label == "supported" else verdict.label)


def stretch(score: float, cut: float) -> float:
    """[0, 1] onto itself in two straight pieces with `cut` at 0.5."""
    if score >= cut:
        return 0.5 + 0.5 * (score - cut) / max(1 - cut, 1e-9)
    return 0.5 * score / max(cut, 1e-9)
