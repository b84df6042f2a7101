"""Planted errors and controls: does an edit lower the score, and are true rewordings left alone?

    python benchmarks/traps.py [--scorer tier1] [--generated 1500]

Hand-written suites (tests/traps/cases.txt), then generated ones from articles that no training run reads. Per suite:
AUC of originals against edits, and for controls the share flagged, that is, not labelled "supported".
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from itertools import islice

import numpy as np
from data import DATA, ROOT
from support import auc

from webbrain.grounding.lexicon import WEIGHTS
from webbrain.grounding.scorers import make_scorer
from webbrain.grounding.vectors import WordVectors
from webbrain.protocols import SupportScorer
from webbrain.training.support import Settings, planted
from webbrain.types import Claim, Passage, Verdict

sys.path.insert(0, str(ROOT))
from tests.traps.cases import Control, Trap, read_cases

TEST_FOLDS = (0,)


def verdict(scorer: SupportScorer, claim: str, source: str) -> Verdict:
    return scorer.score(Claim(claim), [Passage("p", "d", "", source, 0, len(source))])


def written(scorer: SupportScorer) -> tuple[dict[str, list[tuple[Verdict, Verdict]]], dict[str, list[Verdict]]]:
    """Per trap suite (original, edited) verdicts, per control suite verdicts."""
    traps, controls = defaultdict(list), defaultdict(list)
    for case in read_cases():
        if isinstance(case, Trap):
            traps[case.suite].append(
                (verdict(scorer, case.original, case.passage), verdict(scorer, case.edited, case.passage))
            )
        elif isinstance(case, Control):
            controls[case.suite].append(verdict(scorer, case.claim, case.passage))
    return traps, controls


def generated(scorer: SupportScorer, size: int) -> tuple[dict[str, list[float]], dict[str, list[Verdict]], list[float]]:
    """Scores of planted errors per kind, verdicts of true rewordings per kind, scores of all that is true."""
    errors, controls = defaultdict(list), defaultdict(list)
    true: list[float] = []
    settings = Settings(share=0.5, seed=1)
    vectors = WordVectors.load(WEIGHTS / "vectors.npz")
    sure = (pair for pair in planted(DATA, settings, vectors, TEST_FOLDS) if pair.certain)
    for pair in islice(sure, size):
        found = verdict(scorer, pair.claim, pair.source)
        if pair.supported:
            controls[pair.kind].append(found)
            true.append(found.score)
        else:
            errors[pair.kind.removeprefix("-")].append(found.score)
    return errors, controls, true


def suite_auc(true: list[float], edited: list[float]) -> float:
    labels = np.array([True] * len(true) + [False] * len(edited))
    return auc(np.array([*true, *edited]), labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scorer", default="tier1")
    parser.add_argument("--generated", type=int, default=1500, help="Pairs to generate; 0 for none.")
    options = parser.parse_args()
    scorer = make_scorer(options.scorer)
    traps, controls = written(scorer)
    print(f"scorer: {scorer.name}\n\n| hand-written trap | n | AUC | edit lowers the score | edits called supported |")
    print("|---|---|---|---|---|")
    for suite, pairs in sorted(traps.items()):
        scores = suite_auc([a.score for a, _ in pairs], [b.score for _, b in pairs])
        lowered = np.mean([b.score < a.score for a, b in pairs])
        passed = np.mean([b.label == "supported" for _, b in pairs])
        print(f"| {suite} | {len(pairs)} | {scores:.2f} | {lowered:.0%} | {passed:.0%} |")
    _print_controls("hand-written control", controls)
    if options.generated and DATA.is_dir():
        errors, rewordings, true = generated(scorer, options.generated)
        print("\n| generated trap | n | AUC |\n|---|---|---|")
        for kind, scores_of in sorted(errors.items()):
            print(f"| {kind} | {len(scores_of)} | {suite_auc(true, scores_of):.2f} |")
        _print_controls("generated control", rewordings)


def _print_controls(title: str, controls: dict[str, list[Verdict]]) -> None:
    print(f"\n| {title} | n | flagged | mean score |\n|---|---|---|---|")
    for suite, found in sorted(controls.items()):
        flagged = np.mean([v.label != "supported" for v in found])
        print(f"| {suite} | {len(found)} | {flagged:.0%} | {np.mean([v.score for v in found]):.2f} |")


if __name__ == "__main__":
    main()
