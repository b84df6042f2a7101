"""A page and the ranking of its title to an example, or the reason why there is none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from .evidence import (
    Searcher,
    as_candidate,
    distractors,
    mention_candidates,
    own_candidates,
    wanted_sentences,
)
from .formats import Example, ExampleReference, ExampleSentence
from .pages import Page
from .settings import DatasetSettings
from .support import NO_REFERENCE, Candidate, Cited, Wanted, choose, cite


@dataclass(frozen=True, slots=True)
class Built:
    """`gold` cites supporting passages, `retrieved` what the ranking gives; `negative_rows` are index rows to draw
    negatives from. With a `reason` there is no example."""

    gold: Example | None = None
    retrieved: Example | None = None
    supports: tuple[Candidate, ...] = ()
    negative_rows: tuple[int, ...] = ()
    reason: str = ""


def build_example(page: Page, searcher: Searcher) -> Built:
    settings, analyzer = searcher.settings, searcher.analyzer
    wanted = wanted_sentences(page, analyzer)
    rows = searcher.rows(page.title)
    head = searcher.ranked(rows[: max(settings.distractor_rank, settings.references)])
    candidates = own_candidates(page, settings, analyzer)
    if settings.kind != "raw":
        candidates.extend(mention_candidates(page, head, searcher))
    if not candidates:
        return Built(reason="no_evidence")
    chosen, cited = choose(wanted, candidates, settings)
    if not chosen:
        return Built(reason="no_sentence_supported")
    filled = [*chosen, *(distractors(page, head, chosen, wanted, searcher) if settings.fill else ())]
    retrieved = [as_candidate(hit.passage, "retrieved", analyzer) for hit in head[: settings.references]]
    return Built(
        gold=_example(page, filled, cited, _order(len(filled), page.page_id, settings)),
        retrieved=_retrieved(page, retrieved, wanted, settings),
        supports=tuple(chosen),
        negative_rows=tuple(rows[settings.first_negative - 1 : settings.last_negative]),
    )


def _retrieved(
    page: Page, passages: list[Candidate], wanted: Sequence[Wanted], settings: DatasetSettings
) -> Example | None:
    """The example with the head of the ranking as its references, in rank order; None when nothing was found."""
    if not passages:
        return None
    return _example(page, passages, cite(wanted, passages, settings), list(range(len(passages))))


def _order(count: int, page_id: str, settings: DatasetSettings) -> list[int]:
    """Places in the order in which they get their numbers: shuffled by (seed, page), or as they are."""
    order = list(range(count))
    if settings.shuffle:
        random.Random(f"{settings.seed}:{page_id}").shuffle(order)
    return order


def _example(page: Page, passages: Sequence[Candidate], cited: Sequence[Cited], order: list[int]) -> Example:
    marker = {place: number for number, place in enumerate(order, 1)}
    references = tuple(_reference(marker[place], passages[place]) for place in order)
    sentences = tuple(
        ExampleSentence(
            sentence.text, tuple(marker[place] for place in one.places) or (NO_REFERENCE,), round(one.recall, 4)
        )
        for sentence, one in zip(page.sentences, cited, strict=True)
    )
    return Example(page.page_id, page.title, references, sentences)


def _reference(marker: int, passage: Candidate) -> ExampleReference:
    text, source = passage.window.text, passage.source
    return ExampleReference(marker, passage.title, text, passage.doc_id, passage.passage_id, source)
