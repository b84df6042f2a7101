"""A corpus and its index in a folder, and texts that are alike: what the tests of changes work on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexing.build import build
from indexing.settings import BuildSettings
from indexing.update import ChangeReport, add, update
from tests.building import write_corpus
from webbrain.store.index import Index

PLAIN = BuildSettings(encoder=None, shard_passages=2)
TEXTS = [f"Text number {n} about {word}." for n, word in enumerate("dogs cats birds fish stars boats".split())]
DRAW = random.Random(3)
PAGE = [f"{DRAW.choice('bcdfg')}{DRAW.choice('aeiou')}{DRAW.choice('lmnrst')}ax{'x' * (n % 7)}" for n in range(300)]


def near(*changed: int) -> str:
    """A page of 300 words, some changed: up to about three words apart two of them are near-duplicates."""
    words = list(PAGE)
    for place in changed:
        words[10 * place] = "another"
    return " ".join(words) + "."


class Place:
    """A corpus and its index in a folder."""

    def __init__(self, folder: Path) -> None:
        self.corpus, self.output = folder / "c.jsonl", folder / "i"

    def build(self, rows: Sequence[Any], settings: BuildSettings = PLAIN) -> Index:
        build(self.write(rows), self.output, settings)
        return self.index

    def write(self, rows: Sequence[Any]) -> Path:
        return write_corpus(self.corpus, rows)

    def update(self, rows: Sequence[Any]) -> dict[str, int]:
        return counts(update(self.write(rows), self.output))

    def add(self, rows: Sequence[Any]) -> dict[str, int]:
        return counts(add(self.write(rows), self.output))

    @property
    def index(self) -> Index:
        return Index.open(self.output)

    @property
    def settings(self) -> BuildSettings:
        return BuildSettings.from_json(self.index.manifest.settings)

    def texts(self) -> dict[str, str]:
        """The text of every kept document."""
        found: dict[str, str] = {}
        for row in self.index.live_rows():
            passage = self.index.passage(row)
            found[passage.doc_id] = found.get(passage.doc_id, "") + passage.text
        return found

    def aliases(self) -> dict[str, list[str]]:
        return {same: [page["doc_id"] for page in pages] for same, pages in self.index.aliases.items()}


def counts(report: ChangeReport) -> dict[str, int]:
    return {what: number for what, number in report.counts.items() if number}


def ids(rows: Sequence[str], names: str = "abcdefghij") -> list[dict[str, str]]:
    return [{"id": name, "text": text} for name, text in zip(names, rows, strict=False)]
