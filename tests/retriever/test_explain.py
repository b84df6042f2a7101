"""Explanations: the parts of every stage add up to the score that the retriever gave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from tests.retriever.test_conformance import make_index
from webbrain.errors import ConfigError
from webbrain.retrieval import make_retriever
from webbrain.retrieval.explain import Explainer
from webbrain.retrieval.fusion import ReciprocalRank
from webbrain.retrieval.hybrid import HybridRetriever
from webbrain.store.index import Index

QUERIES = ("who built the lighthouse of Aldmouth", "herring fish fish sea", "granite")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("explained"), 3)


@pytest.mark.parametrize("name", ["bm25", "dense", "sparse", "hybrid", "hybrid3"])
def test_the_parts_add_up_to_the_score(index: Index, name: str) -> None:
    retriever = make_retriever(index, name)
    for query in QUERIES:
        hits = retriever.search(query, 5)
        explained = Explainer(index, retriever).explain(query, 5)
        assert [(one.rank, one.passage_id, one.score) for one in explained] == [
            (hit.rank, hit.passage.passage_id, hit.score) for hit in hits
        ]
        for one in explained:
            assert sum(stage.contribution or 0 for stage in one.stages) == pytest.approx(one.score, abs=1e-5)
            for stage in one.stages:
                if stage.terms and stage.score is not None:
                    assert sum(part.contribution for part in stage.terms) == pytest.approx(stage.score, rel=1e-4)


def test_a_stage_says_where_the_passage_stands_in_it(index: Index) -> None:
    bm25 = make_retriever(index, "bm25")
    places = {hit.passage.passage_id: (hit.rank, hit.score) for hit in bm25.search(QUERIES[0], 100)}
    for one in Explainer(index, make_retriever(index, "hybrid")).explain(QUERIES[0], 8):
        stage = next(stage for stage in one.stages if stage.stage == "bm25")
        assert (stage.rank, stage.score) == places.get(one.passage_id, (None, None))


def test_bm25_terms_are_the_formula(index: Index) -> None:
    (found, *_) = Explainer(index, make_retriever(index, "bm25")).explain("herring herring fleet", 1)
    parts = {part.term: part for part in found.stages[0].terms}
    herring = parts["her"] if "her" in parts else parts["herring"]
    assert herring.idf is not None
    assert herring.tf is not None
    assert herring.length is not None
    assert herring.weight == pytest.approx(2 * herring.idf)
    assert herring.contribution == pytest.approx(herring.weight * herring.tf / (herring.tf + herring.length))


def test_reciprocal_ranks_add_up_too(index: Index) -> None:
    retriever = HybridRetriever(index, ReciprocalRank())
    for one in Explainer(index, retriever).explain(QUERIES[0], 8):
        assert sum(stage.contribution or 0 for stage in one.stages) == pytest.approx(one.score)


def test_a_reranked_hit_says_what_it_was_before(index: Index) -> None:
    before = {hit.passage.passage_id: hit for hit in make_retriever(index, "hybrid").search(QUERIES[0], 8)}
    retriever = make_retriever(index, "hybrid+maxsim@none")
    for one in Explainer(index, retriever).explain(QUERIES[0], 8):
        assert one.rerank is not None
        assert (one.first_rank, one.first_score) == (before[one.passage_id].rank, before[one.passage_id].score)
        assert sum(stage.contribution or 0 for stage in one.stages) == pytest.approx(one.first_score, abs=1e-5)


def test_one_document(index: Index) -> None:
    (found,) = Explainer(index, make_retriever(index, "bm25")).explain("Aldmouth", 3, "7")
    assert found.doc_id == "7"
    assert (
        found.rank == [hit.passage.doc_id for hit in make_retriever(index, "bm25").search("Aldmouth", 9)].index("7") + 1
    )
    with pytest.raises(ConfigError, match="'99' is not among"):
        Explainer(index, make_retriever(index, "bm25")).explain("Aldmouth", 3, "99")


def test_the_command_prints_a_table_or_json(index: Index) -> None:
    def explain(*options: str) -> str:
        done = CliRunner().invoke(app, ["explain", QUERIES[0], "--index", str(index.folder), *options])
        assert done.exit_code == 0, done.output
        return done.stdout

    table = explain("--retriever", "hybrid3", "-k", "2")
    assert all(word in table for word in ("bm25", "dense", "sparse", "lighthous", "rank 1", "gave"))
    found = json.loads(explain("--json", "--rerank", "maxsim", "--rerank-budget", "0"))
    assert found["retriever"] == "hybrid+maxsim"
    assert len(found["hits"]) == 3
    assert {"rank", "score", "stages", "first_rank", "rerank"} <= set(found["hits"][0])


def test_a_retriever_from_elsewhere_is_refused(index: Index, tmp_path: Path) -> None:
    class Mine:
        name = "mine"

    with pytest.raises(ConfigError, match="'mine' cannot be explained"):
        Explainer(index, Mine())  # type: ignore[arg-type]
