from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from webbrain.facts import facts_of, model_facts, weights_digest
from webbrain.grounding.calibration import Calibration
from webbrain.grounding.scorers import CalibratedScorer, make_scorer
from webbrain.protocols import Described
from webbrain.writing.chat.settings import ChatSettings
from webbrain.writing.chat.writer import ChatWriter
from webbrain.writing.writers import make_writer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model_facts.cache_clear()
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx/model.onnx").write_bytes(b"graph")
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_folder_is_known_by_the_digest_of_its_weights(folder: Path) -> None:
    assert model_facts(str(folder)) == {"model": str(folder), "sha256": hashlib.sha256(b"graph").hexdigest()}
    (folder / "model.safetensors").write_bytes(b"weights")
    both = weights_digest(folder)
    assert both not in (None, hashlib.sha256(b"graph").hexdigest())
    (folder / "model.safetensors").write_bytes(b"others")
    assert weights_digest(folder) != both
    (folder / "model.safetensors").write_bytes(b"weights")
    assert weights_digest(folder) == both
    (folder / "onnx/model.onnx").write_bytes(b"another graph")
    assert weights_digest(folder) != both


def test_a_folder_without_weights_has_no_digest(tmp_path: Path) -> None:
    model_facts.cache_clear()
    assert model_facts(str(tmp_path)) == {"model": str(tmp_path), "sha256": None}


def test_a_model_of_the_hub_is_known_by_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_facts.cache_clear()
    assert model_facts("nobody/has-this")["revision"] is None
    assert model_facts("no name at all!")["revision"] is None
    commit = "a" * 40
    held = tmp_path / "models--some--model"
    (held / "refs").mkdir(parents=True)
    (held / "refs/main").write_text(commit)
    (held / "snapshots" / commit).mkdir(parents=True)
    (held / "snapshots" / commit / "config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert model_facts("some/model") == {"model": "some/model", "revision": commit}


@pytest.mark.parametrize("name", ["nli", "joint"])
def test_a_scorers_facts_name_its_model(folder: Path, name: str) -> None:
    scorer = make_scorer(f"{name}:{folder}")
    assert facts_of(scorer) == model_facts(str(folder))
    assert facts_of(CalibratedScorer(scorer, Calibration(scorer.name, 0.7, (0.0, 1.0), (0.0, 1.0), 9, 0.5))) == {
        **model_facts(str(folder)),
        "cut": 0.7,
    }


def test_what_depends_on_nothing_else_has_no_facts() -> None:
    for part in (make_scorer("tier1"), make_scorer("exact"), make_writer("extractive", None), object()):
        assert not isinstance(part, Described)
        assert facts_of(part) == {}


def test_an_endpoints_address_and_key_are_no_facts() -> None:
    settings = ChatSettings(url="http://10.0.0.1/v1", model="m", key="secret", seed=7)
    for part in (ChatWriter(settings=settings), make_scorer("judge:m")):
        found = facts_of(part)
        assert found["model"] == "m"
        assert "seed" in found
        assert not {"secret", "10.0.0.1"} & set(json.dumps(found).replace("/", '"').split('"'))
