from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexing.postings import MAX_COUNT, PostingsWriter
from indexing.terms import TermCounter, TermTable
from webbrain.analysis import Analyzer
from webbrain.errors import IndexDamaged
from webbrain.store import layout
from webbrain.store.postings import PostingsShard


def shard(folder: Path, *texts: str) -> PostingsShard:
    (folder / "bm25").mkdir(exist_ok=True)
    writer = PostingsWriter()
    writer.take(table(*texts), 0, len(texts))
    tokens = writer.write(folder, 0)
    found = PostingsShard(folder, 0)
    found.check(len(texts))
    assert tokens == int(found.lengths.sum())
    return found


def table(*texts: str) -> TermTable:
    counter = TermCounter(Analyzer())
    for text in texts:
        counter.add(text.encode())
    return counter.take()


def postings(found: PostingsShard, term: str) -> list[tuple[int, int]]:
    rows, counts = found.postings(found.find(term))
    return list(zip(rows.tolist(), counts.tolist(), strict=True))


def test_rows_and_counts(tmp_path: Path) -> None:
    found = shard(tmp_path, "dog cat dog", "the cat", "", "dog")
    assert postings(found, "dog") == [(0, 2), (3, 1)]
    assert postings(found, "cat") == [(0, 1), (1, 1)]
    assert postings(found, "the") == [(1, 1)]
    assert postings(found, "bird") == postings(found, "") == postings(found, "\uffff") == []
    assert found.lengths.tolist() == [3, 1, 0, 1]
    assert [found.document_frequency(found.find(term)) for term in ("dog", "cat", "bird")] == [2, 2, 0]


def test_terms_are_sorted_by_their_bytes_and_all_found(tmp_path: Path) -> None:
    found = shard(tmp_path, "zebra é ωmega 東京 a\u0301 10 apple apples aardvark 𝒳")
    terms = [found.term(number) for number in range(found.vocabulary)]
    assert terms == sorted(terms)
    assert [found.find(term.decode()) for term in terms] == list(range(found.vocabulary))


def test_a_count_over_sixteen_bits_is_capped(tmp_path: Path) -> None:
    assert postings(shard(tmp_path, "dog " * (MAX_COUNT + 10)), "dog") == [(0, MAX_COUNT)]


def test_a_shard_of_more_words_than_32_bits_count(tmp_path: Path) -> None:
    (tmp_path / "bm25").mkdir()
    writer = PostingsWriter()
    many = np.array([3 << 30, 2, 3 << 30, 5], np.uint32)
    writer.take(TermTable(["dog", "the"], np.array([0, 1, 0, 0], np.uint32), many, [0, 2, 3, 3, 4]), 0, 4)
    assert writer.write(tmp_path, 0) == (6 << 30) + 5
    assert PostingsShard(tmp_path, 0).lengths.tolist() == [3 << 30, 3 << 30, 0, 5]


@pytest.mark.parametrize("texts", [[], ["", ""], ["the of"]])
def test_shards_with_nothing_in_them(tmp_path: Path, texts: list[str]) -> None:
    found = shard(tmp_path, *texts)
    assert found.find("dog") is None
    assert len(found.lengths) == len(texts)


def test_sizes_that_disagree(tmp_path: Path) -> None:
    found = shard(tmp_path, "dog cat", "cat")
    with pytest.raises(IndexDamaged, match="disagree"):
        found.check(3)
    (tmp_path / layout.TERMS.format(0)).write_bytes(b"catdo")
    with pytest.raises(IndexDamaged, match="disagree"):
        PostingsShard(tmp_path, 0).check(2)


def test_passages_of_several_tables_and_parts_of_them(tmp_path: Path) -> None:
    """With terms of passages that are not taken, and two vocabularies, one of which grows between its tables."""
    texts = ["dog cat dog", "bird of the air", "", "a cat, a fish", "dog"]
    whole = PostingsWriter()
    whole.take(table(*(texts[at] for at in (0, 3, 4, 2, 3))), 0, 5)
    counter = TermCounter(Analyzer())
    tables = []
    for batch in (texts[:2], texts[2:4]):
        for text in batch:
            counter.add(text.encode())
        tables.append(counter.take())
    parts = PostingsWriter()
    parts.take(tables[0], 0, 1)
    parts.take(tables[1], 1, 2)
    parts.take(table(texts[4]), 0, 1)
    parts.take(tables[1], 0, 2)
    assert files(tmp_path / "whole", whole) == files(tmp_path / "parts", parts)


def files(folder: Path, writer: PostingsWriter) -> dict[str, bytes]:
    (folder / "bm25").mkdir(parents=True)
    writer.write(folder, 0)
    return {path.name: path.read_bytes() for path in (folder / "bm25").iterdir()}
