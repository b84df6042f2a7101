"""The values that flow through WebBrain: frozen, slotted, with the field's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["ok", "no_evidence"]
Origin = Literal["written", "recited", "rewritten", "quoted"]
Label = Literal["supported", "partly", "contradicted", "not_supported", "not_checked"]


@dataclass(frozen=True, slots=True)
class Document:
    """One page of a corpus after cleaning; `text` is plain text, `metadata` holds JSON values."""

    doc_id: str
    title: str
    text: str
    url: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences of a document: `text == document.text[start:end]`."""

    passage_id: str
    doc_id: str
    title: str
    text: str
    start: int
    end: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    query_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Qrel:
    query_id: str
    doc_id: str
    relevance: int


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage in a ranking; `row` is its number in the index, `rank` counts from 1, `source` names the retriever."""

    passage: Passage
    score: float
    rank: int
    source: str
    row: int = -1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a support scorer says of a claim: `score` in [0, 1], the deciding evidence span, and the reasons."""

    label: Label
    score: float
    evidence: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement to check against the passages it cites."""

    text: str
    citations: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an article with the markers it cites and its support in [0, 1] (None: not checked).

    `origin` says how it came about: as the writer wrote it, with another citation, written anew from that passage, or
    the passage's own words in place of a sentence that nothing supports (see `webbrain.writing.verify`).
    """

    text: str
    citations: tuple[int, ...]
    support: float | None = None
    origin: Origin = "written"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a mark `[marker]` points to."""

    marker: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Article:
    """A query's article; `other_senses` names readings of an ambiguous query that were left out."""

    query: str
    sentences: tuple[Sentence, ...]
    references: tuple[Reference, ...]
    status: Status
    provenance: Mapping[str, object] = field(default_factory=dict)
    other_senses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A measure over `n` queries; `value` is None when it does not apply, and `reason` says why."""

    name: str
    value: float | None
    n: int
    n_excluded: int = 0
    reason: str = ""
