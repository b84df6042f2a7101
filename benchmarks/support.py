"""Support checking against human labels: our scorer, trained without the set it is tested on, beside simpler ones.

    python benchmarks/support.py [--limit 2500] [--nli MODEL] [--checker SCORES.npz] [--output .bench/support.json]

For every set of shared/data/fact: ROC AUC, balanced accuracy at a cut fixed on the other sets, calibration error after
a calibration fitted on the other sets; 95% intervals by bootstrap over documents. The binding checker sees planted
errors only, so it is the same in every row; what is left out and fitted anew is the model over its output.
AttributionBench has no licence and is never trained on. With --nli (a name of the hub, or a folder) there is a row for
`joint:MODEL`; what that model was trained on is its makers' to know. With --checker there are rows for our own model in
that place, trained without the set it is tested on (`webbrain.training.checker`).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from data import CACHE, DATA, require_data
from numpy.typing import NDArray
from support_baselines import BASELINES, Example, anchor_features, fit_boosting
from support_checker import Checked, Checker, Formed, Scores
from support_joint import KeptOpinion, fit_weights, joint_scores, kept_file, warm

from webbrain.grounding.calibration import balanced_accuracy, best_cut, calibration_error, fit
from webbrain.grounding.joint import Weights
from webbrain.grounding.lexicon import WEIGHTS
from webbrain.grounding.tier1 import Tier1Scorer, load_parts
from webbrain.grounding.vectors import WordVectors
from webbrain.training.support import ADDITIVE_PAIRS, TRAIN_FOLDS, Settings, features_of, planted, planted_set
from webbrain.training.support_data import SETS, Judged, read_judged
from webbrain.training.support_fit import TrainingSet, fit_model

RESAMPLES = 1000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Set:
    """A judged set with its features: ours, and those of the anchors' rows."""

    name: str
    train: bool
    pairs: list[Judged]
    labels: NDArray[np.bool_]
    groups: NDArray[np.str_]
    ours: Floats
    anchors: Floats


def auc(scores: Floats, labels: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the chance that a true claim outranks a false one, ties counting half."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    true = int(labels.sum())
    return float((ranks[labels].sum() - true * (true + 1) / 2) / (true * (len(labels) - true)))


def interval(scores: Floats, labels: NDArray[np.bool_], groups: NDArray[np.str_]) -> tuple[float, float]:
    """95% bootstrap interval of the AUC; whole documents are drawn."""
    rng = np.random.default_rng(0)
    _, group = np.unique(groups, return_inverse=True)
    rows = [np.flatnonzero(group == at) for at in range(group.max() + 1)]
    found = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[at] for at in rng.integers(0, len(rows), len(rows))])
        if 0 < labels[drawn].sum() < len(drawn):
            found.append(auc(scores[drawn], labels[drawn]))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def load(limit: int | None) -> tuple[list[Set], TrainingSet]:
    parts = load_parts()
    sets = []
    for judged in SETS:
        pairs = read_judged(DATA / "fact", judged, limit)
        ours, kept = features_of(((pair.claim, pair.source) for pair in pairs), parts.vectors, parts.binding)
        pairs = [pairs[place] for place in kept]
        anchors = cached_anchors(judged.name, pairs)
        labels, groups = np.array([p.supported for p in pairs]), np.array([p.group for p in pairs])
        sets.append(Set(judged.name, judged.train, pairs, labels, groups, ours, anchors))
        print(f"# {judged.name}: {len(pairs):,} pairs, {len(set(groups)):,} documents", flush=True)
    settings = Settings()
    vectors = WordVectors.load(WEIGHTS / "vectors.npz")
    made = islice(planted(DATA, settings, vectors, TRAIN_FOLDS), settings.pairs, settings.pairs + ADDITIVE_PAIRS)
    return sets, planted_set(list(made), parts.vectors, parts.binding)


def cached_anchors(name: str, pairs: list[Judged]) -> Floats:
    """The anchors' features of pairs; they need the whole encoder, so they are kept: a killed run goes on."""
    path = CACHE / f"support_anchors_{name}.npz"
    known: dict[str, Floats] = {}
    if path.exists():
        with np.load(path, allow_pickle=False) as held:
            known = dict(zip(held["ids"].tolist(), held["features"], strict=True))
    for number, pair in enumerate(pairs, start=1):
        if pair.pair_id not in known:
            known[pair.pair_id] = anchor_features(Example(pair.claim, pair.source))
        if number % 100 == 0 or number == len(pairs):
            path.parent.mkdir(exist_ok=True)
            np.savez(path, ids=np.array(list(known)), features=np.array(list(known.values())))
    return np.array([known[pair.pair_id] for pair in pairs])


