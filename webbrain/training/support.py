"""Trains the weights of support tier 1: the binding checker, then the additive model over its output.

    python -m webbrain.training.support --data ../shared/data

Needs the extra `train-support` (torch, scipy). Articles of folds 0 and 1 by title are never read: they are for the
generated traps. The lexicon and the word vectors come from `support_lexicon` and `support_vectors`, run before.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.extras import needs
from webbrain.grounding.binding import BindingNet
from webbrain.grounding.focus import Source
from webbrain.grounding.lexicon import WEIGHTS, idf, opposites
from webbrain.grounding.tier1 import FEATURES, inspect
from webbrain.grounding.vectors import WordVectors
from webbrain.grounding.words import describe
from webbrain.training.support_data import SETS, read_judged
from webbrain.training.support_fit import Floats, TrainingSet, fit_model
from webbrain.training.support_pairs import Pair, make_pairs

TRAIN_FOLDS = tuple(range(2, 10))
ADDITIVE_PAIRS = 4_000  # planted pairs that the additive model sees, apart from those of the binding checker
JUDGED_LIMIT = 2_500  # pairs of one human set
COMMON = 8.5  # rarity under which a word may be planted


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes of a training run; the defaults made the weights that ship."""

    pairs: int = 14_000
    epochs: int = 5
    share: float = 0.06  # of the articles: enough for that many pairs
    seed: int = 0


def word_lists(vectors: WordVectors) -> tuple[dict[str, list[str]], Callable[[str], Sequence[str]]]:
    """(common words that exclude each other, words used alike): what planted errors put in a word's place."""
    words = [piece for piece in vectors.pieces if len(piece) > 3 and piece.isascii() and piece.isalpha()]
    words = [word for word in words if word.islower() and idf(describe(word)[0]) < COMMON]
    by_stem: dict[str, list[str]] = {}
    for word in words:
        by_stem.setdefault(describe(word)[0], []).append(word)
    opposite = {
        word: others
        for word in words
        if (others := [other for stem in sorted(opposites(describe(word)[0])) for other in by_stem.get(stem, ())[:1]])
    }
    rows = np.stack([vectors.word(word) for word in words])
    place = {word: row for row, word in enumerate(words)}

    def alike(word: str) -> Sequence[str]:
        if word not in place:
            return ()
        close = rows @ rows[place[word]]
        near = [words[row] for row in np.argsort(-close)[3:30] if close[row] > 0.3]
        return [other for other in near if other[-2:] == word[-2:] and describe(other)[0] != describe(word)[0]]

    return opposite, alike


def planted(data: Path, settings: Settings, vectors: WordVectors, folds: Sequence[int]) -> Iterable[Pair]:
    opposite, alike = word_lists(vectors)
    return make_pairs(data / "articles", folds, opposite, alike, share=settings.share, seed=settings.seed)


def features_of(
    pairs: Iterable[tuple[str, str]], vectors: WordVectors, binding: BindingNet
) -> tuple[Floats, list[int]]:
    """(features of shape (n, len(FEATURES)), which pairs they belong to) of (claim, source) pairs that have words."""
    rows, kept = [], []
    for place, (claim, source) in enumerate(pairs):
        found = inspect(claim, Source.read(source), vectors, binding)
        if found is not None:
            rows.append(found.features)
            kept.append(place)
    return np.array(rows, np.float64).reshape(-1, len(FEATURES)), kept


def planted_set(pairs: Sequence[Pair], vectors: WordVectors, binding: BindingNet) -> TrainingSet:
    features, kept = features_of(((pair.claim, pair.source) for pair in pairs), vectors, binding)
    labels = np.array([pairs[place].supported for place in kept])
    groups = np.array([pairs[place].group for place in kept])
    certain = np.array([pairs[place].certain for place in kept])
    return TrainingSet(features, labels, groups, certain)


def judged_sets(
    data: Path, vectors: WordVectors, binding: BindingNet, limit: int | None = JUDGED_LIMIT
) -> dict[str, TrainingSet]:
    """The sets whose licence allows training."""
    found = {}
    for judged in SETS:
        if judged.train:
            pairs = read_judged(data / "fact", judged, limit)
            features, kept = features_of(((pair.claim, pair.source) for pair in pairs), vectors, binding)
            found[judged.name] = TrainingSet(features, np.array([pairs[place].supported for place in kept]))
            print(f"{judged.name}: {len(kept):,} pairs", flush=True)
    return found


def run(data: Path, output: Path, settings: Settings, *, refit: bool = False) -> None:
    """Writes `binding.npz` and `tier1.json` into `output`; `refit` keeps the binding checker that lies there."""
    vectors = WordVectors.load(WEIGHTS / "vectors.npz")
    pairs = list(islice(planted(data, settings, vectors, TRAIN_FOLDS), settings.pairs + ADDITIVE_PAIRS))
    if not refit:
        train_binding(pairs[: settings.pairs], vectors, settings).export(output / "binding.npz")
    binding = BindingNet.load(output / "binding.npz")
    judged = list(judged_sets(data, vectors, binding).values())
    fit_model(judged, planted_set(pairs[settings.pairs :], vectors, binding)).save(output / "tier1.json")


def train_binding(pairs: Sequence[Pair], vectors: WordVectors, settings: Settings) -> Any:
    """The binding checker, a torch module, trained on planted pairs."""
    with needs("train-support"):
        from webbrain.training.support_net import example, train
    made = (example(pair, vectors) for pair in pairs)
    return train([item for item in made if item is not None], settings.epochs, vectors.dim, settings.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder with articles/ and fact/.")
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--pairs", type=int, default=Settings().pairs)
    parser.add_argument("--epochs", type=int, default=Settings().epochs)
    parser.add_argument("--refit", action="store_true", help="Keep binding.npz and fit tier1.json alone.")
    options = parser.parse_args()
    run(options.data, options.output, Settings(options.pairs, options.epochs), refit=options.refit)


if __name__ == "__main__":
    main()
