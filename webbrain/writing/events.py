"""What happens while an article is written, in order: stages, then each sentence as it is verified or dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from webbrain.types import Article, Passage, Reference, Sentence

StageName = Literal["retrieve", "select", "write", "check"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage begins; `counts` holds what is known so far (passages retrieved, sentences written, ...)."""

    name: StageName
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A retrieved passage that is no evidence, and why."""

    passage: Passage
    reason: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A sentence that held, with its final marks; `references` are those of its marks not seen before."""

    sentence: Sentence
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A written sentence that no passage supports, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The whole article: always the last event. `set_aside` are the retrieved passages that it does not rest on."""

    article: Article
    set_aside: tuple[SetAside, ...] = ()


Event = Stage | Verified | Dropped | Finished
