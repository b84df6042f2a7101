"""Do support scores mean what they say? Scores against people's labels: reliability, ECE, Brier score, AUC."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webbrain.errors import CorpusError
from webbrain.protocols import SupportScorer
from webbrain.records import lines
from webbrain.terminal import count_bar
from webbrain.types import Claim, Passage

from .checks import CheckedArticle

BINS = 10
Z = 1.959964  # two-sided 95%
TRUE_LABELS = ("supported", "true", "yes", "1")
FALSE_LABELS = ("not_supported", "unsupported", "partially_supported", "partly", "contradicted", "false", "no", "0")


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs whose score lies in one tenth: their mean score, the share labelled supported, its 95% Wilson interval."""

    n: int
    score: float
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """`ece`: mean over pairs of |share - mean score| of their bin; `auc` is None where only one label occurs."""

    scorer: str
    n: int
    bins: tuple[Bin, ...]
    ece: float
    brier: float
    auc: float | None


def measure_reliability(scorer: str, scores: Sequence[float], labels: Sequence[bool]) -> Reliability:
    """Reliability over ten equal bins of [0, 1]; raises ValueError without a pair."""
    if not scores:
        raise ValueError("there is no labelled pair")
    places = [min(int(score * BINS), BINS - 1) for score in scores]
    groups = [[at for at, place in enumerate(places) if place == number] for number in range(BINS)]
    bins = tuple(_bin([scores[at] for at in group], [labels[at] for at in group]) for group in groups if group)
    n = len(scores)
    ece = sum(one.n * abs(one.share - one.score) for one in bins) / n
    brier = sum((score - label) ** 2 for score, label in zip(scores, labels, strict=True)) / n
    return Reliability(scorer, n, bins, ece, brier, roc_auc(scores, labels))


def roc_auc(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """Share of (supported, other) pairs in which the supported one scores higher; a tie counts half."""
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    order = sorted(range(len(scores)), key=scores.__getitem__)
    ranks = 0.0
    at = 0
    while at < len(order):
        end = at
        while end < len(order) and scores[order[end]] == scores[order[at]]:
            end += 1
        ranks += sum(labels[place] for place in order[at:end]) * (at + end + 1) / 2
        at = end
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def read_labelled(
    path: Path, scorer: SupportScorer, checked: Mapping[str, CheckedArticle]
) -> tuple[list[float], list[bool]]:
    """(scores, labels) of a JSONL file of people's labels.

    A row labels a sentence of the run, `{"query_id", "sentence": from 1, "label"}`, or a pair of its own,
    `{"source", "claim", "label"}`. Raises CorpusError for a malformed row or a sentence that the run does not have.
    """
    scores, labels = [], []
    for number, line in count_bar(lines(path), None, f"scoring labels with {scorer.name}"):
        try:
            row = json.loads(line)
            labels.append(_label(row["label"]))
            scores.append(_score(row, scorer, checked))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise CorpusError(
                f"no labelled sentence or pair ({type(error).__name__}: {error})", path, number
            ) from error
    if not scores:
        raise CorpusError("there is no label in it; give a JSONL file", path)
    return scores, labels


def _score(row: dict[str, Any], scorer: SupportScorer, checked: Mapping[str, CheckedArticle]) -> float:
    if "claim" in row:
        source = row["source"]
        text = source if isinstance(source, str) else "\n".join(source)
        return scorer.score(Claim(row["claim"], (1,)), [Passage("1", "1", "", text, 0, len(text))]).score
    place = int(row["sentence"])
    if place < 1:
        raise IndexError("sentences count from 1")
    return checked[str(row["query_id"])].sentences[place - 1].verdict.score


def _label(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in TRUE_LABELS:
        return True
    if text in FALSE_LABELS:
        return False
    raise ValueError(f"the label {value!r} is none of {', '.join((*TRUE_LABELS, *FALSE_LABELS))}")


def _bin(scores: Sequence[float], labels: Sequence[bool]) -> Bin:
    n, share = len(scores), sum(labels) / len(labels)
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return Bin(n, sum(scores) / n, share, max(0.0, centre - half), min(1.0, centre + half))
