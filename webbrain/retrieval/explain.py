"""Why a passage stands where it does: what each stage gave it, part by part, and the parts add up to its score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from webbrain.errors import ConfigError
from webbrain.protocols import Retriever
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.retrieval.dense import DenseRetriever
from webbrain.retrieval.fusion import ScoreSum, scale
from webbrain.retrieval.hybrid import DEPTH, HybridRetriever
from webbrain.retrieval.ranking import order
from webbrain.retrieval.rerank import RerankingRetriever
from webbrain.retrieval.sparse import SparseRetriever
from webbrain.store.index import Index
from webbrain.types import ScoredPassage

Stage = Bm25Retriever | DenseRetriever | SparseRetriever
SEARCHED = 1000  # places looked through for a document named with `--doc`


@dataclass(frozen=True, slots=True)
class TermPart:
    """What one term gave: `weight` is the query's (idf times its count, or the learned weight). BM25 has `tf`, `idf`
    and `length`, the part of the denominator that the passage's length makes; sparse has `passage_weight`."""

    term: str
    weight: float
    contribution: float
    tf: int | None = None
    idf: float | None = None
    length: float | None = None
    passage_weight: float | None = None


@dataclass(frozen=True, slots=True)
class StagePart:
    """One ranking: the passage's score and rank in it (None: not among the first `DEPTH`), its score scaled for the
    fusion and what it gave to the fused score."""

    stage: str
    score: float | None
    rank: int | None
    scaled: float | None
    contribution: float | None
    terms: tuple[TermPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A hit with its stages. `first` is the score and rank before reranking, where there was one, and `rerank` the new
    score of a passage that the budget reached."""

    rank: int
    score: float
    passage_id: str
    doc_id: str
    title: str
    text: str
    retriever: str
    stages: tuple[StagePart, ...]
    first_score: float | None = None
    first_rank: int | None = None
    rerank: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Explainer:
    """Explains the hits of a retriever that WebBrain has; raises ConfigError for one of a third party."""

    def __init__(self, index: Index, retriever: Retriever) -> None:
        self.index, self.retriever = index, retriever
        self.base = retriever.retriever if isinstance(retriever, RerankingRetriever) else retriever
        if isinstance(self.base, HybridRetriever):
            self.stages: tuple[Stage, ...] = self.base.parts
        elif isinstance(self.base, Bm25Retriever | DenseRetriever | SparseRetriever):
            self.stages = (self.base,)
        else:
            raise ConfigError(f"retriever {retriever.name!r} cannot be explained; use bm25, dense, sparse or hybrid")

    def explain(self, query: str, k: int, doc_id: str | None = None) -> list[Explanation]:
        """The best `k` hits, or the best one of the document `doc_id`; ConfigError where that is not found."""
        hits, first, reranked = self._ranked(query, k if doc_id is None else SEARCHED)
        if doc_id is not None:
            hits = [hit for hit in hits if hit.passage.doc_id == doc_id][:1]
            if not hits:
                raise ConfigError(f"document {doc_id!r} is not among the first {SEARCHED} passages for this query")
        rankings = [dict(stage.rows(query, DEPTH)) for stage in self.stages]
        return [self._explained(query, hit, rankings, first, reranked) for hit in hits]

    def _ranked(self, query: str, k: int) -> tuple[list[ScoredPassage], dict[int, ScoredPassage], dict[int, float]]:
        """(hits, hits by row before reranking, new scores by row)."""
        if not isinstance(self.retriever, RerankingRetriever):
            return self.retriever.search(query, k), {}, {}
        before = self.base.search(query, SEARCHED)
        done = self.retriever.reranked(query, k)
        return done.hits, {hit.row: hit for hit in before}, done.scores

    def _explained(
        self,
        query: str,
        hit: ScoredPassage,
        rankings: Sequence[dict[int, float]],
        first: dict[int, ScoredPassage],
        reranked: dict[int, float],
    ) -> Explanation:
        before = first.get(hit.row)
        passage = hit.passage
        return Explanation(
            hit.rank,
            hit.score,
            passage.passage_id,
            passage.doc_id,
            passage.title,
            passage.text,
            self.retriever.name,
            tuple(self._stages(query, hit.row, rankings)),
            None if before is None else before.score,
            None if before is None else before.rank,
            reranked.get(hit.row),
        )

    def _stages(self, query: str, row: int, rankings: Sequence[dict[int, float]]) -> list[StagePart]:
        found = []
        for stage, ranking in zip(self.stages, rankings, strict=True):
            rank = next((at for at, (one, _) in enumerate(order(ranking, DEPTH), 1) if one == row), None)
            terms = () if isinstance(stage, DenseRetriever) else tuple(_terms(self.index, stage, query, row))
            score = ranking.get(row)
            scaled, gave = self._fused(ranking, row, rank)
            found.append(StagePart(stage.name, score, rank, scaled, gave, terms))
        return found

    def _fused(self, ranking: dict[int, float], row: int, rank: int | None) -> tuple[float | None, float | None]:
        """(scaled score, part of the fused score) of a row in one of the rankings."""
        if not isinstance(self.base, HybridRetriever):
            return None, ranking.get(row)
        if isinstance(self.base.fuser, ScoreSum):
            scaled = scale(ranking).get(row, 0.0) if ranking else 0.0
            return scaled, scaled / len(self.stages)
        alone = self.base.fuser.fuse([ranking]) if ranking else {}
        return None, alone.get(row, 0.0) if rank is not None else 0.0


def _terms(index: Index, stage: Bm25Retriever | SparseRetriever, query: str, row: int) -> list[TermPart]:
    found = (
        _bm25_terms(index, stage, query, row) if isinstance(stage, Bm25Retriever) else _sparse_terms(stage, query, row)
    )
    return sorted(found, key=lambda part: -part.contribution)


def _bm25_terms(index: Index, stage: Bm25Retriever, query: str, row: int) -> list[TermPart]:
    shard, local = index.locate(row)
    postings = index.postings[shard]
    length = stage.k1 * (1 - stage.b + stage.b * float(postings.lengths[local]) / stage.mean_length)
    counts = Counter(stage.analyzer.query_terms(query))
    parts = []
    for term, idf in stage.idf(counts).items():
        rows, held = postings.postings(postings.find(term))
        place = int(np.searchsorted(rows, local))
        if place < len(rows) and rows[place] == local:
            tf, weight = int(held[place]), counts[term] * idf
            parts.append(TermPart(term, weight, weight * tf / (tf + length), tf, idf, length))
    return parts


def _sparse_terms(stage: SparseRetriever, query: str, row: int) -> list[TermPart]:
    encoder = stage.index.sparse_encoder
    return [
        TermPart(encoder.term(term), asked, asked * held, passage_weight=held)
        for term, (asked, held) in stage.parts(query, row).items()
    ]
