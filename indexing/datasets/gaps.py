"""Plain articles as practice for a writer: the sentences that say most of what some passages say, from those passages.

Gap sentences (Zhang et al., PEGASUS, ICML 2020, arXiv 1912.08777), one example per few neighbouring passages of a body:
each sentence is chosen by its overlap with all the others. Half of the chosen are taken out of their passage, so that
the writer learns what follows from the rest; half stay, so that it learns to copy. Each is marked with its passage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zlib import crc32

from webbrain.analysis import is_stop
from webbrain.grounding.sentences import split_sentences

from .formats import Example, ExampleReference, ExampleSentence
from .settings import DatasetSettings
from .splits import split_of

CHOSEN = 0.3  # share of a group's sentences
MOST_SENTENCES, FEWEST_SENTENCES = 6, 2
WORDS = range(6, 46)  # of a sentence that is chosen
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence, the place of its passage in the group, and its words without stop words."""

    text: str
    passage: int
    words: frozenset[str]


def gap_examples(rows: Iterable[Row], references: int, dataset: DatasetSettings) -> Iterator[Example]:
    """Examples from a corpus of WebBrain-R, whose passages of a document come one after another.

    Pages whose titles the dataset keeps for development and test are left out.
    """
    for _, group in groupby(rows, key=_document):
        passages = list(group)
        if split_of(passages[0]["title"], dataset) != "train":
            continue
        for begin in range(0, len(passages), references):
            if (example := _example(passages[begin : begin + references])) is not None:
                yield example


def _document(row: Row) -> str:
    name: str = row["id"]
    return name[: max(name.rfind("#"), name.rfind("@"))]


def _example(passages: list[Row]) -> Example | None:
    """None for passages with too little to choose from."""
    every = [line for place, row in enumerate(passages) for line in _lines(row["contents"], place)]
    lines = list({line.text: line for line in reversed(every)}.values())[::-1]  # passages of a page can overlap
    if len(lines) < FEWEST_SENTENCES:
        return None
    chosen = _choose(lines)
    gone = {place for place in chosen if crc32(f"{passages[0]['id']} {place}".encode()) % 2}
    kept = [
        " ".join(line.text for at, line in enumerate(lines) if line.passage == place and at not in gone)
        for place in range(len(passages))
    ]
    references = tuple(
        ExampleReference(marker, row["title"], text, _document(row), row["id"], "body")
        for marker, (row, text) in enumerate(zip(passages, kept, strict=True), 1)
    )
    sentences = tuple(ExampleSentence(lines[at].text, (lines[at].passage + 1,), 1.0) for at in chosen)
    return Example(f"{passages[0]['id']}~gaps", passages[0]["title"], references, sentences)


def _lines(text: str, passage: int) -> Iterator[_Line]:
    for span in split_sentences(text):
        words = text[span.start : span.end].lower().split()
        content = frozenset(word.strip(".,;:!?\"'()[]") for word in words if not is_stop(word))
        yield _Line(" ".join(text[span.start : span.end].split()), passage, content)


def _choose(lines: list[_Line]) -> list[int]:
    """Places of the sentences with the highest overlap (F1 of their words with those of all others), in order."""
    counts: dict[str, int] = {}
    for line in lines:
        for word in line.words:
            counts[word] = counts.get(word, 0) + 1
    scores = {at: _overlap(line, counts) for at, line in enumerate(lines) if len(line.text.split()) in WORDS}
    number = min(MOST_SENTENCES, max(1, round(CHOSEN * len(lines))))
    return sorted(sorted(scores, key=lambda at: (-scores[at], at))[:number])


def _overlap(line: _Line, counts: dict[str, int]) -> float:
    shared = sum(counts[word] > 1 for word in line.words)
    others = len(counts) - (len(line.words) - shared)
    return 2 * shared / max(len(line.words) + others, 1)
