"""One training run of a writer, from a packed dataset to a folder that `webbrain write --model` takes."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState

import webbrain
from webbrain.errors import ConfigError
from webbrain.models import BUNDLED, ModelFiles, resolve, sha256_file
from webbrain.training.checkpoint import load_weights
from webbrain.training.loop import Note, Report, Trainer, on_cpus
from webbrain.training.packed import MANIFEST, read_manifest
from webbrain.training.samples import Score, write_samples
from webbrain.training.settings import STAGES, StageName, TrainSettings
from webbrain.writing.compact.export import export_writer
from webbrain.writing.compact.model import CompactShape, warm_start
from webbrain.writing.fid.folder import load_model, save_model
from webbrain.writing.fid.model import FusionInDecoder
from webbrain.writing.fid.vocabulary import Vocabulary

CONFIG, REPORT, WRITER = "config.json", "report.json", "writer"


def train_writer(
    data: Path,
    output: Path,
    settings: TrainSettings | None = None,
    *,
    stages: tuple[StageName, ...] = STAGES,
    resume: bool = False,
    score: Score | None = None,
    note: Note = print,
) -> dict[str, Any] | None:
    """Train, export to `output/writer`, write samples; returns what `output/report.json` says (None: another process).

    `score` compares written texts with their targets. Raises ConfigError when `output` holds another run, or this one
    without `resume`.
    """
    settings = settings or TrainSettings()
    settings.check()
    settings = settings.with_sets(read_manifest(data)["sets"])
    # Alone, or one of several processes that `torchrun` or `accelerate launch` started.
    state = PartialState(cpu=on_cpus())
    if state.is_main_process:
        _claim(output, _config(data, settings, stages), resume)
    state.wait_for_everyone()
    torch.manual_seed(settings.seed)
    model, vocabulary, files = _make_model(settings)
    if settings.weights is not None:
        load_weights(model, Path(settings.weights))
    trainer = Trainer(settings, model, vocabulary, data, output, note)
    report = trainer.run(stages, resume=resume)
    state.destroy_process_group()  # of several processes each goes on alone
    if not state.is_main_process:
        return None
    return _finish(data, output, settings, model, vocabulary, files, report, score, note)


def _finish(
    data: Path,
    output: Path,
    settings: TrainSettings,
    model: FusionInDecoder,
    vocabulary: Vocabulary,
    files: ModelFiles | None,
    report: Report,
    score: Score | None,
    note: Note,
) -> dict[str, Any]:
    """Export, write samples, and say what came of it."""
    model = model.float().cpu().eval()
    folder = output / WRITER
    if files is None:
        folder.mkdir(exist_ok=True)
        save_model(model, vocabulary, folder)
    else:
        export_writer(model, vocabulary, files, folder, precision=_export_precision(model))
    note(f"exported to {folder}; writing {settings.write_examples} samples")
    scores = write_samples(folder, files, data, settings, output / "samples.jsonl", score)
    found = {**asdict(report), "scores": scores, "writer": str(folder.relative_to(output))}
    (output / REPORT).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _make_model(settings: TrainSettings) -> tuple[FusionInDecoder, Vocabulary, ModelFiles | None]:
    """The model to train; with the files of its encoder when it is a compact writer."""
    if is_compact(settings.base):
        files = _known(resolve(settings.base))
        shape = CompactShape(settings.copy, settings.frozen_encoder, settings.layers)
        return *warm_start(files, shape), files
    loaded = load_model(settings.base)
    model = FusionInDecoder(loaded.model.seq2seq, copy=settings.copy, numbered=loaded.numbered)
    return model, loaded.vocabulary, None


def _known(files: ModelFiles) -> ModelFiles:
    """Under its own name, wherever its copy lies: the writer's card names it."""
    names = {digest: name for name, (_, _, digest) in BUNDLED.items()}
    return replace(files, name=names.get(files.weights_sha256, files.name))


def is_compact(base: str) -> bool:
    """Whether a base is a BERT encoder, of which a compact writer is made, and no seq2seq."""
    from transformers import AutoConfig

    try:
        name = str(resolve(base).folder) if "/" in base or Path(base).is_dir() else base
        return bool(AutoConfig.from_pretrained(name).model_type == "bert")
    except (OSError, ValueError) as error:
        raise ConfigError(f"base {base!r} cannot be read ({error}); name a folder or a model of the hub") from error


def _export_precision(model: FusionInDecoder) -> str:
    """int8 where the widths can be cut into its blocks, as those of every real model can."""
    config = model.seq2seq.config.decoder
    return "int8" if config.hidden_size % 128 == 0 and config.intermediate_size % 128 == 0 else "fp32"


def _config(data: Path, settings: TrainSettings, stages: tuple[StageName, ...]) -> dict[str, Any]:
    return {
        "webbrain": webbrain.__version__,
        "data": data.name,
        "data_sha256": sha256_file(data / MANIFEST),
        "stages": list(stages),
        "settings": settings.as_json(),
        "versions": {name: version(name) for name in ("torch", "transformers", "accelerate")},
        "machine": {"python": platform.python_version(), "device": _device()},
    }


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()


def _claim(output: Path, config: dict[str, Any], resume: bool) -> None:
    """Take the run folder; a run goes on only with the data and settings it began with."""
    path = output / CONFIG
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if not resume:
            raise ConfigError(f"{output} holds a run; add --resume to go on with it, or give another --output")
        for name in ("data_sha256", "settings", "stages"):
            if before[name] != config[name]:
                raise ConfigError(f"{output} was begun with other {name}; give the same ones, or another --output")
    output.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
