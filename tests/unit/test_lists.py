"""Lists over the vectors: the same for any sharding, exact where asked to be, and honest about their recall."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexing import lists
from indexing.compact import compact
from indexing.update import add, remove
from tests.building import build_index, write_corpus
from webbrain.errors import ConfigError, IndexDamaged, WebBrainError
from webbrain.models import DEFAULT_ENCODER
from webbrain.retrieval import dense
from webbrain.retrieval.dense import DenseRetriever
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.lists import open_lists

WORDS = (
    "granite tower harbour crab herring storm engineer lamp glass ferry market bread river bridge forest owl winter "
    "mountain railway station clock museum painter violin concert garden rose bee honey village church bell"
).split()
QUERIES = ("a lighthouse by the sea", "music in winter", "crab", "the engineer of the railway bridge")
LISTS = {"encoder": DEFAULT_ENCODER, "dense_kind": "ivf", "duplicates": "keep"}


def texts(count: int, seed: int = 0) -> list[str]:
    chosen = random.Random(seed)
    return [" ".join(chosen.choices(WORDS, k=6)) for _ in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three indexes of the same texts: in lists, in lists and shards, and exact."""
    path = tmp_path_factory.mktemp("lists")
    build_index(path / "whole", texts(260), **LISTS)
    build_index(path / "shards", texts(260), **LISTS, shard_passages=70)
    build_index(path / "exact", texts(260), **{**LISTS, "dense_kind": "auto"})
    return path


def opened(folder: Path, name: str, recall: float | None = None) -> DenseRetriever:
    return DenseRetriever(Index.open(folder / name / "index", recall))


def facts(index: Index) -> dict[str, Any]:
    found: dict[str, Any] = index.manifest.settings["dense"]["lists"]
    return found


class TestSearching:
    def test_shards_change_nothing(self, folder: Path) -> None:
        whole, shards = opened(folder, "whole"), opened(folder, "shards")
        assert len(shards.index.manifest.shards) > 2
        assert facts(whole.index) == facts(shards.index)
        for query in QUERIES:
            assert whole.rows(query, 40) == shards.rows(query, 40)

    def test_not_every_vector_is_looked_at(self, folder: Path) -> None:
        near = opened(folder, "whole", 0.5)
        assert near.probes is not None
        assert near.index.lists is not None
        vector = near.index.encoder.encode(["crab"])
        [rows] = near.index.lists.candidates(vector, near.probes, 1000, [None])
        assert 0 < len(rows) < len(near.index) / 2

    def test_scores_are_those_of_an_exact_search(self, folder: Path) -> None:
        exact = opened(folder, "exact")
        for query in QUERIES:
            everything = set(exact.rows(query, 260))
            assert len(everything) == 260
            assert set(opened(folder, "shards", 0.5).rows(query, 30)) <= everything

    @pytest.mark.parametrize("recall", [0.5, 0.9])
    def test_a_shorter_list_begins_a_longer_one_beyond_the_candidates_too(self, folder: Path, recall: float) -> None:
        """What the lists missed stays out, so that even the longest has fewer than all."""
        retriever = opened(folder, "shards", recall)
        for query in QUERIES:
            longest = retriever.rows(query, 500)
            assert [(-score, row) for row, score in longest] == sorted((-score, row) for row, score in longest)
            assert len({row for row, _ in longest}) == len(longest) > 50
            assert all(retriever.rows(query, k) == longest[:k] for k in (1, 7, 30, 45, 60, 260))

    def test_recall_one_is_exact(self, folder: Path) -> None:
        exact = opened(folder, "exact")
        assert exact.index.lists is None
        for query in QUERIES:
            assert opened(folder, "shards", 1).rows(query, 300) == exact.rows(query, 300)


