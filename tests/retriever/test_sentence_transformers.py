"""sentence-transformers as the reference: it computes the same losses and loads what is trained here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.retriever.made import tiny_bert, write_triples
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.models import resolve
from webbrain.testing import TEXTS
from webbrain.training.retriever.loss import contrast, flops
from webbrain.training.retriever.run import make_task
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.triples import PassageTexts, Triple

pytest.importorskip(
    "sentence_transformers", reason="sentence-transformers is not installed: pip install webbrain[test]"
)
BATCH = [Triple(str(n), "query", (f"p{n}", f"n{n}")) for n in range(3)]


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """A model of one kind, as a run would write it before its first step."""

    def saved(kind: str) -> Path:
        texts = PassageTexts(write_triples(tmp_path / "triples") / "corpus.jsonl")
        settings = RetrieverSettings(kind=kind, base=str(tiny_bert(tmp_path / "base")))  # type: ignore[arg-type]
        make_task(settings, texts, [], tmp_path, lambda steps, total, label: steps).save(tmp_path / "model")
        return tmp_path / "model"

    return saved


def test_lce_is_its_contrastive_loss() -> None:
    from sentence_transformers.sparse_encoder.losses import SparseMultipleNegativesRankingLoss

    torch.manual_seed(0)
    queries, passages = torch.rand(3, 50), torch.rand(3, 2, 50)
    theirs = SparseMultipleNegativesRankingLoss(None).compute_loss_from_embeddings(
        [queries, passages[:, 0], passages[:, 1]], None
    )
    assert float(contrast(queries @ passages.reshape(6, 50).T, BATCH)) == pytest.approx(float(theirs), abs=1e-5)


def test_another_querys_copy_of_the_positive_is_no_negative() -> None:
    same = [BATCH[0], Triple("1", "query", ("p1", "p0"))]
    scores = torch.tensor([[2.0, 1.0, 0.0, 9.0], [0.0, 0.0, 3.0, 1.0]])
    wanted = torch.nn.functional.cross_entropy(
        torch.tensor([[2.0, 1.0, 0.0, float("-inf")], [0.0, 0.0, 3.0, 1.0]]), torch.tensor([0, 2])
    )
    assert float(contrast(scores, same)) == pytest.approx(float(wanted))


def test_flops_is_its_flops() -> None:
    from sentence_transformers.sparse_encoder.losses import FlopsLoss

    weights = torch.rand(4, 30)
    assert float(flops(weights)) == pytest.approx(float(FlopsLoss(None).compute_loss_from_embeddings(weights)))


def test_it_loads_a_dense_model(save: Callable[..., Path], tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = save("dense")
    package_encoder(resolve(str(model)), tmp_path / "packed", "fp32")
    theirs = SentenceTransformer(str(model), device="cpu").encode(list(TEXTS))
    assert np.allclose(OnnxEncoder(tmp_path / "packed").encode(TEXTS), theirs, atol=1e-4)


def test_it_loads_a_reranker(save: Callable[..., Path]) -> None:
    from sentence_transformers import CrossEncoder

    from webbrain.retrieval.crossencoder import CrossEncoderScorer
    from webbrain.testing import passages
    from webbrain.types import ScoredPassage

    model = save("reranker")
    scoring = CrossEncoderScorer(model, "fp32").start("granite tower")
    ours = [scoring(ScoredPassage(one, 1.0, 1, "x", 0)) for one in passages(title="")]
    assert len({round(score, 4) for score in ours}) > 1
    pairs = [("granite tower", text) for text in TEXTS]
    theirs = CrossEncoder(str(model), device="cpu").predict(pairs, activation_fn=torch.nn.Identity())
    assert ours == pytest.approx(theirs.tolist(), abs=1e-4)
