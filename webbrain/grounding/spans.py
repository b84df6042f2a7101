"""Where in a passage the words stand that support a sentence, to be shown to a reader."""

from __future__ import annotations

import re
from collections.abc import Sequence

from webbrain.analysis import Analyzer, is_stop
from webbrain.grounding.sentences import Span, split_sentences

MOST_SENTENCES = 3  # of a passage, so many at most support one sentence of an article
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")


def supporting_spans(analyzer: Analyzer, claim: str, passage: str) -> tuple[Span, ...]:
    """Runs of words that the claim shares with those sentences of the passage that hold most of its terms.

    Offsets are in code points of `passage`; spans are in order and do not overlap; a quotation is one span.
    """
    wanted = _content(analyzer, claim)
    spans = [
        span for sentence in _deciding(analyzer, wanted, passage) for span in _runs(analyzer, claim, passage, sentence)
    ]
    return tuple(sorted(spans, key=lambda span: span.start))


def _content(analyzer: Analyzer, text: str) -> frozenset[str]:
    return frozenset(term for term in analyzer.terms(text) if not is_stop(term))


def _deciding(analyzer: Analyzer, wanted: frozenset[str], passage: str) -> list[Span]:
    """Sentences chosen greedily by the wanted terms that they add, the shorter first among equals."""
    left = set(wanted)
    pool = [(span, _content(analyzer, passage[span.start : span.end])) for span in split_sentences(passage)]
    chosen: list[Span] = []
    while pool and left and len(chosen) < MOST_SENTENCES:
        best = max(pool, key=lambda item: (len(item[1] & left), -len(item[1])))
        if not best[1] & left:
            break
        pool.remove(best)
        chosen.append(best[0])
        left -= best[1]
    return chosen


def _runs(analyzer: Analyzer, claim: str, passage: str, sentence: Span) -> list[Span]:
    """Maximal runs of shared words in a sentence of the passage; a run begins and ends with a word of content."""
    held = set(analyzer.terms(claim))
    runs: list[list[re.Match[str]]] = [[]]
    for word in _WORD.finditer(passage, sentence.start, sentence.end):
        if held.isdisjoint(analyzer.terms(word.group())):
            runs.append([])
        else:
            runs[-1].append(word)
    return [span for run in runs if (span := _trim(analyzer, run)) is not None]


def _trim(analyzer: Analyzer, run: Sequence[re.Match[str]]) -> Span | None:
    """The run without stop words at its ends; None when nothing else is in it."""
    content = [word for word in run if _content(analyzer, word.group())]
    return Span(content[0].start(), content[-1].end()) if content else None
