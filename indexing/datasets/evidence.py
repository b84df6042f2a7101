"""Where a title's evidence comes from: its own documents, pages that mention it, and the ranking of all the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from webbrain.analysis import Analyzer
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.types import Passage

from .pages import Page
from .recall import Window, content_terms, term_recall, windows
from .settings import DatasetSettings
from .support import Candidate, Wanted, window_candidate
from .text import one_line

_QUALIFIER = re.compile(r" \([^()]*\)$")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage of the index in a title's ranking."""

    row: int
    passage: Passage


class Searcher:
    """Rankings over the index of all evidence documents (for articles: bodies, leads left out)."""

    def __init__(self, folder: Path, settings: DatasetSettings, analyzer: Analyzer) -> None:
        self.index = Index.open(folder)
        self.settings, self.analyzer = settings, analyzer
        self._retriever = make_retriever(self.index, settings.retriever)

    def rows(self, title: str) -> list[int]:
        """Rows of the title's ranking, best first."""
        return [row for row, _ in self._retriever.rows(title, self.settings.depth)]  # type: ignore[attr-defined]

    def ranked(self, rows: Sequence[int]) -> list[Ranked]:
        return [Ranked(row, self.index.passage(row)) for row in rows]

    def document_text(self, row: int) -> str:
        shard, local = self.index.locate(row)
        page = self.index.passages[shard]
        return page.document(page.document_of(local)).text


@lru_cache(maxsize=1)
def open_searcher(folder: Path, settings: DatasetSettings) -> Searcher:
    """One searcher a process."""
    return Searcher(folder, settings, Analyzer())


def own_candidates(page: Page, settings: DatasetSettings, analyzer: Analyzer) -> list[Candidate]:
    """All passages of the page's own documents."""
    source = "reference" if settings.kind == "raw" else "body"
    return [
        window_candidate(document.doc_id, document.title, window, source, document.number)
        for document in page.documents
        for window in windows(document.text, settings.passage_tokens, analyzer)
    ]


def mention_candidates(page: Page, head: Sequence[Ranked], searcher: Searcher) -> Iterator[Candidate]:
    """Passages that name the title, of the first pages in its ranking that do."""
    own = {document.doc_id for document in page.documents} | {page.page_id}
    name = _mention(page.title)
    settings, seen = searcher.settings, set[str]()
    for hit in head:
        doc_id = hit.passage.doc_id
        if doc_id in own or doc_id in seen or not name.search(hit.passage.text):
            continue
        if len(seen) == settings.mention_pages:
            return
        seen.add(doc_id)
        text = searcher.document_text(hit.row)
        for window in windows(text, settings.passage_tokens, searcher.analyzer, name.search):
            yield window_candidate(doc_id, hit.passage.title, window, "mention")


def distractors(
    page: Page, head: Sequence[Ranked], chosen: Sequence[Candidate], wanted: Sequence[Wanted], searcher: Searcher
) -> list[Candidate]:
    """Ranked passages of other documents that support no sentence, as many as there is room for."""
    settings = searcher.settings
    taken = {document.doc_id for document in page.documents} | {one.doc_id for one in chosen} | {page.page_id}
    found: list[Candidate] = []
    for hit in head:
        if len(chosen) + len(found) == settings.references:
            break
        if hit.passage.doc_id in taken:
            continue
        candidate = as_candidate(hit.passage, "distractor", searcher.analyzer)
        if not any(term_recall(one.terms, candidate.window.terms) > settings.rho for one in wanted):
            taken.add(hit.passage.doc_id)
            found.append(candidate)
    return found


def as_candidate(passage: Passage, source: str, analyzer: Analyzer) -> Candidate:
    text = one_line(passage.text)
    window = Window(passage.start, passage.end, text, frozenset(analyzer.terms(text)))
    return Candidate(passage.passage_id, passage.doc_id, passage.title, window, source)


def wanted_sentences(page: Page, analyzer: Analyzer) -> list[Wanted]:
    """The terms and own marks of the target's sentences."""
    query = frozenset(analyzer.terms(page.title))
    return [Wanted(content_terms(sentence.text, analyzer, query), sentence.marks) for sentence in page.sentences]


def _mention(title: str) -> re.Pattern[str]:
    """The title without a qualifier in brackets, as whole words in the same case; its first letter in either."""
    name = _QUALIFIER.sub("", title)
    first = name[:1]
    either = f"[{re.escape(first.lower())}{re.escape(first.upper())}]" if first.isalpha() else re.escape(first)
    return re.compile(rf"(?<!\w){either}{re.escape(name[1:])}(?!\w)")
