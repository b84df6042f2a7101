"""Training the checker: labels that allow several classes, folds that leak nothing, weights in parts, the graph."""

from __future__ import annotations

import json
import subprocess
import sys
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from tests.retriever.made import tiny_bert
from webbrain.grounding.entailment import open_model
from webbrain.models import resolve
from webbrain.training.checker import folds
from webbrain.training.checker.base import pack_base
from webbrain.training.checker.export import export_checker
from webbrain.training.checker.net import Batches, claim_losses, log_shares, start
from webbrain.training.checker.rows import CONTRADICTED, ENTAILED, NEUTRAL, REFUSED, Collector, Rows
from webbrain.training.checker.run import Settings, execute
from webbrain.training.checker.weights import WORDS, load_parts, save_parts, unpack
from webbrain.training.support_data import SETS

ROOT = Path(__file__).parents[2]
SHARES = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]])


@pytest.mark.parametrize(("label", "chance"), [(ENTAILED, 0.7), (NEUTRAL, 0.2), (CONTRADICTED, 0.1), (REFUSED, 0.3)])
def test_a_label_may_allow_several_classes(label: int, chance: float) -> None:
    found = claim_losses(SHARES[:1].log(), torch.tensor([label]), torch.tensor([1]))
    assert found.tolist() == pytest.approx([-log(chance)])


def test_all_sentences_are_entailed_or_one_of_them_is_not() -> None:
    logits, counts = torch.cat([SHARES, SHARES, SHARES]).log(), torch.tensor([2, 2, 2])
    found = claim_losses(logits, torch.tensor([ENTAILED, REFUSED, CONTRADICTED]), counts)
    assert found.tolist() == pytest.approx([-log(0.35), -log(1 - 0.35), -log(1 - 0.9 * 0.8)])


def test_what_is_certain_and_wrong_has_a_finite_loss() -> None:
    logits = torch.tensor([[200.0, 0.0, 0.0]] * 3, requires_grad=True)
    losses = claim_losses(logits, torch.tensor([REFUSED, REFUSED]), torch.tensor([1, 2]))
    losses.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(losses).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_no_model_scores_a_set_that_it_saw() -> None:
    unlicensed = {judged.name for judged in SETS if not judged.train}
    assert unlicensed == {"attributionbench"}
    for out in folds.models():
        seen, asked = set(folds.sets_to_train(out)), set(folds.sets_to_score(out))
        assert not seen & asked
        assert not seen & unlicensed


def test_every_score_that_the_benchmark_needs_is_made() -> None:
    made = {folds.key(out, name) for out in folds.models() for name in folds.sets_to_score(out)}
    names = [judged.name for judged in SETS]
    for test in names:
        assert folds.key(folds.left_out(test), test) in made
        for other in folds.TRAINED:
            assert folds.key(folds.left_out(test, other), other) in made
    assert len(folds.models()) == len(set(folds.models())) == 22


def test_samples_are_of_the_chosen_sets_alone() -> None:
    of_set = np.repeat(np.arange(3, dtype=np.uint8), [10, 50, 20])
    found = folds.sample(of_set, ["a", "b", "c"], ["a", "c"], 15, np.random.default_rng(0))
    assert np.bincount(of_set[found], minlength=3).tolist() == [10, 0, 15]
    assert len(set(found.tolist())) == len(found)


def test_true_and_other_claims_of_a_set_weigh_alike() -> None:
    of_set, true = np.zeros(10, np.uint8), np.arange(10) < 2
    weights = folds.weigh(of_set, true)
    assert weights[true].sum() == pytest.approx(weights[~true].sum())
    assert weights.mean() == pytest.approx(1)


def test_auc_counts_ties_half() -> None:
    assert folds.auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])) == pytest.approx(0.875)
    assert folds.auc(np.array([0.1, 0.2]), np.array([True, True])) == 0.5


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the encoder, and what is packed of it."""
    folder = tmp_path_factory.mktemp("checker")
    tiny_bert(folder / "encoder")
    pack_base(resolve(str(folder / "encoder")), folder / "base.safetensors")
    return folder


def made_rows(names: list[str], size: int) -> Rows:
    """Claims that hold a 7 are entailed."""
    rng, collector = np.random.default_rng(0), Collector(names, lambda text: [int(word) for word in text.split()])
    for number in range(size):
        label = ENTAILED if number % 2 else REFUSED
        words = [str(word) for word in [*rng.integers(20, 90, 5), 7 if label == ENTAILED else 8]]
        collector.add(names[number // 2 % len(names)], label, [(["30 31 32"], " ".join(words))])
    return collector.rows()


@pytest.fixture(scope="module")
def trained(base: Path, monkeypatch_module: pytest.MonkeyPatch) -> Path:
    """A whole run on two sets' worth of nothing."""
    monkeypatch_module.setattr("webbrain.training.checker.rows.CLS", 2)
    monkeypatch_module.setattr("webbrain.training.checker.rows.SEP", 3)
    for name in ("planted", "develop"):
        made_rows(["planted"], 400).save(base / f"{name}.npz")
    made_rows([judged.name for judged in SETS], 56).save(base / "judged.npz")
    settings = Settings(
        seconds=600, pretrain_tokens=512, pretrain_rate=2e-3, tokens=512, epochs=1, keep_planted=True, device="cpu"
    )
    execute(base, base / "run", settings)
    return base / "run"


