"""Retrieve, select evidence, write, check every sentence, number the references: a query becomes an article."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import webbrain
from webbrain.facts import facts_of
from webbrain.grounding.normal import tidy
from webbrain.grounding.scorers import make_scorer
from webbrain.protocols import Retriever, SupportScorer, Writer
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.types import Article, Passage, Reference, Sentence, Status
from webbrain.writing.events import Dropped, Event, Finished, Stage, Verified
from webbrain.writing.evidence import EvidenceSelector
from webbrain.writing.verify import Verifier
from webbrain.writing.writers import make_writer

DEFAULT_WRITER = "extractive"
KEEP = 0.5  # a sentence under this support is cited or written anew, replaced by a quotation, or dropped


def write_article(
    index: Index, query: str, *, writer: str | None = None, retriever: str | None = None, scorer: str | None = None
) -> Article:
    """An article from an open index; see ArticleWriter for many queries."""
    return ArticleWriter.over(index, retriever=retriever, writer=writer, scorer=scorer).write(query)


@dataclass(frozen=True, slots=True)
class ArticleWriter:
    """The pipeline with its parts chosen; every part can be another implementation of its protocol."""

    index: Index
    retriever: Retriever
    selector: EvidenceSelector
    writer: Writer
    scorer: SupportScorer
    floor: Writer | None = None  # writes in the place of a writer of whose sentences none holds

    @classmethod
    def over(
        cls, index: Index, *, retriever: str | None = None, writer: str | None = None, scorer: str | None = None
    ) -> ArticleWriter:
        """Parts by registry name over an index; raises ConfigError for a name that nobody registered."""
        encoder = index.encoder if index.has_vectors else None
        chosen = make_writer(writer or DEFAULT_WRITER, encoder)
        return cls(
            index,
            make_retriever(index, retriever),
            EvidenceSelector(index),
            chosen,
            make_scorer(scorer),
            None if chosen.name == DEFAULT_WRITER else make_writer(DEFAULT_WRITER, encoder),
        )

    def write(self, query: str) -> Article:
        """Status "no_evidence" and no sentence when nothing bears on the query or nothing written holds."""
        *_, last = self.stream(query)
        assert isinstance(last, Finished)
        return last.article

    def stream(self, query: str) -> Generator[Event, None, None]:
        """What happens, as it happens; the last event is Finished. Closing the iterator stops the work."""
        yield Stage("retrieve")
        ranking = self.retriever.search(query, self.selector.settings.depth)
        counts = {"retrieved": len(ranking)}
        yield Stage("select", dict(counts))
        evidence = self.selector.select(query, ranking)
        passages = [hit.passage for hit in evidence.hits]
        counts |= {"suspect": evidence.suspect, "evidence": len(passages)}
        yield Stage("write", dict(counts))
        written = self.writer.write(query, passages) if passages else []
        counts |= {"written": len(written), "recited": 0, "rewritten": 0, "quoted": 0, "dropped": 0}
        yield Stage("check", dict(counts))
        kept: list[Sentence] = []
        marks = Marks(passages)
        verifier = Verifier(self.scorer, passages, query, self.writer, KEEP)
        yield from _verified(written, verifier, marks, counts, kept)
        if passages and not kept and self.floor is not None:
            quotations = [replace(item, origin="quoted") for item in self.floor.write(query, passages)]
            yield from _verified(quotations, verifier, marks, counts, kept)
        status: Status = "ok" if kept else "no_evidence"
        provenance = self._provenance(counts)
        article = Article(query, tuple(kept), marks.references(), status, provenance, evidence.other_senses)
        yield Finished(article, evidence.set_aside)

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
            "writer_settings": facts_of(self.writer),
            "scorer": self.scorer.name,
            "scorer_settings": facts_of(self.scorer),
            "counts": counts,
        }


def _verified(
    written: Sequence[Sentence], verifier: Verifier, marks: Marks, counts: dict[str, int], kept: list[Sentence]
) -> Iterator[Event]:
    """Says of each sentence whether it holds; those that do are added to `kept` with their final marks."""
    for sentence in written:
        checked = verifier.check(sentence)
        if isinstance(checked, Dropped):
            counts["dropped"] += 1
            yield checked
            continue
        if checked.origin != "written":
            counts[checked.origin] += 1
        numbered, references = marks.renumber(checked)
        kept.append(numbered)
        yield Verified(numbered, references)


class Marks:
    """Numbers marks by first use, from markers of the evidence; every reference is cited, every mark resolves."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = passages
        self.numbers: dict[int, int] = {}

    def renumber(self, sentence: Sentence) -> tuple[Sentence, tuple[Reference, ...]]:
        """The sentence with its final marks, and the references that it is the first to cite."""
        known = len(self.numbers)
        citations = tuple(
            self.numbers.setdefault(old, len(self.numbers) + 1) for old in dict.fromkeys(sentence.citations)
        )
        return replace(sentence, citations=citations), self.references()[known:]

    def references(self) -> tuple[Reference, ...]:
        return tuple(Reference(new, _plainly_titled(self.passages[old - 1])) for old, new in self.numbers.items())


def _plainly_titled(passage: Passage) -> Passage:
    """A title is shown without the marks that its page may have put there to look like ours."""
    return replace(passage, title=tidy(passage.title))
