"""Deleted rows are passed over by every reader, and the statistics are those of an index that never had them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from indexing.receipts import file_entry
from webbrain.errors import IndexDamaged
from webbrain.models import DEFAULT_ENCODER
from webbrain.retrieval import make_retriever
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.store import layout
from webbrain.store.index import Index

TEXTS = [f"Text {n} about {word} and dogs." for n, word in enumerate("dogs cats birds fish stars boats".split())]
GONE = (1, 4)


def delete(index: Index, rows: tuple[int, ...], *, tokens: int = 0) -> Index:
    """The index with tombstones on these rows, each a document of its own with so many tokens."""
    manifest = json.loads((index.build / layout.MANIFEST).read_bytes())
    by_shard: dict[int, list[int]] = {}
    for shard, local in map(index.locate, rows):
        by_shard.setdefault(shard, []).append(local)
    for shard, deleted in by_shard.items():
        name = layout.DELETED.format(shard)
        np.save(index.build / name, np.array(deleted, "<u4"))
        manifest["files"][name] = asdict(file_entry(index.build / name))
    totals = manifest["totals"]
    manifest["totals"] = totals | {
        "passages": totals["passages"] - len(rows),
        "tokens": totals["tokens"] - tokens,
        "deleted_passages": len(rows),
    }
    data = json.dumps(manifest).encode()
    (index.build / layout.MANIFEST).write_bytes(data)
    (index.build / layout.MANIFEST_DIGEST).write_text(hashlib.sha256(data).hexdigest() + "\n")
    return Index.open(index.folder)


@pytest.mark.parametrize("shard", [2, 100])
def test_every_score_is_that_of_an_index_without_the_rows(make_index: Callable[..., Index], shard: int) -> None:
    plain = make_index(TEXTS, shard_passages=shard, encoder=DEFAULT_ENCODER)
    tokens = sum(int(plain.postings[at].lengths[local]) for at, local in map(plain.locate, GONE))
    found = delete(plain, GONE, tokens=tokens)
    kept = [row for row in range(len(TEXTS)) if row not in GONE]
    expected = make_index(
        [{"id": str(row), "text": TEXTS[row]} for row in kept], shard_passages=shard, encoder=DEFAULT_ENCODER
    )
    assert (len(found), found.live, list(found.live_rows())) == (len(TEXTS), len(kept), kept)
    assert Bm25Retriever(found).idf(["cat", "dog"]) == Bm25Retriever(expected).idf(["cat", "dog"])
    for name in ("bm25", "dense", "hybrid"):
        for query in ("dogs", "cats", "text about stars"):
            for k in (1, 3, 50):
                ours, theirs = (make_retriever(index, name).search(query, k) for index in (found, expected))
                assert [(hit.passage, hit.score) for hit in ours] == [(hit.passage, hit.score) for hit in theirs]


def test_all_rows_of_an_index_may_be_deleted(make_index: Callable[..., Index]) -> None:
    index = make_index(TEXTS[:2], encoder=DEFAULT_ENCODER)
    empty = delete(index, (0, 1), tokens=index.manifest.totals["tokens"])
    for name in ("bm25", "dense", "hybrid"):
        assert make_retriever(empty, name).search("dogs", 5) == []


def test_an_index_without_tombstones_is_searched_without_a_selector(make_index: Callable[..., Index]) -> None:
    index = make_index(TEXTS, shard_passages=2)
    assert index.live_selectors == [None] * len(index.postings)
    assert delete(index, GONE).live_selectors.count(None) == len(index.postings) - 2


@pytest.mark.parametrize("rows", [[], [2], [1, 0], [0, 0]])
def test_tombstones_that_cannot_be(make_index: Callable[..., Index], rows: list[int]) -> None:
    index = make_index(TEXTS, shard_passages=2)
    found = delete(index, GONE)
    path: Path = found.build / layout.DELETED.format(0)
    np.save(path, np.array(rows, "<u4"))
    manifest = json.loads((index.build / layout.MANIFEST).read_bytes())
    manifest["files"][layout.DELETED.format(0)] = asdict(file_entry(path))
    data = json.dumps(manifest).encode()
    (index.build / layout.MANIFEST).write_bytes(data)
    (index.build / layout.MANIFEST_DIGEST).write_text(hashlib.sha256(data).hexdigest() + "\n")
    with pytest.raises(IndexDamaged, match="names no rows of its shard"):
        Index.open(index.folder)
