"""`joint:MODEL` for benchmarks/support.py: its scales fitted without the set it is tested on, its evidence kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.calibration import best_cut
from webbrain.grounding.focus import Source
from webbrain.grounding.joint import Evidence, JointOpinion, Scales, logit
from webbrain.grounding.tier1 import Parts, Tier1Scorer
from webbrain.training.support_data import Judged

Floats = NDArray[np.float64]


@dataclass
class KeptOpinion(JointOpinion):
    """Evidence costs a run of two models, so it is kept in a file; `seen` collects what was said of each sentence."""

    kept: dict[str, Evidence] = field(default_factory=dict)
    seen: list[tuple[float, float, float]] = field(default_factory=list)

    def __call__(self, claim: str, source: Source, score: float) -> tuple[float, str]:
        found = self.evidence(claim, source)
        self.seen.append((logit(score), min(found.lean, 0.0), found.nearness))
        return super().__call__(claim, source, score)

    def evidence(self, claim: str, source: Source) -> Evidence:
        key = sha256(f"{claim}\0{source.text}".encode()).hexdigest()[:24]
        if key not in self.kept:
            self.kept[key] = super().evidence(claim, source)
        return self.kept[key]

    def save(self, path: Path) -> None:
        values = np.array([(found.lean, found.nearness) for found in self.kept.values()])
        np.savez(path, keys=np.array(list(self.kept)), values=values)

    def load(self, path: Path) -> None:
        if path.exists():
            with np.load(path, allow_pickle=False) as held:
                rows = zip(held["keys"].tolist(), held["values"].tolist(), strict=True)
                self.kept = {key: Evidence(*values) for key, values in rows}


def scores(parts: Parts, opinion: KeptOpinion, pairs: Sequence[Judged]) -> Floats:
    scorer = Tier1Scorer(parts, opinion)
    return np.array([scorer.score_text(pair.claim, pair.source).score for pair in pairs])


def fit_scales(parts: Parts, opinion: KeptOpinion, sets: Sequence[Sequence[Judged]]) -> Scales:
    """Standard deviations within the sets, each set counting alike; no label is looked at."""
    spread = []
    for pairs in sets:
        opinion.seen.clear()
        scores(parts, opinion, pairs)
        spread.append(np.var(opinion.seen, axis=0))
    return Scales(*np.sqrt(np.mean(spread, axis=0)).tolist())


def fit_cut(parts: Parts, opinion: KeptOpinion, sets: Sequence[Sequence[Judged]]) -> Scales:
    """The same scales, cut where the balanced accuracy over the sets, taken alike, is best."""
    found = [scores(parts, opinion, pairs) for pairs in sets]
    labels = [np.array([pair.supported for pair in pairs]) for pairs in sets]
    chance = best_cut(np.round(np.concatenate(found), 3), np.concatenate(labels))
    return replace(opinion.scales, cut=opinion.scales.cut + logit(chance))


def warm(opinion: KeptOpinion, parts: Parts, sets: Iterator[Sequence[Judged]], path: Path) -> None:
    """Make all evidence, set by set; a killed run goes on."""
    opinion.load(path)
    for pairs in sets:
        scores(parts, opinion, pairs)
        opinion.save(path)