class TestRecall:
    def test_it_was_measured_and_holds(self, folder: Path) -> None:
        """On other queries than those it was measured with; each finds its own text, so it is no less."""
        measured = facts(opened(folder, "whole").index)["measured"]
        assert [probes for probes, _ in measured] == sorted({probes for probes, _ in measured})
        assert measured[-1][1] >= lists.ENOUGH_RECALL > measured[0][1]
        exact, near, asked = opened(folder, "exact"), opened(folder, "whole", 0.9), texts(40, seed=1)
        found = [len(set(exact.rows(text, 10)) & set(near.rows(text, 10))) / 10 for text in asked]
        assert sum(found) / len(found) > 0.8

    def test_more_recall_looks_into_more_lists(self, folder: Path) -> None:
        probes = [opened(folder, "whole", recall).probes for recall in (0.4, 0.8, 0.99)]
        assert probes == sorted(set(probes))
        assert opened(folder, "whole").probes == opened(folder, "whole", lists.DEFAULT_RECALL).probes

    def test_what_cannot_be_had_says_how_it_can(self, folder: Path) -> None:
        index = Index.open(folder / "whole" / "index", 0.9999)
        facts(index)["measured"][-1][1] = 0.997
        with pytest.raises(ConfigError, match=r"reach a recall of 0\.997 at most, not 0\.9999; .* `--recall 1`"):
            DenseRetriever(index)

    def test_without_lists_it_makes_no_difference(self, folder: Path) -> None:
        assert opened(folder, "exact", 0.3).rows("crab", 20) == opened(folder, "exact").rows("crab", 20)


