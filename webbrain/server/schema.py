"""The shapes on the wire, and how values become them. These models are the OpenAPI schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from webbrain.analysis import Analyzer
from webbrain.grounding.spans import supporting_spans
from webbrain.types import Article, Origin, Passage, Reference, ScoredPassage, Sentence, Status
from webbrain.writing.bibtex import bibtex
from webbrain.writing.events import Dropped, Finished, SetAside, Stage, StageName, Verified
from webbrain.writing.render import render, safe_url

ErrorCode = Literal[
    "bad_host", "bad_request", "busy", "cross_site", "failed", "method", "not_found", "stopping", "timeout",
    "too_large", "unauthorized",
]  # fmt: skip


class Problem(BaseModel):
    """Why a request was not answered; `message` is one sentence for people."""

    code: ErrorCode
    message: str


class Source(BaseModel):
    """A passage and the page it stands in; `start` and `end` are its code points in the page's text."""

    passage_id: str
    doc_id: str
    title: str
    url: str = Field(description="An http(s) address, or empty.")
    text: str
    start: int
    end: int

    @classmethod
    def of(cls, passage: Passage) -> Source:
        return cls(
            passage_id=passage.passage_id,
            doc_id=passage.doc_id,
            title=passage.title,
            url=safe_url(passage.url),
            text=passage.text,
            start=passage.start,
            end=passage.end,
        )


class Hit(Source):
    """A passage in a ranking; ranks count from 1."""

    rank: int
    score: float


class SearchResult(BaseModel):
    query: str
    hits: list[Hit]

    @classmethod
    def of(cls, query: str, ranking: Sequence[ScoredPassage]) -> SearchResult:
        hits = [
            Hit(**Source.of(hit.passage).model_dump(), rank=rank, score=hit.score)
            for rank, hit in enumerate(ranking, start=1)
        ]
        return cls(query=query, hits=hits)


class Health(BaseModel):
    """`examples` are queries worth trying; sizes are those of the index."""

    status: Literal["ok", "stopping"]
    version: str
    documents: int
    passages: int
    examples: list[str]


class NumberedSource(Source):
    """What the mark `[marker]` points to."""

    marker: int


class Evidence(BaseModel):
    """Where in the passage `[marker]` the supporting words stand: [start, end) in code points of its text."""

    marker: int
    spans: list[tuple[int, int]]


class CitedSentence(BaseModel):
    """A sentence, the marks it carries, its support in [0, 1] (null: not checked), and how it came about."""

    text: str
    citations: list[int]
    support: float | None
    origin: Origin

    @classmethod
    def of(cls, sentence: Sentence) -> CitedSentence:
        return cls(
            text=sentence.text, citations=list(sentence.citations), support=sentence.support, origin=sentence.origin
        )


class WholeArticle(BaseModel):
    query: str
    status: Status
    sentences: list[CitedSentence]
    references: list[NumberedSource]
    other_senses: list[str]
    provenance: dict[str, object]

    @classmethod
    def of(cls, article: Article) -> WholeArticle:
        return cls(
            query=article.query,
            status=article.status,
            sentences=[CitedSentence.of(sentence) for sentence in article.sentences],
            references=[numbered(reference) for reference in article.references],
            other_senses=list(article.other_senses),
            provenance=dict(article.provenance),
        )


class WaitEvent(BaseModel):
    """All writers are busy; this reader is next but `ahead`."""

    event: Literal["wait"] = "wait"
    ahead: int


class StageEvent(BaseModel):
    """A stage begins; `counts` holds what is known so far."""

    event: Literal["stage"] = "stage"
    stage: StageName
    counts: dict[str, int]


class SentenceEvent(BaseModel):
    """A sentence that was checked and kept, with the sources it is the first to cite."""

    event: Literal["sentence"] = "sentence"
    sentence: CitedSentence
    references: list[NumberedSource]
    evidence: list[Evidence]


class DroppedEvent(BaseModel):
    """A sentence that was written and is not in the article, and why."""

    event: Literal["dropped"] = "dropped"
    text: str
    reason: str


class LeftOut(Source):
    """A retrieved passage that the article does not rest on, and why."""

    reason: str

    @classmethod
    def because(cls, aside: SetAside) -> LeftOut:
        return cls(**Source.of(aside.passage).model_dump(), reason=aside.reason)


class DoneEvent(BaseModel):
    """The last event of an article: the whole of it, what was left out, and the same as files to keep."""

    event: Literal["done"] = "done"
    article: WholeArticle
    set_aside: list[LeftOut]
    files: dict[Literal["md", "html", "json", "bib"], str]

    @classmethod
    def of(cls, finished: Finished) -> DoneEvent:
        article = finished.article
        return cls(
            article=WholeArticle.of(article),
            set_aside=[LeftOut.because(aside) for aside in finished.set_aside],
            files={
                "md": render(article, "md"),
                "html": render(article, "html"),
                "json": render(article, "json"),
                "bib": bibtex(article),
            },
        )


class ErrorEvent(Problem):
    """The last event of an article that could not be finished; what came before it stands."""

    event: Literal["error"] = "error"


ArticleEvent = WaitEvent | StageEvent | SentenceEvent | DroppedEvent | DoneEvent | ErrorEvent


def numbered(reference: Reference) -> NumberedSource:
    return NumberedSource(**Source.of(reference.passage).model_dump(), marker=reference.marker)


class EventMaker:
    """Turns the events of one article into those of the wire."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.texts: dict[int, str] = {}

    def make(self, event: Stage | Verified | Dropped | Finished) -> ArticleEvent:
        match event:
            case Stage():
                return StageEvent(stage=event.name, counts=dict(event.counts))
            case Verified():
                return self._sentence(event)
            case Dropped():
                return DroppedEvent(text=event.text, reason=event.reason)
            case Finished():
                return DoneEvent.of(event)

    def _sentence(self, event: Verified) -> SentenceEvent:
        self.texts |= {reference.marker: reference.passage.text for reference in event.references}
        return SentenceEvent(
            sentence=CitedSentence.of(event.sentence),
            references=[numbered(reference) for reference in event.references],
            evidence=[self._evidence(event.sentence.text, marker) for marker in event.sentence.citations],
        )

    def _evidence(self, claim: str, marker: int) -> Evidence:
        spans = supporting_spans(self.analyzer, claim, self.texts[marker])
        return Evidence(marker=marker, spans=[(span.start, span.end) for span in spans])
