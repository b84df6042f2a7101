"""Examples of WebBrain-G: the paper's own line, and the same as structured JSON.

    [title] T [ref] [1] ref_title ref_text [SPLIT] [title] T [ref] [2] ... [SPLIT] target

The target is its sentences, each with its marks behind it ("One. [1] Two. [0] Three. [2] [3]").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from webbrain.errors import CorpusError

from .support import NO_REFERENCE

SPLIT = " [SPLIT] "
_REFERENCE = re.compile(r"\[title\] (.*?) \[ref\] \[(\d+)\] ?(.*)", re.DOTALL)
_SENTENCE = re.compile(r"(.*?)((?: \[\d+\])+)(?: |$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ExampleReference:
    """What the mark `[marker]` points to; `source` is how it was found (reference, body, mention, distractor,
    retrieved), `passage_id` its id in WebBrain-R's corpus."""

    marker: int
    title: str
    text: str
    doc_id: str
    passage_id: str
    source: str


@dataclass(frozen=True, slots=True)
class ExampleSentence:
    """`citations` are markers, best first, or (0,); `recall` is P_ST in the best of them."""

    text: str
    citations: tuple[int, ...]
    recall: float


@dataclass(frozen=True, slots=True)
class Example:
    example_id: str
    title: str
    references: tuple[ExampleReference, ...]
    sentences: tuple[ExampleSentence, ...]

    @property
    def target(self) -> str:
        return " ".join(f"{one.text} {' '.join(f'[{mark}]' for mark in one.citations)}" for one in self.sentences)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.example_id,
            "title": self.title,
            "references": [asdict(reference) for reference in self.references],
            "target": self.target,
            "sentences": [asdict(sentence) for sentence in self.sentences],
        }


def from_json(row: dict[str, Any]) -> Example:
    """The example that `as_json` wrote."""
    references = tuple(ExampleReference(**reference) for reference in row["references"])
    sentences = tuple(ExampleSentence(one["text"], tuple(one["citations"]), one["recall"]) for one in row["sentences"])
    return Example(row["id"], row["title"], references, sentences)


def as_line(example: Example) -> str:
    """The example in the paper's format, without a newline."""
    parts = [
        f"[title] {example.title} [ref] [{one.marker}] {' '.join(filter(None, (one.title, one.text)))}"
        for one in example.references
    ]
    return SPLIT.join([*parts, example.target])


def parse_line(line: str) -> tuple[str, list[tuple[int, str]], list[tuple[str, tuple[int, ...]]]]:
    """(title, [(marker, title and text of the reference)], [(sentence, markers)]) of a line in the paper's format.

    Raises CorpusError for a line of another form.
    """
    *parts, target = line.rstrip("\n").split(SPLIT)
    found = [_REFERENCE.fullmatch(part) for part in parts]
    if not parts or any(match is None for match in found):
        raise CorpusError("not a line of WebBrain-G: `[title] T [ref] [1] text [SPLIT] ... [SPLIT] target`")
    matches = [match for match in found if match]
    references = [(int(match[2]), match[3]) for match in matches]
    sentences = [(match[1], _markers(match[2])) for match in _SENTENCE.finditer(target)]
    return matches[0][1], references, sentences


def warm_up(example: Example) -> Iterator[Example]:
    """The paper's warm-up set: one (query, reference) -> the one sentence that cites it, for every cited sentence."""
    by_marker = {reference.marker: reference for reference in example.references}
    for place, sentence in enumerate(example.sentences):
        if sentence.citations[0] == NO_REFERENCE:
            continue
        best = by_marker[sentence.citations[0]]
        reference = ExampleReference(1, best.title, best.text, best.doc_id, best.passage_id, best.source)
        alone = ExampleSentence(sentence.text, (1,), sentence.recall)
        yield Example(f"{example.example_id}#s{place}", example.title, (reference,), (alone,))


def _markers(text: str) -> tuple[int, ...]:
    return tuple(int(mark) for mark in re.findall(r"\d+", text))
