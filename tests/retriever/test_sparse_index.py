"""The sparse part of an index: resumed as unbroken, completed when the index changes, dead rows passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexing import sparse
from indexing.build import build
from indexing.settings import BuildSettings
from indexing.sparse import add_sparse
from tests.building import write_corpus
from webbrain.errors import IndexIncompatible, ModelNotFound
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.store.verify import verify
from webbrain.testing import TEXTS

SPARSE = str(Path(__file__).parent / "terms-minilm")  # see its README


class Killed(Exception):
    """Stands for a kill."""


def plain_index(folder: Path, shard_passages: int = 3) -> Path:
    settings = BuildSettings(encoder=None, shard_passages=shard_passages)
    build(write_corpus(folder / "corpus.jsonl", TEXTS), folder / "index", settings)
    return folder / "index"


def found(folder: Path, query: str = "lighthouse engineer") -> list[tuple[str, float]]:
    hits = make_retriever(Index.open(folder), "sparse").search(query, 20)
    return [(hit.passage.text, hit.score) for hit in hits]


def test_without_one_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    folder = plain_index(tmp_path)
    assert not Index.open(folder).has_sparse
    with pytest.raises(IndexIncompatible, match="index sparse"):
        make_retriever(Index.open(folder), "sparse")
    with pytest.raises(ModelNotFound, match="'nothing' is no folder"):
        add_sparse(folder, "nothing")


def test_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    folder = plain_index(tmp_path)
    assert add_sparse(folder, SPARSE)
    before = Index.open(folder).build
    assert not add_sparse(folder, SPARSE)
    assert Index.open(folder).build == before
    assert verify(folder, full=True) == []


def test_a_killed_run_goes_on_to_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, broken = plain_index(tmp_path / "whole", 1000), plain_index(tmp_path / "broken", 1000)
    monkeypatch.setattr(sparse, "BLOCK", 2)
    add_sparse(whole, SPARSE)
    append = sparse._Work.append
    blocks = 0

    def interrupted(work: Any, documents: Iterator[Any]) -> None:
        nonlocal blocks
        blocks += 1
        append(work, documents)
        if blocks == 2:
            with work.entries.open("ab") as file:
                file.write(b"half an entry")
            raise Killed

    monkeypatch.setattr(sparse._Work, "append", interrupted)
    with pytest.raises(Killed):
        add_sparse(broken, SPARSE)
    assert not Index.open(broken).has_sparse
    blocks = 10
    add_sparse(broken, SPARSE)
    assert blocks == 10 + len(TEXTS) // 2 - 2  # two blocks were done
    one, other = Index.open(whole), Index.open(broken)
    for name, entry in one.manifest.files.items():
        if name.startswith("sparse/"):
            assert other.manifest.files[name] == entry
    assert verify(broken, full=True) == []


def test_a_changed_index_is_completed_and_its_dead_rows_are_passed_over(tmp_path: Path) -> None:
    from indexing.update import add, remove

    folder = plain_index(tmp_path)
    add_sparse(folder, SPARSE)
    before = found(folder)
    new = "An engineer from Aldmouth looks after every lighthouse of the coast."
    add(write_corpus(tmp_path / "more.jsonl", [{"id": "new", "text": new}]), folder)
    add_sparse(folder, SPARSE)
    assert new in [text for text, _ in found(folder)]
    remove(folder, ["new"])
    add_sparse(folder, SPARSE)
    after = found(folder)
    assert [text for text, _ in after] == [text for text, _ in before]
    assert [score for _, score in after] == pytest.approx([score for _, score in before])
    assert verify(folder, full=True) == []
