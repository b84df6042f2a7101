"""One loop for every kind of retriever: exact resume, curve, best weights kept.

Nothing random is carried over: the batch of a step and its dropout depend on (seed, step) alone, so a run that was
killed goes on as if it had not been. Checkpoints are safetensors and JSON (sentence-transformers' own trainers pickle
theirs).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn

from webbrain.training.checkpoint import (
    Progress,
    latest,
    load_moments,
    load_weights,
    read_progress,
    save_checkpoint,
    save_weights,
    trained,
)
from webbrain.training.curve import Curve, draw_curve
from webbrain.training.loop import schedule
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.triples import Triple, TripleSet

CHECKPOINTS, CURVE, PLOT, BEST = "checkpoints", "curve.csv", "curve.svg", "best.safetensors"
Note = Callable[[str], None]
Bar = Callable[[Iterator[int], int, str], Iterator[int]]


@dataclass(frozen=True, slots=True)
class Loss:
    """`total` is what is lowered; `ranking` the part without regularisers, by which the best weights are chosen."""

    total: Tensor
    ranking: Tensor


class Task(Protocol):
    """A model with its loss; the parameters that need gradients are trained."""

    @property
    def module(self) -> nn.Module: ...

    def loss(self, batch: Sequence[Triple]) -> Loss: ...

    def save(self, folder: Path) -> None:
        """Write what `webbrain` loads, into an empty folder."""
        ...


@dataclass(frozen=True, slots=True)
class RetrieverReport:
    """What a run came to; `device` says on what."""

    steps: int
    queries: int
    seconds: float
    dev_loss: float | None
    device: str


class RetrieverTrainer:
    """Trains `task` in `folder`; `note` gets a line at every measurement, `bar` passes the steps on."""

    def __init__(
        self,
        settings: RetrieverSettings,
        task: Task,
        train: TripleSet,
        dev: TripleSet | None,
        folder: Path,
        note: Note,
        bar: Bar,
    ) -> None:
        self.settings, self.task, self.train, self.folder, self.note, self.bar = (
            settings, task, train, folder, note, bar
        )  # fmt: skip
        self.dev = _held(dev, settings) if dev is not None else []
        self.progress = Progress(stage="train")
        every = max(1, round(settings.epochs * len(train) / settings.batch))
        self.steps = every if settings.steps is None else settings.steps

    def run(self, *, resume: bool = False) -> RetrieverReport:
        """Train to the last step and leave the best weights in the task's module."""
        settings, module = self.settings, self.task.module
        optimizer = torch.optim.AdamW(
            trained(module).values(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        checkpoint = latest(self.folder / CHECKPOINTS) if resume else None
        if checkpoint is not None:
            self.progress = read_progress(checkpoint)
            load_weights(module, checkpoint / "weights.safetensors")
            load_moments(checkpoint, module, optimizer)
            self.note(f"going on from {checkpoint.name}")
        curve = Curve(self.folder / CURVE, self.progress.curve_rows)
        self._steps(optimizer, curve)
        if (self.folder / BEST).exists() and self.progress.best is not None:
            load_weights(module, self.folder / BEST)
        draw_curve(self.folder / CURVE, self.folder / PLOT)
        progress = self.progress
        return RetrieverReport(
            progress.step, progress.examples, round(progress.seconds, 1), progress.best, device_name(module)
        )

    def _steps(self, optimizer: torch.optim.Optimizer, curve: Curve) -> None:
        settings, progress = self.settings, self.progress
        losses: list[float] = []
        for step in self.bar(iter(range(progress.step, self.steps)), self.steps - progress.step, "training (steps)"):
            begin = time.monotonic()
            rate = settings.learning_rate * schedule(step / self.steps, settings.rise)
            losses.append(self._step(optimizer, step, rate))
            progress.step = step + 1
            last = progress.step == self.steps
            at_dev = bool(self.dev) and (last or progress.step % settings.dev_every == 0)
            dev_loss = self._measure() if at_dev else None
            progress.seconds += time.monotonic() - begin
            if at_dev or last or progress.step % settings.log_every == 0:
                self._log(curve, losses, dev_loss, rate)
                losses = []
            if last or progress.step % settings.checkpoint_every == 0:
                save_checkpoint(self.folder / CHECKPOINTS, self.task.module, optimizer, progress)

    def _step(self, optimizer: torch.optim.Optimizer, step: int, rate: float) -> float:
        settings, module = self.settings, self.task.module
        module.train()
        torch.manual_seed(crc32(f"{settings.seed} {step}".encode()))
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batch_of(self.train, settings, step)
        loss = self.task.loss(batch).total
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained(module).values(), settings.clip)
        optimizer.step()
        self.progress.examples += len(batch)
        return float(loss.detach())

    @torch.no_grad()
    def _measure(self) -> float:
        """Mean ranking loss over the development queries; the best one's weights are kept."""
        self.task.module.eval()
        size = self.settings.batch
        batches = [self.dev[at : at + size] for at in range(0, len(self.dev), size)]
        loss = sum(float(self.task.loss(batch).ranking) * len(batch) for batch in batches) / len(self.dev)
        if self.progress.best is None or loss < self.progress.best:
            self.progress.best = loss
            save_weights(self.task.module, self.folder / BEST)
        return loss

    def _log(self, curve: Curve, losses: Sequence[float], dev_loss: float | None, rate: float) -> None:
        progress = self.progress
        loss = sum(losses) / len(losses)
        curve.add(
            stage="train",
            step=progress.step,
            examples=progress.examples,
            loss=f"{loss:.6f}",
            dev_loss="" if dev_loss is None else f"{dev_loss:.6f}",
            learning_rate=f"{rate:.3e}",
            seconds=f"{progress.seconds:.1f}",
        )
        progress.curve_rows = curve.rows
        measured = "" if dev_loss is None else f", development {dev_loss:.4f}"
        pace = progress.examples / max(progress.seconds, 1e-9)
        self.note(f"step {progress.step} of {self.steps}: loss {loss:.4f}{measured}, {pace:.1f} queries/s")


def batch_of(triples: TripleSet, settings: RetrieverSettings, step: int) -> list[Triple]:
    """The batch of a step: rows in an order drawn for each epoch, negatives drawn for each row and epoch."""
    size = min(settings.batch, len(triples))
    epoch, place = divmod(step, max(1, len(triples) // size))
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(triples))
    rows = order[place * size : (place + 1) * size]
    return [_drawn(triples.triple(int(row)), settings, [settings.seed, epoch, int(row)]) for row in rows]


def _drawn(triple: Triple, settings: RetrieverSettings, seed: list[int]) -> Triple:
    others = np.random.default_rng(seed).permutation(len(triple.passages) - 1)[: settings.negatives]
    return triple.pick([0, *(int(place) + 1 for place in others)])


def _held(dev: TripleSet, settings: RetrieverSettings) -> list[Triple]:
    count = min(settings.dev_queries, len(dev))
    step = max(1, len(dev) // max(count, 1))
    return [_drawn(dev.triple(row * step), settings, [settings.seed, row]) for row in range(count)]


def device_name(module: nn.Module) -> str:
    """What a run says it was trained on: the GPU's name, or the number of CPU threads."""
    parameter = next(module.parameters())
    if parameter.is_cuda:
        return torch.cuda.get_device_name(parameter.device)
    return f"CPU, {torch.get_num_threads()} threads"
