"""Missing, stale, incompatible, damaged: four errors, each with its repair."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexing.build import build
from indexing.freshness import check_fresh, staleness
from indexing.publish import collect_garbage
from indexing.settings import BuildSettings
from webbrain.errors import IndexDamaged, IndexIncompatible, IndexNotFound, IndexStale
from webbrain.retrieval import make_retriever
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.manifest import read_manifest
from webbrain.store.verify import verify

REBUILD = "index build CORPUS"
TEXTS = ["A dog barks at the moon.", "A cat sleeps.", "Both eat.", "A bird sings of the dog."]


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    return make_index([*TEXTS, TEXTS[0].upper(), " "], shard_passages=2)


def rewrite_manifest(build: Path, **changes: Any) -> None:
    """Another manifest with a digest that fits."""
    raw = {**json.loads((build / layout.MANIFEST).read_bytes()), **changes}
    data = json.dumps(raw).encode()
    (build / layout.MANIFEST).write_bytes(data)
    (build / layout.MANIFEST_DIGEST).write_text(hashlib.sha256(data).hexdigest() + "\n")


class TestMissing:
    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(IndexNotFound, match=f"is no index; run `webbrain {REBUILD} --output {tmp_path}/x`"):
            Index.open(tmp_path / "x")

    def test_an_unfinished_build(self, tmp_path: Path) -> None:
        (tmp_path / "builds" / "abc.partial").mkdir(parents=True)
        with pytest.raises(IndexNotFound, match="holds an unfinished build; run `webbrain index build"):
            Index.open(tmp_path)

    def test_no_garbage_is_collected_where_there_is_no_index(self, tmp_path: Path) -> None:
        with pytest.raises(IndexNotFound):
            collect_garbage(tmp_path / "typo")
        assert not (tmp_path / "typo").exists()


class TestStale:
    def test_a_corpus_that_moved_on(self, tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
        corpus = make_corpus(TEXTS)
        build(corpus, tmp_path / "i", BuildSettings(encoder=None))
        check_fresh(tmp_path / "i", corpus)
        make_corpus([*TEXTS, "One more."])
        with pytest.raises(IndexStale, match=f"run `webbrain index build {corpus} --output {tmp_path}/i`"):
            check_fresh(tmp_path / "i", corpus)
        assert "is not what" in staleness(tmp_path / "i", corpus)[0]
        build(corpus, tmp_path / "i", BuildSettings(encoder=None))
        assert staleness(tmp_path / "i", corpus) == []


class TestIncompatible:
    def test_another_format(self, index: Index) -> None:
        rewrite_manifest(index.build, format_version=99)
        with pytest.raises(IndexIncompatible, match=f"has format 99, this webbrain reads 1 and 2; .*{REBUILD}"):
            Index.open(index.folder)

    def test_another_analyzer(self, index: Index) -> None:
        settings = json.loads(json.dumps(dict(index.manifest.settings)))
        settings["analyzer"]["version"] = 1
        rewrite_manifest(index.build, settings=settings)
        with pytest.raises(IndexIncompatible, match=f"made with analyzer 1, this webbrain has .*{REBUILD}"):
            Index.open(index.folder)

    def test_dense_search_without_vectors(self, index: Index) -> None:
        with pytest.raises(IndexIncompatible, match="has no vectors; rebuild it without `--no-dense`, or search with"):
            make_retriever(index, "dense").search("dog", 3)

    def test_another_encoder_than_the_vectors(self, index: Index) -> None:
        (index.build / layout.ENCODER).mkdir()
        card = {"name": "m", "weights_sha256": "w", "onnx_sha256": "1", "dim": 8}
        card |= {"pooling": "mean", "max_tokens": 9, "precision": "int8"}
        (index.build / layout.ENCODER / "encoder.json").write_text(json.dumps(card))
        rewrite_manifest(index.build, encoder={**card, "onnx_sha256": "2"})
        with pytest.raises(IndexIncompatible, match="another encoder than its vectors; rebuild"):
            Index.open(index.folder)


class TestDamaged:
    @pytest.mark.parametrize("pattern", [*layout.SHARD_FILES, layout.REJECTS, layout.ALIASES])
    def test_a_file_that_is_gone_or_short_or_long(self, index: Index, pattern: str) -> None:
        path = index.build / pattern.format(1)
        data = path.read_bytes()
        for other, what in ((None, "is missing"), (data[:-1], f"not {len(data)}"), (data + b"x", f"not {len(data)}")):
            path.unlink()
            if other is not None:
                path.write_bytes(other)
            with pytest.raises(IndexDamaged, match=f"{path} .*{what}; rebuild the index or restore that file"):
                Index.open(index.folder)
            path.write_bytes(data)

    @pytest.mark.parametrize("content", [b"", b"x", b"[]\n", b'{"format_version": 1}\n'])
    def test_the_manifest(self, index: Index, content: bytes) -> None:
        (index.build / layout.MANIFEST).write_bytes(content)
        with pytest.raises(IndexDamaged, match=f"manifest.json cannot be read .*digest.*{REBUILD}"):
            Index.open(index.folder)

    def test_the_manifests_digest_is_gone(self, index: Index) -> None:
        (index.build / layout.MANIFEST_DIGEST).unlink()
        with pytest.raises(IndexDamaged, match="cannot be read"):
            Index.open(index.folder)

    @pytest.mark.parametrize(
        "line", ["", "x", "abc\n", "../builds\n", "\n", "..\n", "{0}", "{0}\n\n", "{0}\0\n", "\udcff\n"]
    )
    def test_the_pointer(self, index: Index, line: str) -> None:
        pointer = index.folder / layout.CURRENT
        pointer.write_bytes(line.format(index.build.name).encode("utf-8", "surrogateescape"))
        with pytest.raises(IndexDamaged):
            Index.open(index.folder)

    def test_the_pointer_is_a_folder(self, index: Index) -> None:
        (index.folder / layout.CURRENT).unlink()
        (index.folder / layout.CURRENT).mkdir()
        with pytest.raises(IndexDamaged, match="CURRENT cannot be read"):
            Index.open(index.folder)

    def test_sums_that_disagree(self, index: Index) -> None:
        totals = {**index.manifest.totals, "passages": 5}
        rewrite_manifest(index.build, totals=totals)
        with pytest.raises(IndexDamaged, match="has 4 rows, its manifest says otherwise"):
            Index.open(index.folder)
        shards = [{"documents": 2, "passages": 3, "tokens": 4}] * len(index.manifest.shards)
        rewrite_manifest(index.build, shards=shards)
        with pytest.raises(IndexDamaged, match="holds 2 passages of 2 documents, the manifest says 3 of 2"):
            Index.open(index.folder)

    def test_verify_says_what_open_raises(self, index: Index) -> None:
        assert verify(index.folder) == verify(index.folder, full=True) == []
        (index.folder / layout.CURRENT).unlink()
        for full in (False, True):
            assert "is no index; run `webbrain index build" in verify(index.folder, full=full)[0]

    def test_verify_names_the_command_that_repairs(self, index: Index, make_corpus: Callable[..., Path]) -> None:
        path = index.build / layout.TEXT.format(0)
        path.write_bytes(path.read_bytes().replace(b"dog", b"hog"))
        assert verify(index.folder) == []
        assert f"--output {index.folder} --force`" in verify(index.folder, full=True)[0]
        build(
            make_corpus([*TEXTS, TEXTS[0].upper(), " "]),
            index.folder,
            BuildSettings(encoder=None, shard_passages=2),
            force=True,
        )
        assert verify(index.folder, full=True) == []
        assert [name.split(".")[0] for name in collect_garbage(index.folder)] == [index.build.name]


def test_a_file_that_belongs_to_nothing_is_reported(index: Index) -> None:
    (index.build / "passages" / "notes.txt").write_text("mine")
    assert "notes.txt belongs to no index; delete it" in verify(index.folder, full=True)[0]


def test_an_open_index_outlives_its_build(index: Index, make_corpus: Callable[..., Path]) -> None:
    before = make_retriever(index, "bm25").search("dog", 5)
    build(make_corpus(["A dog, other."]), index.folder, BuildSettings(encoder=None))
    assert collect_garbage(index.folder) == [index.build.name]
    assert make_retriever(index, "bm25").search("dog", 5) == before
    assert len(Index.open(index.folder)) == 1


def test_a_build_collected_while_it_is_opened_gives_the_newer_one(
    index: Index, make_corpus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from webbrain.store import index as module

    calls = []

    def slow(folder: Path) -> Any:
        calls.append(folder)
        if len(calls) == 1:
            build(make_corpus(["A dog, other."]), index.folder, BuildSettings(encoder=None))
            collect_garbage(index.folder)
        return read_manifest(folder)

    monkeypatch.setattr(module, "read_manifest", slow)
    assert len(Index.open(index.folder)) == 1
    assert calls[0] != calls[-1]


def test_a_moved_index_still_opens(index: Index, tmp_path: Path) -> None:
    before = [hit.passage for hit in make_retriever(index, "bm25").search("dog", 5)]
    moved = index.folder.rename(tmp_path / "elsewhere")
    assert verify(moved, full=True) == []
    assert [hit.passage for hit in make_retriever(Index.open(moved), "bm25").search("dog", 5)] == before


def test_more_shards_than_a_process_may_open_files(make_index: Callable[..., Index]) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = make_index([f"Text {n}." for n in range(60)], shard_passages=1)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        assert len(Index.open(many.folder)) == 60
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_manifest_round_trips(index: Index, tmp_path: Path) -> None:
    index.manifest.write(tmp_path)
    assert read_manifest(tmp_path) == index.manifest
    replace(index.manifest, build_id="other").write(tmp_path)
    assert read_manifest(tmp_path) != index.manifest
    assert all(not Path(name).is_absolute() for name in index.manifest.files)
    assert str(index.folder) not in (index.build / layout.MANIFEST).read_text()
