"""Static embeddings, distilled from a tiny random encoder: what the table holds, and where it is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.building import build_index
from webbrain.encoding import static
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.encoding.onnx_bert import export
from webbrain.models import ModelFiles, resolve
from webbrain.retrieval.dense import DenseRetriever

PIECES = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "!", "a", "the", "of", "castle", "##s", "harbour", "crab"]
WIDTH = 16


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "webbrain"


@pytest.fixture
def model(tmp_path: Path) -> ModelFiles:
    """The static embeddings of a random encoder of one layer."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    tokenizer = {
        "version": "1.0",
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 4], "cls": ["[CLS]", 3]},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: row for row, piece in enumerate(PIECES)},
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 8,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(_weights(), folder / "model.safetensors")
    return resolve(f"static:{folder}")


def _weights() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(5).standard_normal
    shapes = {"word": len(PIECES), "position": 8, "token_type": 2}
    weights = {f"embeddings.{name}_embeddings.weight": draw((rows, WIDTH)) for name, rows in shapes.items()}
    layer = "encoder.layer.0."
    for name, rows, columns in (
        *((f"attention.self.{part}", WIDTH, WIDTH) for part in ("query", "key", "value")),
        ("attention.output.dense", WIDTH, WIDTH),
        ("intermediate.dense", 32, WIDTH),
        ("output.dense", WIDTH, 32),
    ):
        weights |= {f"{layer}{name}.weight": draw((rows, columns)) / 4, f"{layer}{name}.bias": draw(rows) / 9}
    for name in ("embeddings", f"{layer}attention.output", f"{layer}output"):
        weights |= {f"{name}.LayerNorm.weight": np.ones(WIDTH), f"{name}.LayerNorm.bias": np.zeros(WIDTH)}
    return {name: values.astype(np.float32) for name, values in weights.items()}


def test_a_piece_is_what_the_encoder_makes_of_it_alone(model: ModelFiles, tmp_path: Path) -> None:
    export(model, tmp_path / "model.onnx", "fp32")
    session = static.open_session(tmp_path / "model.onnx")
    found = static.piece_states(model)
    assert found.shape == (len(PIECES), WIDTH)
    for row in (6, 9, 12):
        states = session.run(["tokens"], {"ids": np.array([[3, row, 4]])})[0][0]
        assert np.allclose(found[row], (states[1] + states.mean(axis=0)) / 2, atol=1e-5)


def test_rare_words_weigh_more_and_control_tokens_nothing() -> None:
    weights = dict(zip(PIECES, static.piece_weights(PIECES), strict=True))
    assert weights["the"] < weights["of"] < weights["castle"] < weights["crab"]
    assert weights["[PAD]"] == weights["[UNK]"] == weights["[SEP]"] == weights["[unused1]"] == 0
    assert 0 < weights["[CLS]"] < weights["the"] / 100
    assert weights["!"] == weights["a"] == weights["the"], "what stands before the first word is frequent"


def test_a_text_is_the_mean_of_its_pieces(model: ModelFiles, tmp_path: Path) -> None:
    card = package_encoder(model, tmp_path / "packed")
    encoder, table = OnnxEncoder(tmp_path / "packed"), static.distill(model)
    assert (card.dim, card.max_tokens, card.pooling) == (WIDTH, static.MAX_TOKENS, "mean")
    expected = table[[PIECES.index(piece) for piece in ("the", "castle", "##s", "of", "crab")]].mean(axis=0)
    [vector] = encoder.encode(["The castles of Crab"])
    assert vector @ expected / np.linalg.norm(expected) > 0.999
    unknown = encoder.encode(["zzz", ""])
    assert np.allclose(np.linalg.norm(unknown, axis=1), 1, atol=1e-4)


def test_it_is_another_vector_space_than_its_encoder(model: ModelFiles, tmp_path: Path) -> None:
    plain = resolve(str(model.folder))
    assert plain.weights_sha256 != model.weights_sha256
    assert model.name == f"static:{plain.name}"
    assert (model.static, plain.static) == (True, False)


def test_the_table_is_kept_and_made_again_when_it_is_broken(
    model: ModelFiles, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = package_encoder(model, tmp_path / "1")
    [kept] = cache.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(static, "distill", None)
        assert package_encoder(model, tmp_path / "2") == first
    kept.write_bytes(b"not an array")
    assert package_encoder(model, tmp_path / "3") == first
    assert np.load(kept).shape == (len(PIECES), WIDTH)


def test_a_cache_that_cannot_be_written_costs_time_alone(
    model: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert package_encoder(model, tmp_path / "1").dim == WIDTH


def test_an_index_carries_it_and_needs_no_torch(model: ModelFiles, tmp_path: Path) -> None:
    texts = ["the castle of the harbour", "crab crab crab", "castles castles a crab"]
    index = build_index(tmp_path / "i", texts, encoder=model.name)
    assert DenseRetriever(index).search("crab", 1)[0].passage.text == texts[1]
    code = (
        "import sys\nfrom webbrain.store.index import Index\nfrom webbrain.retrieval import make_retriever\n"
        f"hits = make_retriever(Index.open({str(index.folder)!r}), 'dense').search('crab', 1)\n"
        "assert hits and not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
