"""Beam search and sampling in numpy, step for step what `transformers` does with `early_stopping=True`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Step = Callable[[Sequence[int]], Floats]  # the last id of each beam -> log-probabilities (beams, vocabulary)
Keep = Callable[[NDArray[np.int64]], None]  # go on with these beams
Rule = Callable[[Sequence[int], Floats], None]  # changes the scores of the next token in place


@dataclass(frozen=True, slots=True)
class Beam:
    """Ids without the start token, and the sum of their log-probabilities."""

    ids: tuple[int, ...]
    score: float

    @property
    def mean(self) -> float:
        return self.score / max(len(self.ids), 1)


def beam_search(
    step: Step, keep: Keep, rules: Sequence[Rule], *, start: int, end: int, beams: int, max_tokens: int
) -> list[int]:
    """The ids of the best sequence, `end` included when it came to one."""
    live, finished = [Beam((), 0.0)], list[Beam]()
    for _ in range(max_tokens):
        candidates = _candidates(_scores(step, rules, live, start), live, beams)
        live, parents = [], list[int]()
        for place, (parent, beam) in enumerate(candidates):
            if beam.ids[-1] == end:
                if place < beams:
                    finished.append(beam)
            elif len(live) < beams:
                live.append(beam)
                parents.append(parent)
        if len(finished) >= beams or not live:
            break
        keep(np.array(parents, np.int64))
    return list(max(finished or live, key=lambda beam: beam.mean).ids)


def _scores(step: Step, rules: Sequence[Rule], live: Sequence[Beam], start: int) -> Floats:
    """Log-probabilities (beams, vocabulary) with the rules applied."""
    scores = step([beam.ids[-1] if beam.ids else start for beam in live])
    for row, beam in zip(scores, live, strict=True):
        for rule in rules:
            rule(beam.ids, row)
    return scores


def _candidates(scores: Floats, live: Sequence[Beam], beams: int) -> list[tuple[int, Beam]]:
    """The best 2 * beams continuations as (beam they come from, beam), best first."""
    totals = scores.astype(np.float64) + np.array([[beam.score] for beam in live])
    flat = totals.ravel()
    best = np.argpartition(-flat, min(2 * beams, flat.size) - 1)[: 2 * beams]
    ordered = sorted((int(place) for place in best), key=lambda place: (-flat[place], place))
    size = scores.shape[1]
    return [
        (place // size, Beam((*live[place // size].ids, place % size), float(flat[place])))
        for place in ordered
        if np.isfinite(flat[place])
    ]


def sample(
    step: Step,
    rules: Sequence[Rule],
    *,
    start: int,
    end: int,
    max_tokens: int,
    top_p: float,
    temperature: float,
    seed: int,
) -> list[int]:
    """Ids drawn token by token from the smallest set of tokens with `top_p` of the probability (nucleus sampling)."""
    random = np.random.default_rng(seed)
    live = Beam((), 0.0)
    while len(live.ids) < max_tokens and (not live.ids or live.ids[-1] != end):
        scores = _scores(step, rules, [live], start)[0].astype(np.float64) / temperature
        odds = np.exp(scores - scores.max())
        order = np.argsort(-odds, kind="stable")
        mass = np.cumsum(odds[order]) / odds.sum()
        nucleus = order[: int(np.searchsorted(mass, top_p)) + 1]
        token = int(random.choice(nucleus, p=odds[nucleus] / odds[nucleus].sum()))
        live = Beam((*live.ids, token), 0.0)
    return list(live.ids)


def not_before(size: int, end: int) -> Rule:
    """The end comes after `size` tokens at the earliest."""

    def forbid(ids: Sequence[int], scores: Floats) -> None:
        if len(ids) < size:
            scores[end] = -np.inf

    return forbid


def no_repeat(size: int) -> Rule:
    """No run of `size` tokens comes twice (Paulus, Xiong and Socher, ICLR 2018)."""

    def forbid(ids: Sequence[int], scores: Floats) -> None:
        head = tuple(ids[len(ids) - size + 1 :])
        for place in range(len(ids) - size + 1):
            if tuple(ids[place : place + size - 1]) == head:
                scores[ids[place + size - 1]] = -np.inf

    return forbid
