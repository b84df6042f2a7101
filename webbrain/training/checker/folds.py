"""Which judged sets a model may see: one for everybody's use, and for each test models that never saw its set.

A cut and a calibration for a test set come from the scores of the others, each by a model that saw neither of the two.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from webbrain.training.support_data import SETS

Out = tuple[str, ...]  # names of the sets that a model did not see, in the order of SETS
TRAINED = tuple(judged.name for judged in SETS if judged.train)
PLANTED = "planted"  # the model that saw no judgement at all


def left_out(*names: str) -> Out:
    """The model for these sets: those that nobody trains on need no leaving out."""
    return tuple(name for name in TRAINED if name in names)


def models() -> list[Out]:
    """All models, those that matter most first."""
    alone = [left_out(name) for name in TRAINED]
    return [(), *alone, *(left_out(*pair) for pair in combinations(TRAINED, 2))]


def sets_to_train(out: Out) -> list[str]:
    return [name for name in TRAINED if name not in out]


def sets_to_score(out: Out) -> list[str]:
    """Sets that the model never saw; those that nobody trains on only by the models that saw the most."""
    never = [judged.name for judged in SETS if not judged.train]
    return [*out, *(never if len(out) == 0 else [])]


def key(out: Out | str, name: str) -> str:
    """What the scores of a set by a model are called in the file."""
    model = out if isinstance(out, str) else "without " + "+".join(out) if out else "all"
    return f"{model} | {name}"


def sample(
    of_set: NDArray[np.uint8], sets: list[str], chosen: list[str], cap: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Claims of an epoch: at most `cap` of each chosen set."""
    found = [np.flatnonzero(of_set == sets.index(name)) for name in chosen]
    return np.concatenate([rng.permutation(claims)[:cap] for claims in found])


def weigh(of_set: NDArray[np.uint8], true: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Weights of claims, 1 in the mean: a set counts with the root of its size, its true and its other claims alike."""
    found = np.zeros(len(of_set), np.float32)
    for number in np.unique(of_set):
        for side in (True, False):
            here = (of_set == number) & (true == side)
            if here.any():
                found[here] = np.sqrt((of_set == number).sum()) / here.sum()
    mean = np.float32(found.mean())
    return np.divide(found, mean)


def auc(scores: NDArray[np.floating], true: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counting half; .5 where there is nothing to tell apart."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    many = int(true.sum())
    if many in (0, len(true)):
        return 0.5
    return float((ranks[true].sum() - many * (many + 1) / 2) / (many * (len(true) - many)))
