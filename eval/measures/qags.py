"""QAGS (Wang, Cho and Lewis, 2020): ask about an article, answer from it and from a source, compare the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from webbrain.errors import ConfigError

from ..core import Item, Scores
from .against import against_references, of_article, under_a_bar
from .answers import Kind, Span, answer_spans, answer_words, token_f1
from .precision import evidence_text

QUESTION_MODEL = "valhalla/t5-small-qg-hl"  # MIT
ANSWER_MODEL = "deepset/roberta-base-squad2"  # CC BY 4.0
NO_QUESTION = "no question about the article could be asked and answered"
MOST_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class Question:
    """A question about an article, and the part of the article that answers it."""

    text: str
    answer: str
    kind: Kind


class Asker(Protocol):
    def ask(self, sentences: Sequence[str]) -> list[Question]: ...


class Answerer(Protocol):
    def answer(self, question: Question, text: str) -> str:
        """A part of `text`, or "" when it holds no answer."""
        ...


class Qags:
    """With models of the hub or folders, through transformers (`pip install 'webbrain[eval-models]'`).

    `questions` is a seq2seq model that reads "generate question: ... <hl> answer <hl> ...", `answers` an extractive
    reader; `against` is "references" (the paper's ground-truth article, so this does not measure grounding) or
    "evidence" (the passages of the article's references). Answers asked for are names, numbers and dates, at most
    MOST_QUESTIONS spread over the article, where QAGS takes spaCy's noun phrases too. Values depend on the models, so
    the name gives them.
    """

    def __init__(
        self, questions: str = QUESTION_MODEL, answers: str = ANSWER_MODEL, against: str = "references"
    ) -> None:
        self.questions, self.answers, self.against = questions, answers, against

    def score(self, items: Sequence[Item]) -> list[Scores]:
        from .hub import HubAnswerer, HubAsker

        models = f"{self.questions}, {self.answers}"
        return [
            qags_scores(f"QAGS({models})", items, HubAsker(self.questions), HubAnswerer(self.answers), self.against)
        ]


def qags_scores(name: str, items: Sequence[Item], asker: Asker, answerer: Answerer, against: str) -> Scores:
    """QAGS of each item against its references or its evidence; raises ConfigError for another `against`."""

    def of_item(item: Item) -> float | None:
        sentences = [sentence.text for sentence in item.article.sentences] if item.article else []
        return qags(sentences, source_text(item, against), asker, answerer)

    found = under_a_bar(name, items, of_item)
    if against == "evidence":
        return of_article(f"{name} (evidence)", items, found, NO_QUESTION)
    return against_references(name, items, found, NO_QUESTION)


def qags(sentences: Sequence[str], source: str, asker: Asker, answerer: Answerer) -> float | None:
    """Mean token F1 of the answers from the article and from the source.

    A question counts only if the article itself gives the answer that it was made from; None when none does.
    """
    article = " ".join(sentences)
    kept = [
        (question, found)
        for question in asker.ask(sentences)
        if answer_words(found := answerer.answer(question, article)) == answer_words(question.answer)
    ]
    if not kept:
        return None
    return sum(token_f1(found, answerer.answer(question, source)) for question, found in kept) / len(kept)


def source_text(item: Item, against: str) -> str:
    """What an article is compared with: its reference texts, or the passages of its references."""
    if against == "references":
        return "\n".join(item.references)
    if against == "evidence":
        return "" if item.article is None else evidence_text(ref.passage for ref in item.article.references)
    raise ConfigError(f'against is "references" or "evidence", not {against!r}')


def asked_spans(sentences: Sequence[str]) -> list[tuple[int, Span]]:
    """(number of the sentence, span) of the answers to ask for, spread evenly over the article."""
    every = [(number, span) for number, sentence in enumerate(sentences) for span in answer_spans(sentence)]
    if len(every) <= MOST_QUESTIONS:
        return every
    return [every[place * len(every) // MOST_QUESTIONS] for place in range(MOST_QUESTIONS)]
