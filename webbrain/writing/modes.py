"""Where an experiment's evidence comes from: the retriever, or the documents judged relevant; and how much of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from webbrain.protocols import Retriever
from webbrain.store.index import Index
from webbrain.types import ScoredPassage
from webbrain.writing.events import SetAside
from webbrain.writing.evidence import Evidence, EvidenceSelector
from webbrain.writing.pipeline import ArticleWriter

Source = Literal["retrieved", "gold"]
# Passages of the whole corpus that are ranked, so that those of the judged documents come in the retriever's order.
GOLD_DEPTH = 1000


@dataclass(frozen=True, slots=True)
class EvidenceMode:
    """`references_used`: at most so many passages for the writer (None: as many as it likes; 0: none, so a writer that
    writes from evidence writes nothing)."""

    source: Source = "retrieved"
    references_used: int | None = None

    @property
    def is_default(self) -> bool:
        return self == EvidenceMode()

    def as_json(self) -> dict[str, Any]:
        return {"source": self.source, "references_used": self.references_used}


def in_mode(writer: ArticleWriter, mode: EvidenceMode, judged: Sequence[int] = ()) -> ArticleWriter:
    """The writer with its evidence as `mode` says; for "gold", `judged` are the rows of the query's passages."""
    if mode.is_default:
        return writer
    if mode.source == "gold":
        writer = replace(writer, retriever=JudgedRetriever(writer.index, writer.retriever, judged))
    return replace(writer, selector=ModeSelector(writer.selector, mode))


def rows_of_documents(index: Index, doc_ids: Collection[str]) -> dict[str, list[int]]:
    """The rows of the passages of each of these documents; a page folded into another one has that one's rows."""
    canonical = {alias["doc_id"]: doc_id for doc_id, aliases in index.aliases.items() for alias in aliases}
    wanted = {canonical.get(doc_id, doc_id) for doc_id in doc_ids}
    rows: dict[str, list[int]] = {}
    for row, doc_id in _documents_of_rows(index):
        if doc_id in wanted:
            rows.setdefault(doc_id, []).append(row)
    return {doc_id: rows.get(canonical.get(doc_id, doc_id), []) for doc_id in doc_ids}


class JudgedRetriever:
    """Implements `Retriever` over given rows only: in the order of another retriever, then those it did not find."""

    name = "gold"

    def __init__(self, index: Index, order: Retriever, rows: Sequence[int]) -> None:
        self.index = index
        self.order = order
        self.rows = rows

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        wanted = set(self.rows)
        found = [hit for hit in self.order.search(query, GOLD_DEPTH) if hit.row in wanted] if wanted else []
        missed = sorted(wanted - {hit.row for hit in found})
        found += [ScoredPassage(self.index.passage(row), 0.0, 0, self.name, row) for row in missed]
        return [replace(hit, rank=rank, source=self.name) for rank, hit in enumerate(found[:k], start=1)]


class ModeSelector(EvidenceSelector):
    """Takes gold evidence as it comes, without the filters for what a search brings up; then the first so many."""

    def __init__(self, base: EvidenceSelector, mode: EvidenceMode) -> None:
        self.base = base
        self.settings = base.settings
        self.mode = mode

    def select(self, query: str, ranking: Sequence[ScoredPassage]) -> Evidence:
        evidence = Evidence(tuple(ranking)) if self.mode.source == "gold" else self.base.select(query, ranking)
        most = self.mode.references_used
        if most is None or most >= len(evidence.hits):
            return evidence
        reason = f"beyond the {most} passages that this experiment allows"
        aside = tuple(SetAside(hit.passage, reason) for hit in evidence.hits[most:])
        return replace(evidence, hits=evidence.hits[:most], set_aside=(*evidence.set_aside, *aside))


def _documents_of_rows(index: Index) -> Iterable[tuple[int, str]]:
    place, doc_id = (-1, -1), ""
    for row in index.live_rows():
        shard, local = index.locate(row)
        document = index.passages[shard].document_of(local)
        if (shard, document) != place:
            place, doc_id = (shard, document), index.passages[shard].head(document).doc_id
        yield row, doc_id
