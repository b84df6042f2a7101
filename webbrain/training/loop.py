"""The training loop over stages, on accelerate: mixed precision, accumulation, several GPUs, exact resume, early stop.

Nothing random is carried over: dropout of a step depends on (seed, stage, step, process) alone, the order of the data
on (seed, epoch). So a run that was killed goes on as if it had not been. (With `minutes` the learning rate follows the
clock, and only the curve's shape is the same.)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from accelerate import Accelerator
from torch import Tensor

from webbrain.errors import ConfigError
from webbrain.training.batches import Examples, Tensors, read_ahead
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
from webbrain.training.packed import BatchPlan, PackedSet
from webbrain.training.settings import StageName, StageSettings, TrainSettings
from webbrain.writing.fid.model import FusionInDecoder
from webbrain.writing.fid.vocabulary import Vocabulary

CHECKPOINTS, CURVE, PLOT = "checkpoints", "curve.csv", "curve.svg"
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to."""

    steps: int
    examples: int
    seconds: float
    dev_loss: float | None
    stopped: str


class Trainer:
    """Trains `model` on the packed sets of `data`, in `folder`. `note` gets a line at every measurement."""

    def __init__(
        self,
        settings: TrainSettings,
        model: FusionInDecoder,
        vocabulary: Vocabulary,
        data: Path,
        folder: Path,
        note: Note = print,
    ) -> None:
        self.settings, self.vocabulary, self.data, self.folder, self.note = settings, vocabulary, data, folder, note
        self.accelerator = Accelerator(
            mixed_precision=settings.precision, gradient_accumulation_steps=settings.accumulate, cpu=on_cpus()
        )
        self.plain = model
        self.model: Any = self.accelerator.prepare(model)
        self.progress = Progress()
        self.curve: Curve | None = None
        self._clock = self._begun = time.monotonic()
        self.waited = 0.0  # for data
        self.seconds = settings.seconds()

    def run(self, stages: tuple[StageName, ...], *, resume: bool = False) -> Report:
        """Train the stages in order; with `resume` from the newest checkpoint, if there is one."""
        checkpoint = latest(self.folder / CHECKPOINTS) if resume else None
        if checkpoint is not None:
            self.progress = read_progress(checkpoint)
            load_weights(self.plain, checkpoint / "weights.safetensors")
            self.note(f"going on from {checkpoint.name}, {self.progress.seconds:.0f} s of training so far")
        if self.accelerator.is_main_process:
            self.curve = Curve(self.folder / CURVE, self.progress.curve_rows)
        stopped = ""
        self.shares = sum(self.settings.stages[stage].share for stage in stages)
        for stage in stages:
            if stage not in self.progress.done:
                stopped = self._stage(stage, checkpoint if self.progress.stage == stage else None)
        progress = self.progress
        return Report(progress.step, progress.examples, round(progress.seconds, 1), progress.best, stopped)

    def _stage(self, name: StageName, checkpoint: Path | None) -> str:
        """One stage; returns why it ended."""
        stage, settings = self.settings.stages[name], self.settings
        optimizer = self.accelerator.prepare(
            torch.optim.AdamW(self._groups(), lr=stage.learning_rate, weight_decay=settings.weight_decay)
        )
        if checkpoint is not None:
            load_moments(checkpoint, self.plain, optimizer.optimizer)
        else:
            self.progress = replace(
                self.progress, stage=name, step=0, position=Progress().position, best=None, worse=0, stage_seconds=0.0
            )
        plan = self._plan()
        dev = list(self._examples(stage.dev, stage).dev(plan, settings.dev_examples))
        batches = self._examples(stage.train, stage).train(
            plan, self.progress.position, self.accelerator.process_index, self.accelerator.num_processes
        )
        with closing(read_ahead(batches)) as ahead:
            stopped = self._steps(stage, optimizer, ahead, dev)
        self._end_stage(name, optimizer)
        return stopped

    def _steps(self, stage: StageSettings, optimizer: Any, batches: Iterator[Tensors], dev: list[Tensors]) -> str:
        settings, progress = self.settings, self.progress
        losses: list[Tensor] = []
        loss = rate = 0.0
        self._clock = time.monotonic()
        while (stopped := self._stop(stage)) is None:
            rate = stage.learning_rate * schedule(self._share(stage), settings.rise)
            losses.append(self._step(optimizer, batches, rate))
            progress.step += 1
            at_dev = progress.step % settings.dev_every == 0 or progress.step == stage.steps
            if at_dev or progress.step % settings.log_every == 0:
                loss, losses = self._mean(losses), []
                self._log(loss, self._measure(dev) if at_dev else None, rate)
            if progress.step % settings.checkpoint_every == 0:
                self._checkpoint(optimizer)
        if rate and not at_dev:  # the time was up between two measurements: the last weights may be the best
            self._log(self._mean(losses) if losses else loss, self._measure(dev), rate)
        return stopped

    def _mean(self, losses: list[Tensor]) -> float:
        return float(self.accelerator.reduce(torch.stack(losses).mean(), "mean"))

    def _step(self, optimizer: Any, batches: Iterator[Tensors], rate: float) -> Tensor:
        """One step of the optimizer; the mean loss a label over its batches."""
        self.model.train()
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        progress, process = self.progress, self.accelerator.process_index
        torch.manual_seed(crc32(f"{self.settings.seed} {progress.stage} {progress.step} {process}".encode()))
        losses = []
        for _ in range(self.settings.accumulate):
            batch = self._next(batches)
            with self.accelerator.accumulate(self.model):
                total, count = self.model(**batch.to(self.accelerator.device))
                loss = total / count.clamp_min(1)
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients:
                    self.accelerator.clip_grad_norm_(trained(self.plain).values(), self.settings.clip)
                optimizer.step()
                optimizer.zero_grad()
            losses.append(loss.detach())
            progress.position = batch.position
            progress.examples += len(batch.labels) * self.accelerator.num_processes
        return torch.stack(losses).mean()

    def _next(self, batches: Iterator[Tensors]) -> Tensors:
        begin = time.monotonic()
        batch = next(batches)
        self.waited += time.monotonic() - begin
        return batch

    @torch.no_grad()
    def _measure(self, dev: list[Tensors]) -> float:
        """The development loss a label; the best one's weights are kept."""
        self.model.eval()
        sums = torch.zeros(2, device=self.accelerator.device)
        for batch in dev:
            with self.accelerator.autocast():
                total, count = self.plain(**batch.to(self.accelerator.device))
            sums += torch.stack([total.float(), count.float()])
        loss = float(sums[0] / sums[1].clamp_min(1))
        if self.progress.best is None or loss < self.progress.best:
            self.progress.best, self.progress.worse = loss, 0
            if self.accelerator.is_main_process:
                save_weights(self.plain, self.folder / f"best-{self.progress.stage}.safetensors")
        else:
            self.progress.worse += 1
        return loss

    def _stop(self, stage: StageSettings) -> str | None:
        """Why the stage is over, or None; all processes stop together."""
        self._tick()
        if self.progress.step >= stage.steps:
            return "all steps done"
        if self.progress.worse >= self.settings.patience:
            return "the development loss no longer falls"
        late = torch.tensor(float(self._share(stage) >= 1.0), device=self.accelerator.device)
        if self.settings.minutes is not None and float(self.accelerator.reduce(late, "sum")) > 0:
            return "the time is up"
        return None

    def _share(self, stage: StageSettings) -> float:
        """How much of the stage is over, in steps or, where there is a limit, in time, whichever is more."""
        by_steps = self.progress.step / stage.steps
        if self.settings.minutes is None:
            return by_steps
        return max(by_steps, self.progress.stage_seconds * self.shares / (self.seconds * stage.share))

    def _tick(self) -> None:
        """Count the time since the last tick."""
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self.progress.stage_seconds += now - self._clock
        self._clock = now

    def _log(self, loss: float, dev_loss: float | None, rate: float) -> None:
        progress = self.progress
        if self.curve is None:
            return
        self._tick()
        self.curve.add(
            stage=progress.stage,
            step=progress.step,
            examples=progress.examples,
            loss=f"{loss:.6f}",
            dev_loss="" if dev_loss is None else f"{dev_loss:.6f}",
            learning_rate=f"{rate:.3e}",
            seconds=f"{progress.seconds:.1f}",
        )
        progress.curve_rows = self.curve.rows
        pace = progress.examples / max(progress.seconds, 1e-9)
        measured = "" if dev_loss is None else f", development {dev_loss:.3f}"
        waiting = self.waited / max(self._clock - self._begun, 1e-9)
        self.note(
            f"{progress.stage} step {progress.step}: loss {loss:.3f}{measured}, {pace:.1f} examples/s, "
            f"{waiting:.0%} of the time waiting for data"
        )

    def _checkpoint(self, optimizer: Any) -> None:
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            save_checkpoint(self.folder / CHECKPOINTS, self.plain, optimizer.optimizer, self.progress)
            draw_curve(self.folder / CURVE, self.folder / PLOT)

    def _end_stage(self, name: StageName, optimizer: Any) -> None:
        """Go on with the best weights, and say in the checkpoint that the stage is done."""
        self.accelerator.wait_for_everyone()
        best = self.folder / f"best-{name}.safetensors"
        if best.exists() and self.progress.best is not None:
            load_weights(self.plain, best)
        self.progress.done.append(name)
        self._checkpoint(optimizer)

    def _groups(self) -> list[dict[str, Any]]:
        """The trained encoder knows its language already, and is changed more slowly than what is new."""
        ours = trained(self.plain)
        encoder = {id(value) for value in self.plain.seq2seq.get_encoder().parameters()}
        old = [value for value in ours.values() if id(value) in encoder]
        new = [value for value in ours.values() if id(value) not in encoder]
        found = [{"params": new, "share": 1.0}, {"params": old, "share": self.settings.encoder_rate}]
        return [group for group in found if group["params"]]

    def _plan(self) -> BatchPlan:
        settings = self.settings
        return BatchPlan(
            settings.batch_examples,
            settings.batch_tokens,
            settings.seed,
            shuffle_references=settings.shuffle_references,
        )

    def _examples(self, name: str, stage: StageSettings) -> Examples:
        packed = PackedSet.open(self.data, name)
        if not len(packed):
            raise ConfigError(f"set {name!r} of {self.data} is empty; build a larger dataset, or leave out its --stage")
        numbered = self.plain.numbers is not None
        return Examples(packed, self.vocabulary, numbered=numbered, held_out=stage.train == stage.dev)


def on_cpus() -> bool:
    """Whether this is one of several processes that share a machine without a GPU: accelerate wants to be told."""
    return "LOCAL_RANK" in os.environ and not torch.cuda.is_available()


def schedule(share: float, rise: float) -> float:
    """Factor of the learning rate: up in a straight line over `rise` of the stage, then down to nothing."""
    return min((share + 1e-3) / rise, 1.0) * max(0.0, 1.0 - max(0.0, share - rise) / (1.0 - rise))
