"""One training run of a retriever: from WebBrain-R files, or from nothing but an index, to a folder to search with."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import webbrain
from webbrain.errors import ConfigError
from webbrain.models import resolve, sha256_file
from webbrain.store.index import Index
from webbrain.training.retriever.encoders import DenseTask, EncoderTask, RerankerTask, SpladeTask
from webbrain.training.retriever.loop import Bar, Note, RetrieverTrainer, Task
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.synthetic import SyntheticSettings, write_synthetic
from webbrain.training.retriever.teacher import score_triples
from webbrain.training.retriever.term_task import make_term_task
from webbrain.training.retriever.triples import CORPUS, PassageTexts, TripleSet

CONFIG, REPORT, MODEL, SYNTHETIC = "config.json", "report.json", "model", "triples"
DONE = "done.json"


@dataclass(frozen=True, slots=True)
class Source:
    """Either `triples`, a folder of WebBrain-R files, or `index`, of which synthetic ones are made; `teacher` scores
    them: the folder of a reranker, or None for the scores that they come with."""

    triples: Path | None = None
    index: Path | None = None
    synthetic: SyntheticSettings = field(default_factory=SyntheticSettings)
    teacher: Path | None = None

    def check(self) -> None:
        """Raises ConfigError unless exactly one is given."""
        if (self.triples is None) == (self.index is None):
            raise ConfigError("give either --triples FOLDER (of WebBrain-R files) or --index DIR to make them from")


def train_retriever(
    source: Source,
    output: Path,
    settings: RetrieverSettings,
    *,
    resume: bool = False,
    note: Note = print,
    bar: Bar = lambda steps, total, label: steps,
) -> dict[str, Any]:
    """Train, write `output/model`, and return what `output/report.json` says.

    Raises ConfigError when `output` holds another run, or this one without `resume`; CorpusError for a wrong line.
    """
    settings.check()
    source.check()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    _claim(output, _config(source, settings), resume)
    folder = source.triples or _synthetic(source, output, bar)
    texts = PassageTexts(folder / CORPUS)
    splits = {name: TripleSet(folder, name, texts) for name in _splits(folder)}
    if source.teacher is not None:
        score_triples(output / "scored", splits, source.teacher, settings, note)
        splits = {name: TripleSet(folder, name, texts, output / "scored") for name in splits}
    torch.manual_seed(settings.seed)
    task = make_task(settings, texts, list(splits.values()), output, bar)
    trainer = RetrieverTrainer(settings, task, splits["train"], splits.get("dev"), output, note, bar)
    report = {**asdict(trainer.run(resume=resume)), "kind": settings.kind, "model": MODEL}
    _export(task, output / MODEL)
    (output / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def make_task(
    settings: RetrieverSettings, texts: PassageTexts, splits: Sequence[TripleSet], output: Path, bar: Bar
) -> Task:
    """The model to train with its loss."""
    files = resolve(settings.base)
    if settings.kind == "sparse" and settings.queries == "static":
        return make_term_task(settings, files, texts, splits, output, bar)
    kinds: dict[str, type[EncoderTask]] = {"dense": DenseTask, "reranker": RerankerTask, "sparse": SpladeTask}
    return kinds[settings.kind](settings, files, texts)


def _splits(folder: Path) -> list[str]:
    """train, and dev where there is one with a line in it."""
    dev = folder / "dev.tsv"
    return ["train", "dev"] if dev.exists() and dev.stat().st_size else ["train"]


def _synthetic(source: Source, output: Path, bar: Bar) -> Path:
    """The folder of synthetic triples, made once."""
    folder = output / SYNTHETIC
    if not (folder / DONE).exists():
        assert source.index is not None
        index = Index.open(source.index)
        written = write_synthetic(index, folder, source.synthetic)
        queries = sum(1 for _ in bar(written, source.synthetic.queries, "synthetic queries"))
        facts = {"queries": queries, "index": index.manifest.build_id, "settings": asdict(source.synthetic)}
        (folder / DONE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return folder


def _export(task: Task, folder: Path) -> None:
    """Write beside, then rename."""
    beside = folder.with_name(folder.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    task.save(beside)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def _config(source: Source, settings: RetrieverSettings) -> dict[str, Any]:
    data: dict[str, Any] = {"teacher": None if source.teacher is None else str(source.teacher)}
    if source.triples is not None:
        train = source.triples / "train.tsv"
        data["train_sha256"] = sha256_file(train) if train.exists() else None
    elif source.index is not None:
        data |= {"index": Index.open(source.index).manifest.build_id, "synthetic": asdict(source.synthetic)}
    return {
        "webbrain": webbrain.__version__,
        "data": data,
        "settings": settings.as_json(),
        "versions": {name: version(name) for name in ("torch", "transformers")},
        "machine": {"python": platform.python_version(), "threads": torch.get_num_threads(), "gpu": _gpu()},
    }


def _gpu() -> str | None:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _claim(output: Path, config: dict[str, Any], resume: bool) -> None:
    """Take the run folder; a run goes on only with the data and settings it began with."""
    path = output / CONFIG
    config = json.loads(json.dumps(config))
    if path.exists():
        if not resume:
            raise ConfigError(f"{output} holds a run; add --resume to go on with it, or give another --output")
        before = json.loads(path.read_text(encoding="utf-8"))
        for name in ("data", "settings"):
            if before[name] != config[name]:
                raise ConfigError(f"{output} was begun with other {name}; give the same, or another --output")
    output.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
