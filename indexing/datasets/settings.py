"""What a dataset build is told; all of it goes into `dataset.json`, and its digest names the build."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from webbrain.errors import ConfigError

FORMAT_VERSION = 1
SPLITS = ("train", "dev", "test")
Kind = Literal["raw", "wiki", "articles"]
Evidence = Literal["gold", "retrieved", "both"]
Retriever = Literal["bm25", "hybrid"]


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """Constants of the build. From the WebBrain paper unless marked (ours), where it names none or fits it to this use.

    rho               a passage supports a sentence when P_ST > rho; 0.3 in the paper's public code
    passage_tokens    words and punctuation marks in a supporting passage
    references        references of an example, at most
    fill              distractors take the places that supporting passages leave (ours)
    shuffle           references in a seeded random order, so that a mark's number says nothing of its place (ours)
    mention_pages     other pages that name the title, searched for support (ours; `articles` and `wiki` only)
    overlap           a passage that shares more of its text with a chosen one is not chosen beside it (ours)
    negatives         negatives of a query in WebBrain-R, drawn from ranks first_negative..last_negative
    distractor_rank   distractors come from the ranking's head, down to this rank (ours)
    min_target_words, max_target_tokens   shorter targets are rejected (ours), longer ones cut after a whole sentence
    dev_share, test_share   of the titles, by hash (ours)
    """

    kind: Kind = "articles"
    evidence: Evidence = "gold"
    retriever: Retriever = "bm25"
    rho: float = 0.3
    passage_tokens: int = 256
    references: int = 5
    fill: bool = True
    shuffle: bool = True
    mention_pages: int = 5
    overlap: float = 0.5
    negatives: int = 4
    first_negative: int = 30
    last_negative: int = 50
    distractor_rank: int = 20
    min_target_words: int = 8
    max_target_tokens: int = 512
    dev_share: float = 0.03
    test_share: float = 0.03
    seed: int = 0
    shard_pages: int = 500
    licence: str = "not stated"

    def __post_init__(self) -> None:
        _check_choices(self)
        for name in ("rho", "overlap", "dev_share", "test_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} of {getattr(self, name)} makes no sense; give 0 or more, and less than 1")
        if self.dev_share + self.test_share >= 1:
            raise ConfigError("dev and test leave nothing to train on; make --dev-share or --test-share smaller")
        for name in ("passage_tokens", "references", "negatives", "first_negative", "shard_pages"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of {getattr(self, name)} makes no sense; give 1 or more")
        if self.last_negative < self.first_negative:
            raise ConfigError(f"negatives from rank {self.first_negative} to {self.last_negative}: there are none")

    @property
    def depth(self) -> int:
        """How deep each title's ranking is read."""
        return max(self.last_negative, self.distractor_rank, self.references)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan_id(settings: DatasetSettings, fingerprint: str) -> str:
    """Names one build: the same settings over the same source."""
    plan = {"format_version": FORMAT_VERSION, "fingerprint": fingerprint, "settings": settings.as_json()}
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]


def _check_choices(settings: DatasetSettings) -> None:
    choices = {"kind": get_args(Kind), "evidence": get_args(Evidence), "retriever": get_args(Retriever)}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name in choices and value not in choices[field.name]:
            raise ConfigError(f"unknown {field.name} {value!r}; known are: {', '.join(choices[field.name])}")
