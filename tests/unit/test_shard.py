"""A shard is the same whether its documents come one by one or in blocks, whole or in part."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from indexing import shard as module
from indexing.block import Block, BlockMaker
from indexing.shard import ShardWriter
from webbrain.analysis import Analyzer
from webbrain.grounding.sentences import Span
from webbrain.store.manifest import ShardEntry
from webbrain.store.passages import PassageShard
from webbrain.types import Document

DOCUMENTS = [
    Document("a", "Größe", "Erste Straße. Zweite é.", "http://a", {"n": [1, "ü"]}),
    Document("b", "", "plain words only, of ASCII"),
    Document("c", 'A "quoted" \\ title', "漢字の文。\u3000文。"),
    Document("d", "empty", "   "),
    Document("e", "twice", "The dog and the dog."),
]
SPANS = [[Span(0, 13), Span(14, 23)], [Span(0, 11), Span(12, 26)], [Span(0, 5), Span(6, 8)], [], [Span(0, 20)]]


def block(*numbers: int) -> Block:
    maker = BlockMaker(Analyzer())
    for number in numbers:
        maker.add(DOCUMENTS[number], SPANS[number])
    return maker.take()


def writer(folder: Path) -> ShardWriter:
    return ShardWriter(folder, 0, Analyzer())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    shard = writer(tmp_path / "expected")
    for document, spans in zip(DOCUMENTS, SPANS, strict=True):
        shard.add(document, spans)
    assert shard.finish() == ShardEntry(5, 7, 20)
    return files(tmp_path / "expected")


def test_what_is_read_back(tmp_path: Path, expected: dict[str, bytes]) -> None:
    found = PassageShard(tmp_path / "expected", 0)
    assert [found.document(number) for number in range(found.documents)] == DOCUMENTS
    texts = [
        document.text[span.start : span.end] for document, spans in zip(DOCUMENTS, SPANS, strict=True) for span in spans
    ]
    assert [found.passage(row).text for row in range(len(found))] == texts
    assert [found.passage(row).passage_id for row in range(len(found))] == [
        "a#0",
        "a#1",
        "b#0",
        "b#1",
        "c#0",
        "c#1",
        "e#0",
    ]


def test_documents_of_a_block(tmp_path: Path, expected: dict[str, bytes]) -> None:
    shard, whole = writer(tmp_path / "i"), block(0, 1, 2, 3, 4)
    for number in range(len(whole)):
        shard.take(whole, number, number + 1)
        assert shard.documents == number + 1
    assert shard.passages == 7
    shard.finish()
    assert files(tmp_path / "i") == expected


def test_parts_of_blocks_and_documents_between_them(tmp_path: Path, expected: dict[str, bytes]) -> None:
    shard, first, second = writer(tmp_path / "i"), block(3, 0, 4, 1), block(2, 4, 3)
    shard.take(first, 1, 2)
    shard.take(first, 3, 4)
    shard.add(DOCUMENTS[2], SPANS[2])
    shard.take(second, 2, 3)
    shard.take(second, 1, 2)
    shard.finish()
    assert files(tmp_path / "i") == expected


def test_many_single_documents_are_written_in_several_blocks(
    tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_DOCUMENTS", 2)
    shard = writer(tmp_path / "i")
    for document, spans in zip(DOCUMENTS, SPANS, strict=True):
        shard.add(document, spans)
    shard.finish()
    assert files(tmp_path / "i") == expected


def test_a_block_on_its_way_between_processes() -> None:
    whole = block(0, 2, 4)
    found: Block = pickle.loads(pickle.dumps(whole))  # noqa: S301
    assert found.terms is not None
    assert found.terms.vocabulary == []  # told apart
    assert [found.document(number) for number in range(3)] == [DOCUMENTS[0], DOCUMENTS[2], DOCUMENTS[4]]
    assert list(found.indexed_texts(0, 1)) == ["Größe. Erste Straße.", "Größe. Zweite é."]
    assert (found.passages(0), found.passages(1)) == (2, 2)
