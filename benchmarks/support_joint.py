"""`joint:MODEL` for benchmarks/support.py: its weights fitted without the set it is tested on, its evidence kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from data import CACHE
from numpy.typing import NDArray

from webbrain.grounding.focus import Source
from webbrain.grounding.joint import JointOpinion, Weights, logit
from webbrain.grounding.tier1 import Parts, Tier1Scorer
from webbrain.training.support_data import Judged

Floats = NDArray[np.float64]


@dataclass
class KeptOpinion(JointOpinion):
    """What costs a run of a model is kept in a file; `seen` collects what was said of each sentence."""

    kept: dict[str, float] = field(default_factory=dict)
    seen: list[tuple[float, float, float]] = field(default_factory=list)

    def __call__(self, sentence: str, claim: str, source: Source, score: float) -> tuple[float, str]:
        self.seen.append((logit(score), min(self.lean(sentence, source) or 0.0, 0.0), self.nearness(claim, source)))
        return super().__call__(sentence, claim, source, score)

    def lean(self, sentence: str, source: Source) -> float | None:
        return self._once(super().lean, sentence, source)

    def nearness(self, claim: str, source: Source) -> float:
        return self._once(super().nearness, claim, source)

    def _once(self, make: Callable[[str, Source], float | None], text: str, source: Source) -> float:
        key = sha256(f"{make.__name__}\0{text}\0{source.text}".encode()).hexdigest()[:24]
        if key not in self.kept:
            self.kept[key] = make(text, source) or 0.0
        return self.kept[key]

    def save(self, path: Path) -> None:
        np.savez(path, keys=np.array(list(self.kept)), values=np.array(list(self.kept.values())))

    def load(self, path: Path) -> None:
        if path.exists():
            with np.load(path, allow_pickle=False) as held:
                self.kept = dict(zip(held["keys"].tolist(), held["values"].tolist(), strict=True))


def joint_scores(parts: Parts, opinion: KeptOpinion, pairs: Sequence[Judged]) -> Floats:
    scorer = Tier1Scorer(parts, opinion)
    return np.array([scorer.score_text(pair.claim, pair.source).score for pair in pairs])


def fit_weights(parts: Parts, opinion: KeptOpinion, sets: Sequence[Sequence[Judged]]) -> Weights:
    """From the spreads within the sets, each set counting alike: tier 1 counts twice; no label is looked at."""
    spread, nearness = [], []
    for pairs in sets:
        opinion.seen.clear()
        joint_scores(parts, opinion, pairs)
        spread.append(np.var(opinion.seen, axis=0))
        nearness.append(np.mean(opinion.seen, axis=0)[2])
    tier1, lean, near = np.sqrt(np.mean(spread, axis=0)).tolist()
    return Weights(tier1 / 2 / lean, tier1 / 2 / near, float(np.mean(nearness)))


def kept_file(model: str) -> Path:
    """Where the evidence of a model is kept."""
    return CACHE / f"support_joint_{sha256(model.encode()).hexdigest()[:12]}.npz"


def warm(opinion: KeptOpinion, parts: Parts, sets: Iterator[Sequence[Judged]], path: Path) -> None:
    """Make all evidence, set by set; a killed run goes on."""
    opinion.load(path)
    for pairs in sets:
        joint_scores(parts, opinion, pairs)
        opinion.save(path)
