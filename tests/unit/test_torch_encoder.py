"""The GPU encoder, run on the processor: the same vectors as the ONNX encoder, up to the rounding of its arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexing.build import build
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.encoding.torch_bert import TorchEncoder, batches, check_agreement, gpu_encoder
from webbrain.errors import ConfigError
from webbrain.models import DEFAULT_ENCODER, resolve
from webbrain.testing import ODD_TEXTS, TEXTS

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
MANY = [*TEXTS, "short", " ".join(TEXTS) * 4, "[SEP] [CLS] words", *ODD_TEXTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fp32")
    package_encoder(resolve(DEFAULT_ENCODER), path, "fp32")
    return path


@pytest.fixture(scope="module")
def exact(folder: Path) -> Any:
    return OnnxEncoder(folder).encode(MANY)


def test_fp32_agrees_with_onnx(folder: Path, exact: Any) -> None:
    vectors = TorchEncoder(resolve(DEFAULT_ENCODER), folder, "cpu", "float32").encode(MANY)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - exact).max() < 1e-5


def test_bf16_agrees_and_hardly_depends_on_company(folder: Path, exact: Any) -> None:
    encoder = TorchEncoder(resolve(DEFAULT_ENCODER), folder, "cpu")
    vectors = encoder.encode(MANY)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert (vectors * exact).sum(axis=1).min() > 0.995
    alone = np.concatenate([encoder.encode([text]) for text in MANY])
    assert (vectors * alone).sum(axis=1).min() > 0.999
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_batches_hold_every_text_once_and_are_even() -> None:
    lengths = [3, 100, 7, 7, 50, 1, 100, 300, 2]
    found = list(batches(lengths, 200))
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    assert found[0] == [7]  # longer than a batch may be, so alone
    assert all(len(batch) * max(lengths[place] for place in batch) <= 200 for batch in found[1:])
    assert list(batches([], 10)) == []


def test_other_vectors_than_the_index_has_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = TorchEncoder(resolve(DEFAULT_ENCODER), folder, "cpu", "float32")
    assert check_agreement(encoder, OnnxEncoder(folder)) > 0.999
    real = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda texts: real(texts)[:, ::-1])
    with pytest.raises(ConfigError, match=r"gives other vectors .* \(cosine .*\); build with --device cpu"):
        check_agreement(encoder, OnnxEncoder(folder))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_said_before_anything_is_encoded(tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="sees no GPU here; install a torch made for yours, or leave --device out"):
        build(make_corpus(["A text."]), tmp_path / "i", device="cuda")


def test_static_embeddings_need_none(folder: Path) -> None:
    with pytest.raises(ConfigError, match="leave --device cuda out"):
        gpu_encoder(replace(resolve(DEFAULT_ENCODER), static=True), folder)
