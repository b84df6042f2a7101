"""Term recall P_ST, the passages it is taken over, and the terms of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from webbrain.analysis import Analyzer, is_stop

from .text import count_tokens, one_line, sentences

Terms = frozenset[str]


@dataclass(frozen=True, slots=True)
class Window:
    """Whole sentences of a document's text: characters `start` to `end`, white space evened out in `text`."""

    start: int
    end: int
    text: str
    terms: Terms


def content_terms(text: str, analyzer: Analyzer, query_terms: Terms = frozenset()) -> Terms:
    """Stems of a text without stop words; the query's own terms always count ("The Who"), as the paper has it."""
    return frozenset(term for term in analyzer.terms(text) if not is_stop(term) or term in query_terms)


def term_recall(sentence: Terms, passage: Terms) -> float:
    """P_ST: the share of the sentence's terms that occur in the passage, in [0, 1]; 0.0 where it has no terms."""
    return len(sentence & passage) / len(sentence) if sentence else 0.0


def windows(text: str, limit: int, analyzer: Analyzer, wanted: Callable[[str], object] | None = None) -> list[Window]:
    """Passages: from every sentence on (stride 1), as many as fit in `limit` tokens, at least one (paper, section 3).

    A window that would only repeat the end of the one before is left out, and so is one whose text is not `wanted`.
    """
    spans = sentences(text)
    sizes = [count_tokens(text[start:end]) for start, end in spans]
    terms = _SentenceTerms(text, spans, analyzer)
    found: list[Window] = []
    last = 0
    for first in range(len(spans)):
        stop = _reach(sizes, first, limit)
        if stop > last:
            last = stop
            start, end = spans[first][0], spans[stop - 1][1]
            piece = one_line(text[start:end])
            if wanted is None or wanted(piece):
                found.append(Window(start, end, piece, union(map(terms.of, range(first, stop)))))
    return found


class _SentenceTerms:
    """Terms of each sentence, taken once and only where they are asked for."""

    def __init__(self, text: str, spans: list[tuple[int, int]], analyzer: Analyzer) -> None:
        self._text, self._spans, self._analyzer = text, spans, analyzer
        self._known: dict[int, Terms] = {}

    def of(self, place: int) -> Terms:
        if place not in self._known:
            start, end = self._spans[place]
            self._known[place] = frozenset(self._analyzer.terms(self._text[start:end]))
        return self._known[place]


def union(parts: Iterable[Terms]) -> Terms:
    return frozenset().union(*parts)


def _reach(sizes: list[int], first: int, limit: int) -> int:
    """The place after the last sentence that still fits; past the first one in any case."""
    total, stop = sizes[first], first + 1
    while stop < len(sizes) and total + sizes[stop] <= limit:
        total += sizes[stop]
        stop += 1
    return stop
