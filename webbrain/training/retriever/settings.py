"""What a retriever's training is told; all of it goes into the run's `config.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from webbrain.errors import ConfigError
from webbrain.models import DEFAULT_ENCODER

Kind = Literal["sparse", "dense", "reranker"]
Queries = Literal["static", "encoder"]


@dataclass(frozen=True, slots=True)
class Sparsity:
    """Weights of the regularisers (paper.md): L1 on queries; FLOPS or, as in the public code, L1 on documents."""

    queries: float = 5e-4
    documents: float = 5e-3
    document_norm: Literal["flops", "l1"] = "flops"


@dataclass(frozen=True, slots=True)
class RetrieverSettings:
    """`queries`, of a sparse model: one weight a term ("static": only a head on the frozen states of `base` is trained,
    which two cores can do), or SPLADE's two encoders ("encoder"). `expand` lets a static model weigh terms that a
    passage lacks. A batch has `batch` queries with `negatives` mined negatives each, and all of its passages are
    candidates of all of its queries; `distil` weighs the teacher's scores where the triples have any, at
    `teacher_scale`. Tokens are word pieces.
    """

    kind: Kind = "sparse"
    base: str = DEFAULT_ENCODER
    queries: Queries = "static"
    expand: bool = True
    sparsity: Sparsity = field(default_factory=Sparsity)
    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    rise: float = 0.06
    clip: float = 1.0
    epochs: float = 1.0
    steps: int | None = None
    batch: int = 32
    negatives: int = 2
    distil: float = 1.0
    teacher_scale: float = 20.0
    query_tokens: int = 16
    passage_tokens: int = 256
    precision: Literal["no", "bf16"] = "no"
    log_every: int = 20
    dev_every: int = 100
    dev_queries: int = 256
    checkpoint_every: int = 100
    threads: int | None = None
    seed: int = 0

    def check(self) -> None:
        """Raises ConfigError for values that cannot be trained with."""
        for name in ("batch", "log_every", "dev_every", "checkpoint_every", "query_tokens", "passage_tokens"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of {getattr(self, name)} makes no sense; give 1 or more")
        if self.kind == "reranker" and self.negatives < 1:
            raise ConfigError("a reranker learns from negatives only; give --negatives 1 or more")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def smoke(self) -> RetrieverSettings:
        """A few steps of everything: says that the path works, and nothing of what it can learn."""
        return replace(
            self,
            steps=2,
            batch=2,
            negatives=1,
            log_every=1,
            dev_every=1,
            dev_queries=2,
            checkpoint_every=1,
            passage_tokens=64,
        )


def default_rate(kind: Kind, queries: Queries) -> float:
    """The paper's 2e-5 for whole encoders; a head on frozen states takes larger steps."""
    return 1e-3 if kind == "sparse" and queries == "static" else 2e-5