@pytest.fixture(scope="module")
def monkeypatch_module() -> object:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_a_run_learns_and_leaves_everything(trained: Path) -> None:
    report = json.loads((trained / "report.json").read_text(encoding="utf-8"))
    assert report["pretraining"]["auc of held-out planted pairs"] > 95
    assert len(report["models"]) == 22
    with np.load(trained / "scores.npz", allow_pickle=False) as held:
        shapes = {name: held[name].shape for name in held.files}
    assert shapes["without begin | begin"] == shapes["planted | begin"] == (8, 3)
    assert shapes["without begin+scifact | scifact"] == (8, 3)
    assert "all | attributionbench" in shapes
    assert not any(name.startswith("all") for name in shapes if "attributionbench" not in name)


def test_what_does_not_fit_into_the_time_is_left_out_and_named(trained: Path, tmp_path: Path) -> None:
    settings = Settings(seconds=4.0, pretrain_seconds=0.2, pretrain_tokens=512, tokens=512, reserve=3.5, device="cpu")
    report = execute(trained.parent, tmp_path, settings)
    assert len(report["left out for want of time"]) >= 21
    assert (tmp_path / "weights-0.safetensors").exists()
    assert (tmp_path / "scores.npz").exists()


def test_the_net_is_transformers_bert(base: Path) -> None:
    model = start(*unpack(base / "base.safetensors"), seed=0).eval()
    config = BertConfig.from_pretrained(base / "encoder", num_labels=3)
    theirs = BertForSequenceClassification(config).eval()
    missing = theirs.load_state_dict(model.state_dict(), strict=False)
    assert not missing.unexpected_keys
    assert not missing.missing_keys
    batches = Batches(made_rows(["a"], 10), "cpu")
    ids, types, mask = batches.inputs(np.arange(10))
    with torch.inference_mode():
        found = theirs(input_ids=ids, token_type_ids=types, attention_mask=mask.long()).logits
        assert torch.allclose(model(ids, types, mask), found, atol=1e-5)


def test_rows_of_any_batch_have_the_same_scores(base: Path) -> None:
    model = start(*unpack(base / "base.safetensors"), seed=0)
    batches = Batches(made_rows(["a"], 10), "cpu")
    alone = log_shares(model, batches, [np.array([at]) for at in range(10)])
    assert np.allclose(log_shares(model, batches, [np.arange(10)]), alone, atol=2e-3)


def test_weights_are_split_and_joined(base: Path, tmp_path: Path) -> None:
    model = start(*unpack(base / "base.safetensors"), seed=1)
    held = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    paths = save_parts(held, tmp_path, limit=1 << 18)
    assert len(paths) > 1
    again, _ = load_parts(tmp_path, base / "base.safetensors")
    assert again.keys() == held.keys()
    assert np.array_equal(again[WORDS], held[WORDS])
    assert all(np.allclose(again[name], held[name], atol=1e-3) for name in held)


def test_weights_before_any_judgement_are_kept_when_asked_for(trained: Path) -> None:
    weights, _ = load_parts(trained / "planted.safetensors", trained.parent / "base.safetensors")
    base, _ = unpack(trained.parent / "base.safetensors")
    name = "bert.encoder.layer.0.output.dense.weight"
    assert np.array_equal(weights[WORDS], base[WORDS])
    assert not np.array_equal(weights[name], base[name])
    assert "classifier.weight" in weights


def test_the_exported_folder_says_what_the_net_says(trained: Path, tmp_path: Path) -> None:
    base = trained.parent
    weights = load_parts(trained, base / "base.safetensors")
    net = start(*weights, seed=0).eval()
    for precision, near in (("fp32", 1e-4), ("int8", 0.5)):
        export_checker(
            trained, base / "base.safetensors", tmp_path / precision, base / "encoder/tokenizer.json", precision
        )
        model = open_model(str(tmp_path / precision))
        assert (model.classes.supported, model.classes.contradicted) == (0, 2)
        read = model.backend._tokenizer.encode("granite tower", "oily fish")  # type: ignore[attr-defined]
        ids, types = torch.tensor([read.ids]), torch.tensor([read.type_ids])
        with torch.inference_mode():
            wanted = net(ids, types, torch.ones_like(ids, dtype=torch.bool))[0].numpy()
        assert np.allclose(model.backend.logits("granite tower", "oily fish"), wanted, atol=near)


def test_training_needs_torch_and_safetensors_alone() -> None:
    code = "import webbrain.training.checker.run, sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"transformers", "tokenizers", "Stemmer", "faiss", "rouge_score", "onnx"}
