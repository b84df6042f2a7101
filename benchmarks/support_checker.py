"""The trained checker in benchmarks/support.py: for each set, what models say of it that never saw it.

Its scores come from `webbrain.training.checker.run`, what they belong to from `webbrain.training.checker.pairs`. The
cut and the calibration for a set come from the other sets, each scored by a model that saw neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from support_joint import KeptOpinion

from webbrain.grounding.focus import Source
from webbrain.grounding.joint import SURE, Weights, logit
from webbrain.training.checker.folds import PLANTED, TRAINED, key, left_out
from webbrain.training.checker.pairs import row_key
from webbrain.training.checker.rows import Rows

Against = Literal["contradiction", "rest"]
FORMS = {"ours (joint, checker)": "against", "ours (joint, checker for and against)": "both", "checker alone": "alone"}


class Scores:
    """Log-shares of the classes by question, model and set."""

    def __init__(self, scores: Path, data: Path) -> None:
        rows = Rows.load(data / "judged.npz")
        with np.load(data / "judged_keys.npz", allow_pickle=False) as held:
            keys = np.repeat(rows.of_set, rows.counts), held["keys"]
        self.keys = {name: keys[1][keys[0] == at].tolist() for at, name in enumerate(rows.sets.tolist())}
        with np.load(scores, allow_pickle=False) as held:
            self.shares: dict[str, NDArray[np.float64]] = {name: held[name].astype(np.float64) for name in held.files}

    def leans(self, test: str, against: Against, *, planted: bool = False) -> dict[str, float]:
        """Log-odds of "entailed" for all questions, by models that never saw `test`, nor the set of the question."""
        found = {}
        for name in {test, *TRAINED}:
            keys = self.keys[name]
            for question, share in zip(keys, self._shares(test, name, planted), strict=True):
                other = share[2] if against == "contradiction" else np.logaddexp(share[1], share[2])
                found[question] = float(np.clip(share[0] - other, -SURE, SURE))
        return found

    def _shares(self, test: str, name: str, planted: bool) -> NDArray[np.float64]:
        if planted:
            return self.shares[key(PLANTED, name)]
        both = key(left_out(test, name), name)
        if both not in self.shares:
            print(f"# {name} for {test}: scored by the model that did see {test}; for its cut and calibration alone")
        return self.shares[both] if both in self.shares else self.shares[key(left_out(name), name)]


@dataclass(frozen=True, slots=True)
class Formed(Weights):
    """A `form` of FORMS: the checker may speak against a claim alone, for it too, or nobody else is asked."""

    form: str = "against"

    def log_odds(self, tier1: float, lean: float, nearness: float) -> float:
        if self.form == "alone":
            return lean
        heard = lean if self.form == "both" else min(lean, 0.0)
        return tier1 + self.against * heard + self.nearness * (nearness - self.typical)


@dataclass
class Checked(KeptOpinion):
    """Leans from the file; nearness is kept as for every other model."""

    leans: dict[str, float] = field(default_factory=dict)
    form: str = "against"

    def __call__(self, sentence: str, claim: str, source: Source, score: float) -> tuple[float, str]:
        lean = self.lean(sentence, source)
        heard = lean if self.form == "both" else min(lean, 0.0)
        self.seen.append((logit(score), heard, self.nearness(claim, source)))
        odds = self.weights.log_odds(logit(score), lean, self.nearness(claim, source))
        return 1 / (1 + float(np.exp(-odds))), ""

    def lean(self, sentence: str, source: Source) -> float:
        return self.leans.get(row_key(sentence, source.text), 0.0)


@dataclass
class Checker:
    """What benchmarks/support.py asks for: an opinion for each form, without the set that is tested."""

    scores: Scores
    against: Against
    planted: bool
    kept: dict[str, float]

    def forms(self, test: str) -> Iterator[tuple[str, Checked]]:
        leans = self.scores.leans(test, self.against, planted=self.planted)
        for name, form in FORMS.items():
            yield name, Checked(kept=self.kept, leans=leans, form=form)
