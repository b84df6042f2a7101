"""Retrieve, select evidence, write, check every sentence, number the references: a query becomes an article."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import webbrain
from webbrain.protocols import Retriever, SupportScorer, Writer
from webbrain.registry import SCORERS, WRITERS
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.types import Article, Claim, Passage, Reference, Sentence, Status
from webbrain.writing.evidence import EvidenceSelector

DEFAULT_WRITER = "extractive"
DEFAULT_SCORER = "exact"
KEEP = 0.5  # a sentence under this support is re-cited or dropped


def write_article(index: Index, query: str, *, writer: str | None = None, retriever: str | None = None) -> Article:
    """An article from an open index; see ArticleWriter for many queries."""
    return ArticleWriter.over(index, retriever=retriever, writer=writer).write(query)


@dataclass(frozen=True, slots=True)
class ArticleWriter:
    """The pipeline with its parts chosen; every part can be another implementation of its protocol."""

    index: Index
    retriever: Retriever
    selector: EvidenceSelector
    writer: Writer
    scorer: SupportScorer

    @classmethod
    def over(
        cls, index: Index, *, retriever: str | None = None, writer: str | None = None, scorer: str | None = None
    ) -> ArticleWriter:
        """Parts by registry name over an index; raises ConfigError for a name that nobody registered."""
        encoder = index.encoder if index.has_vectors else None
        return cls(
            index,
            make_retriever(index, retriever),
            EvidenceSelector(index),
            WRITERS.load(writer or DEFAULT_WRITER)(encoder),
            SCORERS.load(scorer or DEFAULT_SCORER)(),
        )

    def write(self, query: str) -> Article:
        """Status "no_evidence" and no sentence when nothing bears on the query or nothing written holds."""
        ranking = self.retriever.search(query, self.selector.settings.depth)
        evidence = self.selector.select(query, ranking)
        passages = [hit.passage for hit in evidence.hits]
        written = self.writer.write(query, passages) if passages else []
        checked = [_check(self.scorer, sentence, passages) for sentence in written]
        kept = [sentence for sentence in checked if sentence is not None]
        recited = sum(
            new is not None and new.citations != old.citations for new, old in zip(checked, written, strict=True)
        )
        counts = {
            "retrieved": len(ranking),
            "suspect": evidence.suspect,
            "evidence": len(passages),
            "written": len(written),
            "recited": recited,
            "dropped": len(written) - len(kept),
        }
        sentences, references = number_references(kept, passages)
        status: Status = "ok" if sentences else "no_evidence"
        return Article(query, sentences, references, status, self._provenance(counts), evidence.other_senses)

    def _provenance(self, counts: dict[str, int]) -> dict[str, Any]:
        manifest = self.index.manifest
        encoder = manifest.encoder or {}
        return {
            "webbrain": webbrain.__version__,
            "index": manifest.build_id,
            "encoder": encoder.get("name"),
            "encoder_sha256": encoder.get("weights_sha256"),
            "retriever": self.retriever.name,
            "writer": self.writer.name,
            "scorer": self.scorer.name,
            "counts": counts,
        }


def _check(scorer: SupportScorer, sentence: Sentence, passages: Sequence[Passage]) -> Sentence | None:
    """The sentence with its support; cited anew when only another passage supports it; None when none does."""
    verdict = scorer.score(
        Claim(sentence.text, sentence.citations), [passages[marker - 1] for marker in sentence.citations]
    )
    if verdict.score >= KEEP:
        return replace(sentence, support=verdict.score)
    scores = [
        scorer.score(Claim(sentence.text, (marker,)), [passage]).score for marker, passage in enumerate(passages, 1)
    ]
    best = max(range(len(scores)), key=lambda place: (scores[place], -place))
    if scores[best] < KEEP:
        return None
    return replace(sentence, citations=(best + 1,), support=scores[best])


def number_references(
    sentences: Sequence[Sentence], passages: Sequence[Passage]
) -> tuple[tuple[Sentence, ...], tuple[Reference, ...]]:
    """Renumber marks by first use and list what they point to; every reference is cited, every mark resolves."""
    markers: dict[int, int] = {}
    renumbered = []
    for sentence in sentences:
        citations = tuple(markers.setdefault(old, len(markers) + 1) for old in dict.fromkeys(sentence.citations))
        renumbered.append(replace(sentence, citations=citations))
    references = tuple(Reference(new, passages[old - 1]) for old, new in markers.items())
    return tuple(renumbered), references
