"""WebBrain-R files from nothing but an index: synthetic queries, mined negatives, a teacher's scores.

Queries are titles, titles with a heading, sentences cut out of their passage (inverse cloze task, Lee et al. 2019) and
keywords drawn from such sentences. Negatives are BM25 ranks 30 to 50 as in the paper, or the best of BM25 and of dense
retrieval without likely positives: what the teacher scores above a share of the positive's score is left out
(positive-aware mining, de Souza Moreira et al. 2024). The teacher is the index's own dense encoder.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from zlib import crc32

import numpy as np

from webbrain.analysis import is_stop
from webbrain.errors import ConfigError
from webbrain.grounding.sentences import split_sentences
from webbrain.protocols import Vectors
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.retrieval.dense import DenseRetriever
from webbrain.store.index import Index
from webbrain.store.passages import indexed_text
from webbrain.training.retriever.triples import CORPUS
from webbrain.types import Passage

Mining = Literal["bm25", "mined"]
HEADING_WORDS = 8


@dataclass(frozen=True, slots=True)
class SyntheticSettings:
    """`queries` in all, one in `dev_every` documents for development; `negatives` a query, drawn from `ranks` of the
    BM25 ranking (bm25: as in the paper) or from the first `mined_depth` of both rankings (mined: without what scores
    over `share` of the positive's cosine)."""

    queries: int = 20_000
    dev_every: int = 20
    negatives: int = 4
    mining: Mining = "mined"
    ranks: tuple[int, int] = (30, 50)
    mined_depth: int = 50
    share: float = 0.95
    keywords: tuple[int, int] = (3, 10)
    sentence_words: tuple[int, int] = (6, 40)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SyntheticQuery:
    """A query with its positive: the passage at `row`, with the sentence that made the query cut out of `text`."""

    text: str
    row: int
    passage: Passage
    positive: str


def write_synthetic(index: Index, folder: Path, settings: SyntheticSettings) -> Iterator[int]:
    """Write the files of `folder` anew; yields 1 for each query written. Needs an index with vectors."""
    if not index.has_vectors:
        raise ConfigError(f"{index.folder} has no vectors to mine and score with; rebuild it without --no-dense")
    folder.mkdir(parents=True, exist_ok=True)
    miner = Miner(index, settings)
    with _Files(folder) as files:
        for number, query in enumerate(synthetic_queries(index, settings)):
            drawn, scores = miner.mine(query)
            if drawn:
                files.write(str(number), query, drawn, scores, _split(query, settings))
                yield 1


def synthetic_queries(index: Index, settings: SyntheticSettings) -> Iterator[SyntheticQuery]:
    """At most `settings.queries`, spread evenly over the rows of the index."""
    chance = random.Random(settings.seed)
    rows = sorted(chance.sample(list(index.live_rows()), min(settings.queries, index.live)))
    each, rest = divmod(settings.queries, max(len(rows), 1))
    for place, row in enumerate(rows):
        passage = index.passage(row)
        kinds = [chance.random() for _ in range(min(each + (place < rest), 4))]
        for kind in kinds:
            query = _make(passage, row, kind, chance, settings)
            if query is not None:
                yield query


def _make(
    passage: Passage, row: int, kind: float, chance: random.Random, settings: SyntheticSettings
) -> SyntheticQuery | None:
    """A title or heading for a quarter of `kind` in [0, 1), else a sentence or its keywords."""
    if kind < 0.25 and passage.title:
        heading = _heading(passage.text, chance) if kind < 0.15 else ""
        if heading or passage.start == 0:
            return SyntheticQuery(f"{passage.title} {heading}".strip(), row, passage, passage.text)
    low, high = settings.sentence_words
    spans = [
        span
        for span in split_sentences(passage.text)
        if low <= len(passage.text[span.start : span.end].split()) <= high
    ]
    if len(spans) < 2:
        return None
    span = chance.choice(spans)
    sentence = passage.text[span.start : span.end]
    left = " ".join((passage.text[: span.start] + passage.text[span.end :]).split())
    query = sentence if kind < 0.6 else _keywords(sentence, chance, settings.keywords)
    return SyntheticQuery(" ".join(query.split()), row, passage, left)


def _heading(text: str, chance: random.Random) -> str:
    """A short line that ends in no stop, followed by more text; "" where there is none."""
    lines = [line.strip() for line in text.split("\n")[:-1]]
    found = [line for line in lines if line and len(line.split()) <= HEADING_WORDS and line[-1].isalnum()]
    return chance.choice(found) if found else ""


def _keywords(sentence: str, chance: random.Random, sizes: tuple[int, int]) -> str:
    """Some of the sentence's words in order, function words left out."""
    words = [word.strip(".,;:!?\"'()[]") for word in sentence.split()]
    content = [place for place, word in enumerate(words) if word and not is_stop(word.lower())]
    kept = sorted(chance.sample(content, min(len(content), chance.randint(*sizes))))
    return " ".join(words[place] for place in kept)


class Miner:
    """Negatives and teacher's scores from one index."""

    def __init__(self, index: Index, settings: SyntheticSettings) -> None:
        self.index, self.settings = index, settings
        self.bm25 = Bm25Retriever(index)
        self.dense = DenseRetriever(index)

    def mine(self, query: SyntheticQuery) -> tuple[list[Passage], list[float]]:
        """Negatives, of other documents, and the teacher's scores of the positive and of each of them.

        Fewer than asked for where the ranking has no more.
        """
        settings, chance = self.settings, random.Random(f"{self.settings.seed} {query.row} {query.text}")
        vectors = self.index.encoder.encode([query.text, indexed_text(query.passage.title, query.positive)])
        positive = float(vectors[1] @ vectors[0])
        rows = self._ranked(query.text)
        scores = dict(zip(rows, map(float, self._stored(rows) @ vectors[0]), strict=True))
        if settings.mining == "mined":
            rows = [row for row in rows if scores[row] < settings.share * positive]
        chance.shuffle(rows)
        found: dict[int, Passage] = {}
        for row in rows:
            passage = self.index.passage(row)
            if passage.doc_id != query.passage.doc_id and len(found) < settings.negatives:
                found[row] = passage
        return list(found.values()), [positive, *(scores[row] for row in found)]

    def _ranked(self, query: str) -> list[int]:
        low, high = self.settings.ranks
        if self.settings.mining == "bm25":
            return [row for row, _ in self.bm25.rows(query, high)][low - 1 :]
        depth = self.settings.mined_depth
        found = [*self.bm25.rows(query, depth), *self.dense.rows(query, depth)]
        return sorted({row for row, _ in found})

    def _stored(self, rows: list[int]) -> Vectors:
        """The index's vectors of these rows, shape (n, dim)."""
        places = [self.index.locate(row) for row in rows]
        found = [self.index.vectors[shard].reconstruct(local) for shard, local in places]
        return np.array(found, np.float32).reshape(len(rows), self.index.encoder.dim)


class _Files:
    """The files while they are written; a passage is written once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, IO[str]] = {}
        self._written: set[str] = set()

    def __enter__(self) -> _Files:
        for name in (CORPUS, "train.tsv", "dev.tsv", "train.scores.tsv", "dev.scores.tsv"):
            self._files[name] = (self.folder / name).open("w", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def write(
        self, query_id: str, query: SyntheticQuery, drawn: list[Passage], scores: list[float], split: str
    ) -> None:
        whole = query.positive == query.passage.text
        positive = query.passage.passage_id if whole else f"{query.passage.passage_id}/without/{query_id}"
        self._passage(positive, query.passage.title, query.positive)
        for one in drawn:
            self._passage(one.passage_id, one.title, one.text)
        self._line(f"{split}.tsv", [query_id, query.text, positive, *(one.passage_id for one in drawn)])
        self._line(f"{split}.scores.tsv", [query_id, *(f"{score:.5f}" for score in scores)])

    def _line(self, name: str, cells: list[str]) -> None:
        self._files[name].write("\t".join(" ".join(cell.split()) for cell in cells) + "\n")

    def _passage(self, passage_id: str, title: str, text: str) -> None:
        passage_id = " ".join(passage_id.split())
        if passage_id not in self._written:
            self._written.add(passage_id)
            row = {"id": passage_id, "title": title, "contents": " ".join(text.split())}
            self._files[CORPUS].write(json.dumps(row, ensure_ascii=False) + "\n")


def _split(query: SyntheticQuery, settings: SyntheticSettings) -> str:
    """A document's queries are all of one split."""
    return "dev" if crc32(query.passage.doc_id.encode()) % settings.dev_every == 0 else "train"
