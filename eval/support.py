"""Checking the checker: support scores for pairs of a source and a claim, and a cut fitted on people's labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webbrain.errors import CorpusError
from webbrain.grounding.calibration import Calibration, fit
from webbrain.protocols import SupportScorer
from webbrain.records import lines
from webbrain.types import Claim, Passage, Verdict

SUPPORTED_LABELS = ("supported", "supports", "entailment", "consistent", "true", "1", "yes")
OTHER_LABELS = (
    "not_supported", "partly", "partially_supported", "contradicted", "refutes", "contradiction", "not_enough_info",
    "neutral", "inconsistent", "false", "0", "no", "generic",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SupportPair:
    """A claim and the texts it is held against; `supported` is a person's label, None without one."""

    pair_id: str
    sources: tuple[str, ...]
    claim: str
    supported: bool | None = None


def read_pairs(path: Path | str, *, labelled: bool = False) -> Iterator[SupportPair]:
    """JSONL rows {"id", "source": text or list of texts, "claim"[, "label"]}; "-" is stdin. Raises CorpusError."""
    seen: set[str] = set()
    for number, line in lines(path):
        try:
            pair = _pair(json.loads(line), labelled)
        except (ValueError, KeyError, TypeError) as error:
            message = f'not a pair {{"id", "source", "claim"{", label" if labelled else ""}}} ({error})'
            raise CorpusError(message, path, number) from error
        if pair.pair_id in seen:
            raise CorpusError(f"id {pair.pair_id!r} comes twice; give each pair its own", path, number)
        seen.add(pair.pair_id)
        yield pair


def _pair(row: dict[str, Any], labelled: bool) -> SupportPair:
    source = row["source"]
    sources = tuple(source) if isinstance(source, list) else (source,)
    if not all(isinstance(text, str) for text in (*sources, row["claim"])):
        raise TypeError("source and claim are texts")
    if isinstance(row["id"], bool) or not isinstance(row["id"], str | int):
        raise TypeError("id is a text or a whole number")
    return SupportPair(str(row["id"]), sources, row["claim"], _label(row["label"]) if labelled else None)


def _label(label: object) -> bool:
    name = str(int(label) if isinstance(label, bool) else label).strip().lower().replace(" ", "_")
    if name not in SUPPORTED_LABELS and name not in OTHER_LABELS:
        raise ValueError(f"label {label!r} is none of {', '.join((*SUPPORTED_LABELS, *OTHER_LABELS))}")
    return name in SUPPORTED_LABELS


def check_pair(pair: SupportPair, scorer: SupportScorer) -> Verdict:
    """The verdict for one pair; its texts are taken together, as the passages that a sentence cites."""
    passages = [
        Passage(f"{pair.pair_id}-{at}", pair.pair_id, "", text, 0, len(text)) for at, text in enumerate(pair.sources)
    ]
    return scorer.score(Claim(pair.claim), passages)


def check_pairs(pairs: list[SupportPair], scorer: SupportScorer) -> Iterator[dict[str, Any]]:
    """Per pair {"id", "score", "label", "evidence", "reasons"}, in order."""
    for pair in pairs:
        verdict = check_pair(pair, scorer)
        yield {
            "id": pair.pair_id,
            "score": verdict.score,
            "label": verdict.label,
            "evidence": verdict.evidence,
            "reasons": list(verdict.reasons),
        }


def calibrate(pairs: list[SupportPair], scorer: SupportScorer) -> Calibration:
    """The cut and calibration of a scorer on labelled pairs; what it could not check is left out of the fit."""
    checked = [(check_pair(pair, scorer), bool(pair.supported)) for pair in pairs]
    known = [(verdict.score, label) for verdict, label in checked if verdict.label != "not_checked"]
    return fit(scorer.name, [score for score, _ in known], [label for _, label in known])
