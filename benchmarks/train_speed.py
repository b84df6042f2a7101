"""Where a training step's time goes on this machine: making batches, the model, or both in each other's way.

    python benchmarks/train_speed.py --data PACKED [--base FOLDER] [--set train] [--steps 20] [--profile]

Run it on a new machine before a long training. On the H200 of docs/results.md a step took half a second, more than its
arithmetic accounts for; nothing there said why.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from webbrain.models import DEFAULT_ENCODER, resolve
from webbrain.training.batches import Examples, Tensors, read_ahead
from webbrain.training.checkpoint import trained
from webbrain.training.packed import BatchPlan, PackedSet, Position
from webbrain.writing.compact.model import CompactShape, warm_start

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rate(name: str, examples: int, seconds: float, steps: int) -> str:
    return f"| {name} | {examples / seconds:,.1f} | {1000 * seconds / steps:,.0f} |"


def step(model: Any, optimizer: Any, batch: Tensors) -> None:
    with torch.autocast(DEVICE.type, torch.bfloat16):
        total, count = model(**batch.to(DEVICE))
    (total / count.clamp_min(1)).backward()
    torch.nn.utils.clip_grad_norm_(trained(model).values(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def timed(model: Any, optimizer: Any, batches: Any) -> tuple[int, float]:
    """(examples, seconds) of training on all of them."""
    done, begin = 0, time.perf_counter()
    for batch in batches:
        step(model, optimizer, batch)
        done += len(batch.labels)
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return done, time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default=DEFAULT_ENCODER)
    parser.add_argument("--set", default="train")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-tokens", type=int, default=160_000)
    parser.add_argument("--batch-examples", type=int, default=256)
    parser.add_argument("--profile", action="store_true", help="Print the twenty operations that take longest.")
    options = parser.parse_args()
    model, vocabulary = warm_start(resolve(options.base), CompactShape(frozen_encoder=False, layers=options.layers))
    model.to(DEVICE).train()
    optimizer = torch.optim.AdamW(trained(model).values(), lr=1e-5)
    examples = Examples(PackedSet.open(options.data, options.set), vocabulary, numbered=True)
    plan = BatchPlan(options.batch_examples, options.batch_tokens, shuffle_references=True)
    begin = time.perf_counter()
    batches = list(islice(examples.train(plan, Position()), options.steps))
    made = time.perf_counter() - begin
    total = sum(len(batch.labels) for batch in batches)
    print("| what | examples/s | ms a step |\n|---|---|---|\n" + rate("batches alone", total, made, len(batches)))
    timed(model, optimizer, batches[:3])  # a first step makes kernels and memory
    print(rate("model alone", *timed(model, optimizer, batches), len(batches)))
    with closing(read_ahead(islice(examples.train(plan, Position()), options.steps))) as ahead:
        print(rate("both", *timed(model, optimizer, islice(ahead, options.steps)), len(batches)))
    if options.profile:
        with torch.profiler.profile() as measured:
            timed(model, optimizer, batches[:3])
        kind = "self_cuda_time_total" if DEVICE.type == "cuda" else "self_cpu_time_total"
        print(measured.key_averages().table(sort_by=kind, row_limit=20))
    if DEVICE.type == "cuda":
        print(f"{torch.cuda.get_device_name()}, {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at most")


if __name__ == "__main__":
    main()
