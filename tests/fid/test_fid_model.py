"""Fusion-in-Decoder on tiny random models: right by a plain re-implementation, blind to padding and order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the writer's training extra is not installed: pip install '.[train]'")

from tests.fid.models import KINDS, PASSAGES, make_seq2seq, make_vocabulary  # noqa: E402
from tests.fid.plain import bart_logits, t5_logits  # noqa: E402
from webbrain.errors import ConfigError, ModelNotFound  # noqa: E402
from webbrain.protocols import Writer  # noqa: E402
from webbrain.writing.fid.batch import pad_labels, pad_sources  # noqa: E402
from webbrain.writing.fid.folder import load_model, ready, save_model  # noqa: E402
from webbrain.writing.fid.model import FusionInDecoder  # noqa: E402
from webbrain.writing.fid.writer import Decoding, FidWriter  # noqa: E402

VOCABULARY = make_vocabulary()
QUERY = "Ada Lovelace"
TARGET = VOCABULARY.target([("Ada was a writer .", (1,)), ("She wrote in 1843 .", (2, 3))], 64)
DECODER = torch.tensor([[2, *TARGET[:-1]]])


def make(kind: str, **parts: bool) -> FusionInDecoder:
    return FusionInDecoder(make_seq2seq(kind, VOCABULARY), **parts).eval()


def rows(count: int = 3) -> tuple[list[list[int]], list[int]]:
    return VOCABULARY.sources(QUERY, PASSAGES[:count], 32)


def logits(model: FusionInDecoder, sources: list[list[int]], numbers: list[int] | None = None) -> Any:
    with torch.no_grad():
        encoded = model.encode(*pad_sources([sources], 0), torch.tensor([numbers]) if numbers else None)
        return model.logits(encoded, DECODER)[0]


@pytest.mark.parametrize(("kind", "plain"), [("bart", bart_logits), ("t5", t5_logits)])
def test_forward_equals_a_plain_reimplementation(kind: str, plain: Any) -> None:
    model = make(kind)
    expected = plain(model.seq2seq, rows()[0], DECODER[0].tolist())
    assert np.abs(logits(model, rows()[0]).numpy() - expected).max() < 1e-5 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_missing_references_change_nothing(kind: str) -> None:
    model = make(kind)
    alone = logits(model, rows()[0])
    wide = [[*row, *[0] * (40 - len(row))] for row in [*rows()[0], [], []]]
    mask = torch.tensor([[[int(token != 0) for token in row] for row in [*wide[:3], [0] * 40, [0] * 40]]])
    ids = torch.tensor([[*wide[:3], [0] * 40, [0] * 40]])
    with torch.no_grad():
        padded = model.logits(model.encode(ids, mask), DECODER)[0]
    assert torch.isfinite(padded).all()
    assert torch.allclose(alone, padded, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_labelled_references_changes_nothing(kind: str) -> None:
    numbered = kind == "bert"
    model = make(kind, numbered=numbered)
    sources, numbers = VOCABULARY.sources(QUERY, PASSAGES, 32, numbered=numbered)
    turned = logits(model, sources[::-1], numbers[::-1])
    assert torch.allclose(logits(model, sources, numbers), turned, atol=1e-4)


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_new_labels_give_the_same_text_under_the_new_labels(kind: str) -> None:
    model = make(kind)
    before = logits(model, rows()[0])
    renamed = {1: 3, 2: 1, 3: 2}
    old = [VOCABULARY.marks[number] for number in renamed]
    new = [VOCABULARY.marks[number] for number in renamed.values()]
    relabel = dict(zip(old, new, strict=True))
    with torch.no_grad():
        table = model.seq2seq.get_input_embeddings().weight
        table[new] = table[old].clone()
        sources = [[relabel.get(token, token) for token in row] for row in rows()[0]]
        decoder = torch.tensor([[relabel.get(token, token) for token in DECODER[0].tolist()]])
        after = model.logits(model.encode(*pad_sources([sources], 0)), decoder)[0]
    assert torch.allclose(before[:, old], after[:, new], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copy", [False, True])
def test_cache_changes_nothing(kind: str, copy: bool) -> None:
    model = make(kind, copy=copy)
    ids, mask = pad_sources([rows()[0]], 0)
    options = {"num_beams": 3, "max_new_tokens": 12, "do_sample": False}
    cached = model.generate(ids, mask, use_cache=True, **options)
    assert cached.tolist() == model.generate(ids, mask, use_cache=False, **options).tolist()


def test_a_batch_is_its_examples() -> None:
    model = make("bart")
    losses = [_loss(model, [rows(count)[0]], [TARGET[: 8 - count]]) for count in (1, 3)]
    assert _loss(model, [rows(1)[0], rows(3)[0]], [TARGET[:7], TARGET[:5]]) == pytest.approx(sum(losses), rel=1e-5)


def _loss(model: FusionInDecoder, sources: list[list[list[int]]], targets: list[list[int]]) -> float:
    with torch.no_grad():
        return float(model(*pad_sources(sources, 0), pad_labels(targets))[0])


def test_copying_is_a_distribution_and_its_loss_agrees() -> None:
    model = make("bart", copy=True)
    sources = model.encode(*pad_sources([rows()[0]], 0))
    raw = model.logits(sources, DECODER)
    hidden = model._last_hidden
    assert model.copy is not None
    assert hidden is not None
    whole = model.copy.log_probs(raw, hidden, sources.states, sources.mask, sources.ids)
    assert torch.allclose(whole.exp().sum(-1), torch.ones(1, len(TARGET)), atol=1e-4)
    picked = _loss(model, [rows()[0]], [TARGET])
    assert picked == pytest.approx(-float(whole[0, range(len(TARGET)), TARGET].sum()), rel=1e-4)


def test_frozen_encoder_learns_nothing_and_the_rest_does() -> None:
    model = make("bert", copy=True, numbered=True, frozen_encoder=True).train()
    sources, _ = VOCABULARY.sources(QUERY, PASSAGES, 32, numbered=True)
    model(*pad_sources([sources], 0), pad_labels([TARGET]))[0].backward()
    unmoved = {name for name, value in model.named_parameters() if value.grad is None}
    assert unmoved == {name for name, _ in model.named_parameters() if name.startswith("seq2seq.encoder.")}


@pytest.mark.parametrize("kind", ["bart", "bert"])
def test_writes_marks_that_resolve_and_survives_saving(kind: str, tmp_path: Path) -> None:
    model = make(kind, copy=True, numbered=kind == "bert")
    save_model(model, VOCABULARY, tmp_path)
    writer = FidWriter(model=str(tmp_path), decoding=Decoding(max_tokens=30))
    here = FidWriter(decoding=Decoding(max_tokens=30))
    here._loaded = ready(model, VOCABULARY)
    assert isinstance(writer, Writer)
    found = writer.generate(QUERY, PASSAGES[:2])
    assert found == here.generate(QUERY, PASSAGES[:2])
    assert {mark for sentence in found for mark in sentence.marks} <= {0, 1, 2}
    assert all(set(sentence.citations) <= {1, 2} for sentence in writer.write(QUERY, PASSAGES[:2]))
    assert writer.write(QUERY, []) == []


def test_sampling_follows_its_seed() -> None:
    def write(seed: int) -> object:
        writer = FidWriter(decoding=Decoding(max_tokens=20, sample=True, seed=seed))
        writer._loaded = ready(make("t5"), VOCABULARY)
        return writer.generate(QUERY, PASSAGES)

    assert write(1) == write(1) != write(2)


def test_missing_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--model"):
        FidWriter().write(QUERY, PASSAGES)
    with pytest.raises(ModelNotFound, match="train writer"):
        load_model(str(tmp_path))
