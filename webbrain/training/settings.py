"""What a training run is told; all of it goes into the run's `config.json`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from webbrain.errors import ConfigError
from webbrain.models import DEFAULT_ENCODER

StageName = Literal["language", "warmup", "full"]
STAGES: tuple[StageName, ...] = get_args(StageName)


EVALUATION_SHARE, EVALUATION_SECONDS = 0.15, 60.0  # the lesser of both is kept for export and samples


@dataclass(frozen=True, slots=True)
class StageSettings:
    """`steps` of the optimizer at most; `share` of the minutes, when there is a limit of those."""

    train: str
    dev: str
    steps: int
    learning_rate: float
    share: float


def default_stages() -> dict[str, StageSettings]:
    """Plain articles, then one reference to the one sentence that cites it, then the whole task (easy to hard)."""
    return {
        "language": StageSettings("gaps", "gaps", 40_000, 6e-4, 0.3),
        "warmup": StageSettings("train.warmup", "dev.warmup", 40_000, 6e-4, 0.1),
        "full": StageSettings("train", "dev", 80_000, 4e-4, 0.6),
    }


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """`base` is a BERT encoder (then the compact writer is trained) or any seq2seq. A batch has at most `batch_tokens`
    padded tokens and `batch_examples`; `accumulate` batches a process make a step. The learning rate rises over
    `rise` of a stage and falls linearly after it; an encoder that is trained gets `encoder_rate` of it. Every
    `dev_every` steps the development loss is measured over `dev_examples`; a stage ends after `patience` measurements
    without a better one. `minutes` bounds the whole run. `weights` are what an earlier run ended with, to go on from.
    """

    base: str = DEFAULT_ENCODER
    copy: bool = True
    frozen_encoder: bool = True
    layers: int | None = None
    weights: str | None = None
    stages: dict[str, StageSettings] = field(default_factory=default_stages)
    batch_tokens: int = 32_768
    batch_examples: int = 64
    accumulate: int = 1
    rise: float = 0.03
    encoder_rate: float = 0.3
    weight_decay: float = 0.01
    clip: float = 1.0
    precision: Literal["no", "bf16"] = "no"
    log_every: int = 20
    dev_every: int = 500
    dev_examples: int = 400
    checkpoint_every: int = 500
    patience: int = 6
    minutes: float | None = None
    write_examples: int = 50
    shuffle_references: bool = True
    seed: int = 0

    def check(self) -> None:
        """Raises ConfigError for values that cannot be trained with."""
        for name in ("batch_tokens", "batch_examples", "accumulate", "log_every", "dev_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of {getattr(self, name)} makes no sense; give 1 or more")
        if self.minutes is not None and self.minutes <= 0:
            raise ConfigError(f"--minutes {self.minutes} leaves no time to train")

    def seconds(self) -> float:
        """Of the minutes, those to train in."""
        whole = 60 * (self.minutes or 0.0)
        return whole - min(whole * EVALUATION_SHARE, EVALUATION_SECONDS)

    def with_sets(self, names: Collection[str]) -> TrainSettings:
        """The whole task is learned from retrieved references too, where the data has them."""
        full = self.stages["full"]
        both = f"{full.train}+{full.train}.retrieved"
        if f"{full.train}.retrieved" not in names:
            return self
        return replace(self, stages={**self.stages, "full": replace(full, train=both)})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def smoke(self) -> TrainSettings:
        """A few steps of everything: says that the path works, and nothing of what it can learn."""
        stages = {name: replace(stage, steps=2) for name, stage in self.stages.items()}
        return replace(
            self,
            stages=stages,
            batch_tokens=1024,
            batch_examples=2,
            log_every=1,
            dev_every=2,
            dev_examples=2,
            checkpoint_every=2,
            write_examples=1,
        )
