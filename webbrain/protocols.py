"""What a part must do to be swapped in: small protocols, each with a conformance suite in `webbrain.testing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from webbrain.types import Claim, Passage, ScoredPassage, Sentence, Verdict

Vectors = NDArray[np.float32]


@runtime_checkable
class Encoder(Protocol):
    """Texts to unit vectors. A text's vector must not depend on the other texts of the call."""

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns float32 of shape (len(texts), dim), each row of length one."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """Ranks the passages of an index for a query."""

    @property
    def name(self) -> str: ...

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        """The best `k` passages, best first, ties broken by row, ranks from 1; fewer when fewer match."""
        ...


@runtime_checkable
class Fuser(Protocol):
    """Merges rankings, given as row -> score, into one row -> score."""

    def fuse(self, rankings: Sequence[Mapping[int, float]]) -> dict[int, float]: ...


@runtime_checkable
class Reranker(Protocol):
    """Reorders a ranking; returns the same passages with new scores and ranks."""

    def rerank(self, query: str, hits: Sequence[ScoredPassage]) -> list[ScoredPassage]: ...


@runtime_checkable
class Writer(Protocol):
    """Writes sentences from evidence. Marker `n` cites `evidence[n - 1]`; a writer never cites anything else."""

    @property
    def name(self) -> str: ...

    def write(self, query: str, evidence: Sequence[Passage]) -> list[Sentence]:
        """Sentences in reading order, each with at least one marker in 1..len(evidence), `support` unset."""
        ...


@runtime_checkable
class SupportScorer(Protocol):
    """Says how far passages support a claim."""

    @property
    def name(self) -> str: ...

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        """Verdict for the claim against the passages together; an empty source is never `supported`."""
        ...


@runtime_checkable
class Described(Protocol):
    """A part whose results depend on more than its name and this version of WebBrain."""

    def facts(self) -> Mapping[str, object]:
        """The model's name and digest, the seed, the settings, as JSON values; nothing secret."""
        ...
