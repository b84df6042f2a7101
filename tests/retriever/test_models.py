"""What is trained is what an index runs: the ONNX graphs give the numbers of the torch modules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.retriever.made import tiny_bert, write_triples
from webbrain.encoding.sparse import SparseEncoder, package_sparse
from webbrain.models import resolve
from webbrain.retrieval.crossencoder import CrossEncoderScorer
from webbrain.testing import TEXTS, passages
from webbrain.training.retriever.encoders import RerankerTask, SpladeTask
from webbrain.training.retriever.run import make_task
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.term_task import TermTask
from webbrain.training.retriever.terms import ridge
from webbrain.training.retriever.triples import PassageTexts, TripleSet
from webbrain.types import ScoredPassage


@pytest.fixture(scope="module")
def triples(tmp_path_factory: pytest.TempPathFactory) -> TripleSet:
    folder = write_triples(tmp_path_factory.mktemp("triples"), scores=True)
    return TripleSet(folder, "train", PassageTexts(folder / "corpus.jsonl"))


def make(triples: TripleSet, folder: Path, **options: object) -> object:
    base = tiny_bert(folder / "base", masked_lm=options.pop("masked_lm", False) is True)
    settings = RetrieverSettings(base=str(base), **options)  # type: ignore[arg-type]
    return make_task(settings, triples.texts, [triples], folder, lambda steps, total, label: steps)


def dense_weights(encoder: SparseEncoder, text: str) -> np.ndarray:
    terms, codes = encoder.document(text)
    weights = np.zeros(encoder.card.terms, np.float32)
    weights[terms] = (codes >> 1) * encoder.card.scale
    return weights


@pytest.mark.parametrize("expand", [True, False])
def test_term_weights_in_an_index_are_those_of_training(triples: TripleSet, tmp_path: Path, expand: bool) -> None:
    task = make(triples, tmp_path, expand=expand)
    assert isinstance(task, TermTask)
    (tmp_path / "model").mkdir()
    with torch.no_grad():
        task.module.bias[5:] = 0.0  # about half of the terms, but the tokenizer's marks, then have a weight
    task.save(tmp_path / "model")
    package_sparse(str(tmp_path / "model"), tmp_path / "packed", "fp32")
    encoder = SparseEncoder(tmp_path / "packed")
    columns = torch.arange(task.terms)
    triple = triples.triple(0)
    with torch.no_grad():
        wanted = task._documents([triple], columns).numpy()
        task.module.idf.fill_(1.0)  # an index has its own
        (asked,) = task.module.queries(task._query_ids([triple]), columns).numpy()
    marks = [2, 3]  # [CLS] and [SEP] are no terms of an index
    for passage_id, row in zip(triple.passages, wanted, strict=True):
        row[marks] = 0
        found = dense_weights(encoder, triples.texts[passage_id])
        heavy = row >= np.sort(row)[-200]  # an index keeps the heaviest terms only
        assert np.abs(found - row)[heavy].max() < 0.1  # states of an int8 encoder
        own = set(task.states.batch([passage_id]).ids[0].tolist())
        terms, codes = encoder.document(triples.texts[passage_id])
        assert set(terms[codes % 2 == 1].tolist()) == own & set(terms.tolist())
        assert any(row[term] > 0.1 for term in own)
        assert any(term not in own and row[term] > 0.2 for term in range(task.terms)) == expand
    query = encoder.query(triple.query)
    assert query == pytest.approx({int(term): float(asked[term]) for term in np.flatnonzero(asked)}, abs=2e-3)


def test_splade_in_an_index_is_that_of_training(triples: TripleSet, tmp_path: Path) -> None:
    task = make(triples, tmp_path, queries="encoder", masked_lm=True)
    assert isinstance(task, SpladeTask)
    task.save(tmp_path / "model")
    package_sparse(str(tmp_path / "model"), tmp_path / "packed", "fp32")
    encoder = SparseEncoder(tmp_path / "packed")
    task.module.eval()
    triple = triples.triple(0)
    with torch.no_grad():
        document = task._weights("document", task._passages([triple]))[0].numpy()
        (query,) = task._weights("query", task._queries([triple])).numpy()
    heavy = np.sort(document)[-200:].min()  # an index keeps the heaviest terms only
    found = dense_weights(encoder, triples.texts[triple.passages[0]])
    assert np.abs(found - document)[document > heavy].max() < 0.02
    assert encoder.query(triple.query) == pytest.approx(
        {int(term): float(query[term]) for term in np.flatnonzero(query)}, abs=1e-3
    )


def test_a_checkpoint_without_a_head_gets_one_tied_to_its_embeddings(triples: TripleSet, tmp_path: Path) -> None:
    task = make(triples, tmp_path, queries="encoder")
    assert isinstance(task, SpladeTask)
    model = task.module["document"]
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    alike = zip(task.module["query"].parameters(), task.module["document"].parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in alike)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("int8", 0.05)])
def test_a_cross_encoder_scores_as_in_training(
    triples: TripleSet, tmp_path: Path, precision: str, tolerance: float
) -> None:
    task = make(triples, tmp_path, kind="reranker")
    assert isinstance(task, RerankerTask)
    task.save(tmp_path / "model")
    task.module.eval()
    triple = triples.triple(0)
    with torch.no_grad():
        (wanted,) = task.scores([triple])
    scoring = CrossEncoderScorer(tmp_path / "model", precision).start(triple.query)
    found = [scoring(ScoredPassage(one, 1.0, 1, "x", 0)) for one in passages(TEXTS[: len(wanted)])]
    assert found == pytest.approx(wanted.tolist(), abs=tolerance)
    assert len({round(score, 3) for score in found}) > 1
    assert resolve(str(tmp_path / "model")).weights_sha256


def test_ridge_finds_a_linear_map() -> None:
    torch.manual_seed(0)
    weight, bias, inputs = torch.randn(4, 8), torch.randn(4), torch.randn(5000, 8)
    found, constant = ridge(inputs, inputs @ weight.T + bias)
    assert torch.allclose(found, weight, atol=0.02)
    assert torch.allclose(constant, bias, atol=0.02)
