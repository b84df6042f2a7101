"""Checkpoints without pickle: weights and optimizer moments as safetensors, the rest as JSON; replaced as a whole.

checkpoints/LATEST         name of the newest whole one
checkpoints/<name>/        weights.safetensors  optimizer.safetensors  progress.json
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from webbrain.errors import ConfigError
from webbrain.training.packed import Position

LATEST = "LATEST"
KEPT = 2


@dataclass(slots=True)
class Progress:
    """Where a run stands. `seconds` of training so far, over all its processes' lives; `best` development loss of the
    stage and the measurements since; `curve_rows` of the curve that belong to it."""

    stage: str = ""
    step: int = 0
    position: Position = field(default_factory=Position)
    examples: int = 0
    seconds: float = 0.0
    stage_seconds: float = 0.0
    best: float | None = None
    worse: int = 0
    curve_rows: int = 0
    done: list[str] = field(default_factory=list)


def trained(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that training changes, by name; a tied one once."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the trained parameters beside `path`, then rename."""
    temporary = path.with_suffix(".tmp")
    save_file({name: value.detach().contiguous().cpu() for name, value in trained(model).items()}, temporary)
    temporary.replace(path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Raises ConfigError for weights of another model, and for a file that holds none."""
    try:
        found, wanted = load_file(path), trained(model)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path} holds no weights ({error}); name a run's best-full.safetensors") from error
    if found.keys() != wanted.keys() or any(found[name].shape != wanted[name].shape for name in found):
        raise ConfigError(f"{path} holds the weights of another model; give the run's own --base and options")
    with torch.no_grad():
        for name, value in wanted.items():
            value.copy_(found[name])


def save_checkpoint(folder: Path, model: nn.Module, optimizer: Any, progress: Progress) -> None:
    """Write a whole new checkpoint, then point LATEST to it; the one before stays until the next."""
    name = f"{progress.stage}-{progress.step:07d}"
    temporary = folder / f"{name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_weights(model, temporary / "weights.safetensors")
    save_file(_moments(model, optimizer), temporary / "optimizer.safetensors")
    (temporary / "progress.json").write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
    _sync(temporary)
    shutil.rmtree(folder / name, ignore_errors=True)
    temporary.rename(folder / name)
    pointer = folder / f"{LATEST}.tmp"
    pointer.write_text(name, encoding="utf-8")
    pointer.replace(folder / LATEST)
    _prune(folder)


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint."""
    pointer = folder / LATEST
    return folder / pointer.read_text(encoding="utf-8") if pointer.exists() else None


def read_progress(checkpoint: Path) -> Progress:
    values = json.loads((checkpoint / "progress.json").read_text(encoding="utf-8"))
    return Progress(**{**values, "position": Position(**values["position"])})


def load_moments(checkpoint: Path, model: nn.Module, optimizer: Any) -> None:
    """Put the optimizer where it stood."""
    saved = load_file(checkpoint / "optimizer.safetensors")
    for name, parameter in trained(model).items():
        state = {key: saved[f"{key}:{name}"] for key in ("exp_avg", "exp_avg_sq", "step") if f"{key}:{name}" in saved}
        if state:
            moved = {key: value if key == "step" else value.to(parameter.device) for key, value in state.items()}
            optimizer.state[parameter] = moved


def _moments(model: nn.Module, optimizer: Any) -> dict[str, Tensor]:
    return {
        f"{key}:{name}": value.detach().contiguous().cpu()
        for name, parameter in trained(model).items()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _prune(folder: Path) -> None:
    """Delete all but the newest few, and what a kill left half-written."""
    whole = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in whole[:-KEPT]:
        shutil.rmtree(path)
