"""`joint:MODEL` for benchmarks/support.py: its scales fitted without the set it is tested on, its evidence kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.calibration import best_cut
from webbrain.grounding.focus import Source
from webbrain.grounding.joint import JointOpinion, Scales, logit
from webbrain.grounding.tier1 import Parts, Tier1Scorer
from webbrain.training.support_data import Judged

Floats = NDArray[np.float64]


@dataclass
class KeptOpinion(JointOpinion):
    """What costs a run of a model is kept in a file; `seen` collects what was said of each sentence."""

    kept: dict[str, float] = field(default_factory=dict)
    seen: list[tuple[float, float, float]] = field(default_factory=list)

    def __call__(self, sentence: str, claim: str, source: Source, score: float) -> tuple[float, str]:
        self.seen.append((logit(score), min(self.lean(sentence, source), 0.0), self.nearness(claim, source)))
        return super().__call__(sentence, claim, source, score)

    def lean(self, sentence: str, source: Source) -> float:
        return self._once(super().lean, sentence, source)

    def nearness(self, claim: str, source: Source) -> float:
        return self._once(super().nearness, claim, source)

    def _once(self, make: Callable[[str, Source], float], text: str, source: Source) -> float:
        key = sha256(f"{make.__name__}\0{text}\0{source.text}".encode()).hexdigest()[:24]
        if key not in self.kept:
            self.kept[key] = make(text, source)
        return self.kept[key]

    def save(self, path: Path) -> None:
        np.savez(path, keys=np.array(list(self.kept)), values=np.array(list(self.kept.values())))

    def load(self, path: Path) -> None:
        if path.exists():
            with np.load(path, allow_pickle=False) as held:
                self.kept = dict(zip(held["keys"].tolist(), held["values"].tolist(), strict=True))


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
