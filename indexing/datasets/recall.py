"""Term recall P_ST, the passages it is taken over, and the terms of both."""

from __future__ import annotations

from collections.abc import Iterable
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


def windows(text: str, limit: int, analyzer: Analyzer) -> list[Window]:
    """Passages: from every sentence on (stride 1), as many as fit in `limit` tokens, at least one (paper, section 3).

    A window that would only repeat the end of the one before is left out.
    """
    spans = sentences(text)
    sizes = [count_tokens(text[start:end]) for start, end in spans]
    terms = [frozenset(analyzer.terms(text[start:end])) for start, end in spans]
    found: list[Window] = []
    last = 0
    for first in range(len(spans)):
        stop = _reach(sizes, first, limit)
        if stop > last:
            start, end = spans[first][0], spans[stop - 1][1]
            found.append(Window(start, end, one_line(text[start:end]), union(terms[first:stop])))
            last = stop
    return found


def union(parts: Iterable[Terms]) -> Terms:
    return frozenset().union(*parts)


def _reach(sizes: list[int], first: int, limit: int) -> int:
    """The place after the last sentence that still fits; past the first one in any case."""
    total, stop = sizes[first], first + 1
    while stop < len(sizes) and total + sizes[stop] <= limit:
        total += sizes[stop]
        stop += 1
    return stop
