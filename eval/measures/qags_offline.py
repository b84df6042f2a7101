"""QAGS without models: cloze questions, answered by the span of the same kind in the most similar context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from webbrain.analysis import is_stop
from webbrain.grounding.sentences import split_sentences

from ..core import Item, Scores
from .answers import Kind, answer_spans
from .qags import Question, asked_spans, qags_scores
from .tokens import stem, words

BLANK = "\0"
NEAR_WORDS = 4
NEAR_WEIGHT = 0.5


class QagsOffline:
    """The scheme of QAGS (Wang et al., 2020) with rules in place of both models; not QAGS, and its name says so.

    A question is a sentence with a name, number or date left out. Its answer in a text is the span of the same kind
    whose sentence shares the most stems with the question, those within NEAR_WORDS of the blank counting half as much
    again. So a number that stands in the source at another predicate is not found, unlike in number precision. It is no
    support checker: its ROC AUC against human labels is .55 to .74 (benchmarks/fact_measures.py).
    """

    def __init__(self, against: str = "references") -> None:
        self.against = against

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [qags_scores("QAGS-offline", items, ClozeAsker(), ClozeAnswerer(), self.against)]


class ClozeAsker:
    def ask(self, sentences: Sequence[str]) -> list[Question]:
        """Sentences with one span each replaced by BLANK; one without another content word is not asked."""
        found = []
        for number, span in asked_spans(sentences):
            sentence = sentences[number]
            cloze = sentence[: span.start] + BLANK + sentence[span.end :]
            if _clues(cloze)[0]:
                found.append(Question(cloze, sentence[span.start : span.end], span.kind))
        return found


class ClozeAnswerer:
    def answer(self, question: Question, text: str) -> str:
        """The best span of the question's kind, the first one in a tie; "" when none shares a stem with it."""
        clues, near = _clues(question.text)
        best, answer = 0.0, ""
        for cloze, span in _blanks(text, question.kind):
            theirs, theirs_near = _clues(cloze)
            shared = len(clues & theirs) + NEAR_WEIGHT * len(near & theirs_near)
            if shared > best:
                best, answer = shared, span
        return answer


@lru_cache(maxsize=64)
def _blanks(text: str, kind: Kind) -> tuple[tuple[str, str], ...]:
    """(sentence with BLANK in place of a span, the span) of all spans of one kind."""
    return tuple(_each_blank(text, kind))


def _each_blank(text: str, kind: Kind) -> Iterator[tuple[str, str]]:
    for place in split_sentences(text):
        sentence = text[place.start : place.end]
        for span in answer_spans(sentence):
            if span.kind == kind:
                yield sentence[: span.start] + BLANK + sentence[span.end :], sentence[span.start : span.end]


@lru_cache(maxsize=4096)
def _clues(cloze: str) -> tuple[frozenset[str], frozenset[str]]:
    """Stems of content words of the whole sentence, and of the words near the blank."""
    before, _, after = (words(part) for part in cloze.partition(BLANK))
    near = before[-NEAR_WORDS:] + after[:NEAR_WORDS]
    return _content(before + after), _content(near)


def _content(tokens: Sequence[str]) -> frozenset[str]:
    return frozenset(stem(word) for word in tokens if not is_stop(word))
