"""What a dataset holds, in numbers: sizes, marks, term recall, and how much of a target stands in its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from webbrain.analysis import Analyzer

from .formats import Example, from_json
from .settings import SPLITS
from .stage import read_rows
from .support import NO_REFERENCE

# Histogram name -> width of a bin; a value is counted under the lower end of its bin.
BINS: dict[str, float] = {
    "sentences": 1,
    "target_words": 20,
    "references": 1,
    "reference_words": 20,
    "recall": 0.1,
    "cited_share": 0.1,
    "bigram_coverage": 0.1,
}
COVERAGE_EXAMPLES = 2000  # the first of a set; taking the bigrams of all would cost as much as the rest of publishing


@dataclass(slots=True)
class _Set:
    examples: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    histograms: dict[str, Counter[float]] = field(default_factory=lambda: {name: Counter() for name in BINS})
    sources: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)

    def put(self, name: str, value: float) -> None:
        self.sums[name] += value  # type: ignore[assignment]
        self.values[name] += 1
        width = BINS[name]
        self.histograms[name][round(int(value / width + 1e-9) * width, 6)] += 1


def statistics(folder: Path) -> dict[str, Any]:
    """Statistics of each set of a WebBrain-G folder: name -> {"examples", "means", "histograms", "sources", "marks"}.

    `cited_share` is the share of sentences with a reference; `bigram_coverage` the share of a target's stem bigrams
    that its references hold (what can be copied; first 2,000 examples); `recall` is P_ST of cited sentences.
    """
    analyzer = Analyzer()
    names = [name for split in SPLITS for name in (split, f"{split}.retrieved")]
    return {name: _of_set(folder / f"{name}.jsonl", analyzer) for name in names if (folder / f"{name}.jsonl").exists()}


def _of_set(path: Path, analyzer: Analyzer) -> dict[str, Any]:
    found = _Set()
    for row in read_rows(path):
        _count(from_json(row), found, analyzer)
    return {
        "examples": found.examples,
        "means": {name: round(found.sums[name] / found.values[name], 4) for name in BINS if found.values[name]},
        "histograms": {
            name: {str(edge): count for edge, count in sorted(bins.items())} for name, bins in found.histograms.items()
        },
        "sources": dict(sorted(found.sources.items())),
        "marks": dict(sorted(found.marks.items())),
    }


def _count(example: Example, found: _Set, analyzer: Analyzer) -> None:
    found.examples += 1
    found.put("sentences", len(example.sentences))
    found.put("target_words", sum(len(sentence.text.split()) for sentence in example.sentences))
    found.put("references", len(example.references))
    cited = 0
    for reference in example.references:
        found.sources[reference.source] += 1
        found.put("reference_words", len(reference.text.split()))
    for sentence in example.sentences:
        found.marks.update(str(mark) for mark in sentence.citations)
        if sentence.citations[0] != NO_REFERENCE:
            cited += 1
            found.put("recall", sentence.recall)
    found.put("cited_share", cited / len(example.sentences))
    if found.examples <= COVERAGE_EXAMPLES:
        found.put("bigram_coverage", _coverage(example, analyzer))


def _coverage(example: Example, analyzer: Analyzer) -> float:
    wanted = [pair for sentence in example.sentences for pair in _bigrams(sentence.text, analyzer)]
    held = {pair for reference in example.references for pair in _bigrams(reference.text, analyzer)}
    return sum(pair in held for pair in wanted) / len(wanted) if wanted else 0.0


def _bigrams(text: str, analyzer: Analyzer) -> Iterator[tuple[str, str]]:
    terms = analyzer.terms(text)
    return pairwise(terms)
