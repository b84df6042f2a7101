"""Any sequence of changes leaves the index that a build of its documents makes, whatever the shards."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.build import build
from indexing.chunk import ChunkSettings
from indexing.compact import compact
from indexing.settings import BuildSettings
from indexing.update import add, remove, update
from tests.building import write_corpus
from webbrain.retrieval import make_retriever
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.verify import verify

WORDS = "dog cat bird fish star boat moon tree rain snow wind fire".split()
QUERIES = ("dog", "cat bird", "the moon and the star", "boat 3", "fire " * 3, "nothing")


def _long(seed: int, changed: Sequence[int]) -> str:
    """Three hundred words, some changed: up to about three apart, two such texts are near-duplicates."""
    draw = random.Random(seed)
    words = [f"{draw.choice(WORDS)}{draw.choice('abcdefgh')}{draw.choice('xyz')}" for _ in range(300)]
    for place in changed:
        words[10 + 9 * place] = "other" + "abcdefgh"[place]
    return " ".join(words[:150]) + ". " + " ".join(words[150:]) + "."


POOL = [
    *(_long(1, range(count)) for count in range(8)),  # a chain: each is the next one's double, not everyone's
    _long(1, (4,)),
    _long(1, ()).upper(),
    _long(2, ()),
    _long(2, (1, 2)),
    "A dog.",
    "a  DOG.",
    "The cat and the bird 3.",
    "Stars and moon, moon and stars. Rain. " * 4,
    " ",
]
IDS = "abcdefghijkl"
OWN = st.sampled_from(list(enumerate(IDS))).map(lambda pair: (pair[1], pair[0]))  # most documents say what they said
ROWS = st.lists(st.one_of(OWN, OWN, OWN, st.tuples(st.sampled_from(IDS), st.integers(0, len(POOL) - 1))), max_size=12)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), ROWS),
        st.tuples(st.just("update"), ROWS),
        st.tuples(st.just("remove"), st.sets(st.sampled_from(IDS), min_size=1, max_size=4)),
        st.tuples(st.just("compact"), st.none()),
    ),
    min_size=1,
    max_size=4,
)
Row = tuple[str, int]


def corpus(folder: Path, rows: Sequence[Row]) -> Path:
    return write_corpus(folder / "corpus.jsonl", [{"id": doc_id, "text": POOL[text]} for doc_id, text in rows])


def facts(index: Index) -> dict[str, Any]:
    """All that must be the same as in a rebuilt index; the order of rows is nobody's business."""
    names = ("bm25", "dense", "hybrid") if index.has_vectors else ("bm25",)
    found = [(name, query, make_retriever(index, name).search(query, 100)) for name in names for query in QUERIES]
    passages = {passage.passage_id: asdict(passage) for passage in map(index.passage, index.live_rows())}
    assert len(passages) == index.live
    totals = index.manifest.totals
    return {
        "passages": passages,
        "scores": {(name, query): {hit.passage.passage_id: hit.score for hit in hits} for name, query, hits in found},
        "aliases": index.aliases,
        "totals": {name: totals[name] for name in ("documents", "passages", "tokens", "duplicates")},
    }


def order(index: Index) -> list[str]:
    """The ids of all documents, kept and folded, in the order of the index."""
    database = sqlite3.connect(f"file:{index.build / layout.STATE}?mode=ro&immutable=1", uri=True)
    found = [doc_id for (doc_id,) in database.execute("SELECT doc_id FROM pages ORDER BY place")]
    database.close()
    return found


def first_of_each(rows: Sequence[Row]) -> dict[str, int]:
    """What counts of a corpus: of an id the first document, and none without text."""
    found: dict[str, int] = {}
    for doc_id, text in rows:
        if POOL[text].strip():
            found.setdefault(doc_id, text)
    return found


def apply(change: tuple[str, Any], folder: Path, held: dict[str, int]) -> list[Row]:
    """Make a change; returns the corpus whose build the index must now be."""
    what, given_ = change
    output = folder / "index"
    if what == "remove":
        for doc_id in given_:
            held.pop(doc_id, None)
        remove(output, sorted(given_), ignore_missing=True)
    elif what == "compact":
        compact(output)
        assert len(Index.open(output)) == Index.open(output).live
    elif what == "add":
        add(corpus(folder, given_), output)
        held |= first_of_each(given_)
    else:
        update(corpus(folder, given_), output)
        held.clear()
        held |= first_of_each(given_)
        return list(given_)
    names = order(Index.open(output))
    assert sorted(names) == sorted(held)
    return [(doc_id, held[doc_id]) for doc_id in names]


def check(folder: Path, rows: Sequence[Row], options: BuildSettings) -> None:
    """The index is that of a build in one shard."""
    whole = replace(options, shard_passages=1000)
    build(corpus(folder / "again", rows), folder / "rebuilt", whole, force=True, threads=1)
    found, expected = Index.open(folder / "index"), Index.open(folder / "rebuilt")
    assert facts(found) == facts(expected)


@settings(max_examples=40, deadline=None)
@given(ROWS, CHANGES, st.sampled_from([1, 3, 1000]), st.sampled_from(["fold", "fold", "keep"]))
def test_changed_equals_rebuilt(first: list[Row], changes: list[tuple[str, Any]], shard: int, duplicates: Any) -> None:
    options = BuildSettings(ChunkSettings.around(120), encoder=None, shard_passages=shard, duplicates=duplicates)
    with TemporaryDirectory() as name:
        folder, held = Path(name), first_of_each(first)
        build(corpus(folder, first), folder / "index", options)
        for change in changes:
            check(folder, apply(change, folder, held), options)
        assert verify(folder / "index", full=True) == []


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(ROWS, CHANGES)
def test_changed_equals_rebuilt_with_vectors(first: list[Row], changes: list[tuple[str, Any]]) -> None:
    options = BuildSettings(ChunkSettings.around(120), encoder="static", shard_passages=3)
    with TemporaryDirectory() as name:
        folder, held = Path(name), first_of_each(first)
        build(corpus(folder, first), folder / "index", options, threads=1)
        for change in changes:
            check(folder, apply(change, folder, held), options)
        assert verify(folder / "index", full=True) == []
