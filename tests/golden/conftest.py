"""The sample corpus, indexed once a session with and without its hostile pages, and the articles written from it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from indexing.build import build
from webbrain.protocols import Encoder, Vectors
from webbrain.records import read_queries
from webbrain.registry import WRITERS
from webbrain.store.index import Index
from webbrain.types import Article, Passage, ScoredPassage
from webbrain.writing.evidence import Evidence
from webbrain.writing.pipeline import DEFAULT_WRITER, ArticleWriter

SAMPLES = Path(__file__).parents[2] / "corpus_samples"
PAGES = SAMPLES / "pages"


@dataclass(slots=True)
class RememberingEncoder:
    """An encoder that encodes each text once: most sentences stand in the evidence of several articles."""

    encoder: Encoder
    known: dict[str, Vectors] = field(default_factory=dict)

    @property
    def dim(self) -> int:
        return self.encoder.dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        self.known.update(zip(new, self.encoder.encode(new), strict=True))
        return np.array([self.known[text] for text in texts], np.float32).reshape(len(texts), self.dim)


@dataclass(frozen=True, slots=True)
class ForcedEvidence:
    """Selects the given passages whatever the query: the worst case, in which no filter holds a hostile page back."""

    passages: Sequence[Passage]
    settings: object

    def select(self, query: str, ranking: Sequence[ScoredPassage]) -> Evidence:
        hits = (ScoredPassage(passage, 1.0, rank, "forced") for rank, passage in enumerate(self.passages, 1))
        return Evidence(tuple(hits))


@dataclass(slots=True)
class Desk:
    """An index and the default pipeline over it; articles are written once."""

    index: Index
    pipeline: ArticleWriter
    written: dict[str, Article] = field(default_factory=dict)

    def write(self, query: str) -> Article:
        if query not in self.written:
            self.written[query] = self.pipeline.write(query)
        return self.written[query]

    def write_from(self, query: str, passages: Sequence[Passage]) -> Article:
        """An article from these passages and no others."""
        selector = ForcedEvidence(passages, self.pipeline.selector.settings)
        return replace(self.pipeline, selector=selector).write(query)  # type: ignore[arg-type]

    def passages(self, wanted: Callable[[str], bool]) -> list[Passage]:
        """The passages of documents whose id is wanted, in index order."""
        every = map(self.index.passage, range(len(self.index)))
        return [passage for passage in every if wanted(passage.doc_id)]


@pytest.fixture(scope="session")
def queries() -> dict[str, str]:
    return {query.query_id: query.text for query in read_queries(SAMPLES / "queries.jsonl")}


@pytest.fixture(scope="session")
def build_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Iterable[str]], Index]:
    """Builds an index of the sample pages without some folders, once for all workers of a parallel run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base

    def index(name: str, without: Iterable[str] = ()) -> Index:
        corpus, output = shared / f"golden-{name}-pages", shared / f"golden-{name}-index"
        with (shared / f"golden-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not output.exists():
                shutil.copytree(PAGES, corpus, ignore=shutil.ignore_patterns(*without), dirs_exist_ok=True)
                build(corpus, output)
        return Index.open(output)

    return index


@pytest.fixture(scope="session")
def index(build_once: Callable[..., Index]) -> Index:
    """Of all sample pages."""
    return build_once("all")


@pytest.fixture(scope="session")
def encoder(index: Index) -> RememberingEncoder:
    return RememberingEncoder(index.encoder)


@pytest.fixture(scope="session")
def desk(index: Index, encoder: RememberingEncoder) -> Desk:
    """Over all sample pages."""
    return _desk(index, encoder)


@pytest.fixture(scope="session")
def clean_desk(build_once: Callable[..., Index], encoder: RememberingEncoder) -> Desk:
    """Over the sample pages but the hostile ones."""
    return _desk(build_once("clean", ["hostile"]), encoder)


def _desk(index: Index, encoder: Encoder) -> Desk:
    writer = WRITERS.load(DEFAULT_WRITER)(encoder)
    return Desk(index, replace(ArticleWriter.over(index), writer=writer))