def judge(
    test: Set, others: list[Set], extra: TrainingSet, opinion: KeptOpinion | None, checker: Checker | None = None
) -> dict[str, dict[str, float | list[float]]]:
    """Scores of every method on one set, its models, cut and calibration from the other sets."""
    train = [part for part in others if part.train]
    model = fit_model([TrainingSet(part.ours, part.labels) for part in train], extra)
    boosting = fit_boosting([(part.anchors, part.labels) for part in train])
    methods = {name: [make(part.anchors) for part in (test, *train)] for name, make in BASELINES.items()}
    methods["anchors' monotone boosting"] = [boosting(part.anchors) for part in (test, *train)]
    parts = replace(load_parts(), model=model)
    ours = Tier1Scorer(parts)
    found = np.array([ours.score_text(pair.claim, pair.source).score for pair in test.pairs])
    known = [np.array([model.probability(row) for row in part.ours]) for part in train]
    methods["ours (tier1)"] = [found, *known]
    if opinion is not None:
        opinion.weights = fit_weights(parts, opinion, [part.pairs for part in train])
        methods["ours (joint)"] = [joint_scores(parts, opinion, part.pairs) for part in (test, *train)]
    for name, checked in checker.forms(test.name) if checker else ():
        fitted = fit_weights(parts, checked, [part.pairs for part in train]) if checked.form != "alone" else Weights()
        checked.weights = Formed(fitted.against, fitted.nearness, fitted.typical, checked.form)
        methods[name] = [joint_scores(parts, checked, part.pairs) for part in (test, *train)]
    return {name: _measures(found, test, train) for name, found in methods.items()}


def _measures(scores: list[Floats], test: Set, train: list[Set]) -> dict[str, float | list[float]]:
    known, truth = np.concatenate(scores[1:]), np.concatenate([part.labels for part in train])
    grid = np.quantile(known, np.linspace(0, 1, 201))
    rounded = grid[np.searchsorted(grid, known, side="right").clip(1, len(grid)) - 1]
    cut = best_cut(rounded, truth)
    calibration = fit("benchmark", list(known), list(truth))
    chance = np.array([calibration.probability(score) for score in scores[0]])
    low, high = interval(scores[0], test.labels, test.groups)
    return {
        "auc": 100 * auc(scores[0], test.labels),
        "interval": [100 * low, 100 * high],
        "balanced_accuracy": 100 * balanced_accuracy(scores[0], test.labels, cut),
        "calibration_error": 100 * calibration_error(chance, test.labels),
    }


def open_checker(options: argparse.Namespace, sets: list[Set]) -> Checker:
    scores = Scores(options.checker, options.checker_data)
    near, path = Checked(), kept_file("nearness")
    warm(near, load_parts(), (part.pairs for part in sets), path)
    return Checker(scores, options.checker_against, options.checker_planted, near.kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=2500, help="Pairs of a set; 0 for all.")
    parser.add_argument("--nli", help="Entailment model of the row `joint`.")
    parser.add_argument("--checker", type=Path, help="`scores.npz` of `webbrain.training.checker.run`.")
    parser.add_argument("--checker-data", type=Path, default=CACHE / "checker", help="What `checker.pairs` wrote.")
    parser.add_argument("--checker-against", choices=("contradiction", "rest"), default="contradiction")
    parser.add_argument("--checker-planted", action="store_true", help="The model that saw no judgement at all.")
    parser.add_argument("--output", type=Path, default=CACHE / "support.json")
    options = parser.parse_args()
    require_data()
    sets, extra = load(options.limit or None)
    opinion = KeptOpinion(options.nli) if options.nli else None
    if opinion is not None:
        warm(opinion, load_parts(), (part.pairs for part in sets), kept_file(options.nli))
    checker = open_checker(options, sets) if options.checker else None
    found = {
        part.name: judge(part, [other for other in sets if other is not part], extra, opinion, checker) for part in sets
    }
    if opinion is not None:
        train = [part.pairs for part in sets if part.train]
        print(f"# fitted on all that may be trained on: {fit_weights(load_parts(), opinion, train)}")
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print_table(found)


def print_table(found: dict[str, dict[str, dict[str, float | list[float]]]]) -> None:
    names = list(found)
    methods = list(next(iter(found.values())))
    print("\n| ROC AUC x100 | " + " | ".join(names) + " | mean |\n|---" * 1 + "|---" * (len(names) + 1) + "|")
    for method in methods:
        cells = []
        for name in names:
            row = found[name][method]
            low, high = row["interval"]  # type: ignore[misc]
            cells.append(f"{row['auc']:.1f} ({low:.0f}-{high:.0f})")
        mean = np.mean([found[name][method]["auc"] for name in names])
        print(f"| {method} | " + " | ".join(cells) + f" | {mean:.1f} |")
    for measure in ("balanced_accuracy", "calibration_error"):
        print(f"\n| {measure} x100 | " + " | ".join(names) + " | mean |\n|---" + "|---" * (len(names) + 1) + "|")
        for method in methods:
            values = [float(found[name][method][measure]) for name in names]  # type: ignore[arg-type]
            print(f"| {method} | " + " | ".join(f"{v:.1f}" for v in values) + f" | {np.mean(values):.1f} |")


if __name__ == "__main__":
    main()