class TestBuilding:
    def test_few_vectors_have_no_lists_and_many_have(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rows, settings = texts(20), {**LISTS, "dense_kind": "auto"}
        assert build_index(tmp_path / "few", rows, **settings).lists is None
        monkeypatch.setattr(lists, "AUTO_PASSAGES", 20)
        assert build_index(tmp_path / "many", rows, **settings).lists is not None
        assert build_index(tmp_path / "exact", rows, **{**settings, "dense_kind": "exact"}).lists is None

    @pytest.mark.parametrize("name", ["_facts", "_in_lists"])
    def test_a_build_broken_off_comes_out_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        class Interrupted(Exception):
            pass

        def interrupted(*_: Any) -> None:
            raise Interrupted

        settings = {**LISTS, "shard_passages": 40}
        unbroken = build_index(tmp_path / "unbroken", texts(90), **settings)
        with monkeypatch.context() as patch:
            patch.setattr(lists, name, interrupted)
            with pytest.raises(Interrupted):
                build_index(tmp_path / "broken", texts(90), **settings)
        with monkeypatch.context() as patch:  # nothing is encoded a second time
            patch.setattr("webbrain.encoding.encoder.OnnxEncoder.encode", _only(lists.QUERIES))
            resumed = build_index(tmp_path / "broken", texts(90), **settings)
        ours, theirs = (
            {name: entry for name, entry in index.manifest.files.items() if name.startswith("dense/")}
            for index in (resumed, unbroken)
        )
        assert ours == theirs
        assert len(ours) == 3 * len(resumed.manifest.shards) + 1
        assert facts(resumed) == facts(unbroken)

    def test_lists_of_another_index_are_refused(self, folder: Path, tmp_path: Path) -> None:
        index = opened(folder, "whole").index
        with pytest.raises(IndexDamaged, match=r"holds \d+ codes in \d+ lists, not 70 in"):
            open_lists(index.build, opened(folder, "shards").index.manifest.shards[:1])
        shutil.copytree(index.build / "dense", tmp_path / "cut" / "dense")
        codes = tmp_path / "cut" / layout.LIST_CODES.format(0)
        codes.write_bytes(codes.read_bytes()[:-1])
        with pytest.raises(IndexDamaged, match="shorter than its lists"):
            open_lists(tmp_path / "cut", index.manifest.shards)
        (tmp_path / layout.TRAINED).parent.mkdir()
        (tmp_path / layout.TRAINED).write_bytes(b"IwPfnonsense")
        with pytest.raises(WebBrainError, match="cannot be read"):
            open_lists(tmp_path, index.manifest.shards)


class TestChanging:
    @pytest.fixture
    def changed(self, tmp_path: Path) -> DenseRetriever:
        """An index in lists of 80 texts, some of them removed and others added."""
        build_index(tmp_path / "i", texts(80), **LISTS)
        output = tmp_path / "i" / "index"
        more = [{"id": f"new{n}", "text": text} for n, text in enumerate(texts(12, seed=3))]
        remove(output, [str(n) for n in range(0, 80, 4)], threads=1)
        add(write_corpus(tmp_path / "more.jsonl", more), output, threads=1)
        return DenseRetriever(Index.open(output))

    def test_what_is_removed_is_not_found_and_what_is_added_is(self, changed: DenseRetriever) -> None:
        index = changed.index
        assert index.lists is not None
        assert len(index.lists.shards) == 2
        gone = {str(n) for n in range(0, 80, 4)}
        for query in (*QUERIES, *texts(80)[::4]):
            near = changed.search(query, 15)
            assert not gone & {hit.passage.doc_id for hit in near}
            longest = changed.rows(query, 200)
            assert len(longest) == len({row for row, _ in longest}) <= index.live == 72
        for n, text in enumerate(texts(12, seed=3)):
            assert changed.search(text, 1)[0].passage.doc_id == f"new{n}"

    def test_compacting_merges_the_lists_too(self, changed: DenseRetriever) -> None:
        before = {query: changed.search(query, 10) for query in QUERIES}
        compact(changed.index.folder)
        index = Index.open(changed.index.folder)
        assert len(index) == index.live == 72
        assert index.lists is not None
        assert [shard.ntotal for shard in index.lists.shards] == [72]
        for query, hits in before.items():
            found = DenseRetriever(index).search(query, 10)
            assert [hit.passage.passage_id for hit in found] == [hit.passage.passage_id for hit in hits]

    def test_another_way_to_search_needs_no_encoding(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        exact = build_index(tmp_path / "i", texts(60), **{**LISTS, "dense_kind": "exact"})
        with monkeypatch.context() as patch:
            patch.setattr("webbrain.encoding.encoder.OnnxEncoder.encode", _only(60))  # the queries that measure
            index = build_index(tmp_path / "i", texts(60), **LISTS)
        assert index.lists is not None
        vectors = layout.VECTORS.format(0)
        assert index.manifest.files[vectors] == exact.manifest.files[vectors]

    def test_lists_are_gone_on_with_and_measured_anew_when_there_is_more(self, tmp_path: Path) -> None:
        first = build_index(tmp_path / "i", texts(50), **LISTS)
        output = tmp_path / "i" / "index"
        few, many = texts(5, seed=4), texts(30, seed=5)
        for n, (more, measured_on) in enumerate([(few, 50), (many, 85)]):
            rows: Any = [{"id": f"{n}-{place}", "text": text} for place, text in enumerate(more)]
            add(write_corpus(tmp_path / f"{n}.jsonl", rows), output, threads=1)
            index = Index.open(output)
            assert index.manifest.files[layout.TRAINED] == first.manifest.files[layout.TRAINED]
            assert (facts(index)["trained_on"], facts(index)["measured_on"]) == (50, measured_on)


def test_candidates_are_the_same_however_many_are_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound on them cuts the same candidates, whatever the shards."""
    monkeypatch.setattr(dense, "CANDIDATES", 12)
    for query in QUERIES:
        whole, shards = opened(folder, "whole"), opened(folder, "shards")
        assert len(whole.rows(query, 12)) == 12
        assert whole.rows(query, 6) == whole.rows(query, 100)[:6]
        assert shards.rows(query, 6) == shards.rows(query, 100)[:6]


def _only(most: int) -> Callable[..., Any]:
    """`OnnxEncoder.encode` for the queries of a measurement, and no more texts."""
    from webbrain.encoding.encoder import OnnxEncoder

    real, seen = OnnxEncoder.encode, [0]

    def encode(self: OnnxEncoder, given: Any) -> Any:
        seen[0] += len(given)
        assert seen[0] <= most
        return real(self, given)

    return encode


def test_faiss_searches_on_the_calling_thread_and_leaves_its_setting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its team of threads costs more to wake than a search takes."""
    import faiss

    seen: list[int] = []
    for name in ("exact_rows", "near_rows"):
        search = getattr(dense, name)
        monkeypatch.setattr(
            dense, name, lambda *given, of=search: (seen.append(faiss.omp_get_max_threads()), of(*given))[1]
        )
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        for name in ("exact", "whole"):
            assert opened(folder, name).search(QUERIES[0], 3)
        assert seen == [1, 1]
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
