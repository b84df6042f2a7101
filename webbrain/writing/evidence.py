"""From a ranking to the evidence of one article: what bears on the query, in one sense, without repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from webbrain.analysis import is_stop
from webbrain.protocols import Vectors
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.retrieval.senses import SenseSettings, other_names, senses
from webbrain.store.index import Index
from webbrain.types import ScoredPassage
from webbrain.writing.events import SetAside
from webbrain.writing.suspicion import suspicion


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """`depth` passages are read; one bears on the query when it holds `coverage` of the query's idf mass, or when its
    cosine reaches `cosine`; senses are told apart for queries of up to `sense_terms` terms."""

    depth: int = 40
    coverage: float = 0.6
    cosine: float = 0.55
    sense_terms: int = 3
    senses: SenseSettings = field(default_factory=SenseSettings)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`hits` in ranking order, all in one sense; `other_senses` are titles of pages in other senses; `suspect` counts
    passages left out because their page is written at programs (see `suspicion`); `set_aside` are all left out.
    """

    hits: tuple[ScoredPassage, ...]
    other_senses: tuple[str, ...] = ()
    suspect: int = 0
    set_aside: tuple[SetAside, ...] = ()


class EvidenceSelector:
    """Selects evidence from rankings of one index."""

    def __init__(self, index: Index, settings: EvidenceSettings | None = None) -> None:
        self.index = index
        self.settings = settings or EvidenceSettings()
        self.bm25 = Bm25Retriever(index)

    def select(self, query: str, ranking: Sequence[ScoredPassage]) -> Evidence:
        """Evidence for the query; no hits when nothing in the ranking bears on it."""
        suspicions = self._suspicions(ranking)
        found = self._bearing(query, [hit for hit in ranking if suspicions[hit.passage.doc_id] is None])
        suspects = [
            SetAside(hit.passage, f"is on a page written at programs: {reason}")
            for hit in ranking
            if (reason := suspicions[hit.passage.doc_id])
        ]
        return replace(found, suspect=len(suspects), set_aside=(*suspects, *found.set_aside))

    def _suspicions(self, ranking: Sequence[ScoredPassage]) -> dict[str, str | None]:
        """Per document of the ranking why it is suspicious, or None; a page is judged whole."""
        verdicts: dict[str, str | None] = {}
        for hit in ranking:
            if hit.passage.doc_id not in verdicts:
                shard, local = self.index.locate(hit.row)
                page = self.index.passages[shard]
                document = page.document(page.document_of(local))
                verdicts[hit.passage.doc_id] = suspicion(f"{document.title}\n{document.text}")
        return verdicts

    def _bearing(self, query: str, ranking: Sequence[ScoredPassage]) -> Evidence:
        vectors = self._vectors(ranking)
        cosines = vectors @ self.index.encoder.encode([query])[0] if vectors is not None else np.zeros(len(ranking))
        kept = [place for place, hit in enumerate(ranking) if self._bears(query, hit, float(cosines[place]))]
        hits = [ranking[place] for place in kept]
        aside = _set_aside(ranking, hits, "does not bear on the query")
        if vectors is None or not self._may_be_ambiguous(query, hits):
            return Evidence(tuple(hits), set_aside=aside)
        found = self._strongest_sense(query, hits, vectors[kept])
        return replace(found, set_aside=(*_set_aside(hits, found.hits, "is about another sense of the query"), *aside))

    def _bears(self, query: str, hit: ScoredPassage, cosine: float) -> bool:
        return cosine >= self.settings.cosine or self.coverage(query, hit) >= self.settings.coverage

    def coverage(self, query: str, hit: ScoredPassage) -> float:
        """Share of the query's idf mass whose terms stand in the passage or its title."""
        weights = self.bm25.idf(self.bm25.analyzer.query_terms(query))
        held = set(self.bm25.analyzer.terms(f"{hit.passage.title} {hit.passage.text}"))
        total = sum(weights.values())
        return sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0

    def _vectors(self, ranking: Sequence[ScoredPassage]) -> Vectors | None:
        """The stored vectors of the ranked passages, shape (n, dim)."""
        if not self.index.has_vectors:
            return None
        rows = []
        for hit in ranking:
            shard, local = self.index.locate(hit.row)
            rows.append(self.index.vectors[shard].reconstruct(local))
        return np.array(rows, np.float32).reshape(len(rows), self.index.encoder.dim)

    def _may_be_ambiguous(self, query: str, hits: Sequence[ScoredPassage]) -> bool:
        terms = [term for term in self.bm25.analyzer.query_terms(query) if not is_stop(term)]
        return len(hits) > 2 and len(terms) <= self.settings.sense_terms

    def _strongest_sense(self, query: str, hits: list[ScoredPassage], vectors: Vectors) -> Evidence:
        """Keep the passages of one sense of the query, and name the others."""
        strongest, *others = senses(query, self.index.encoder.encode([query])[0], hits, vectors, self.settings.senses)
        return Evidence(strongest.hits, other_names(strongest, others))


def _set_aside(ranking: Sequence[ScoredPassage], kept: Sequence[ScoredPassage], reason: str) -> tuple[SetAside, ...]:
    rows = {hit.row for hit in kept}
    return tuple(SetAside(hit.passage, reason) for hit in ranking if hit.row not in rows)
