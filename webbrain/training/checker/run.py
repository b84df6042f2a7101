"""Trains the checker, and models of it that never saw a judged set, for that set's test.

    python -m webbrain.training.checker.run --data .bench/checker --output OUT --seconds 150

Imports torch and safetensors alone, so that it runs where a GPU is and little else. What does not fit into the time is
left out and named in `report.json`; what was made until then is whole: `weights-*.safetensors`, `scores.npz`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from webbrain.training.checker import folds
from webbrain.training.checker.folds import Out, auc
from webbrain.training.checker.net import Batches, Checker, claim_losses, log_shares, precision, start
from webbrain.training.checker.rows import ENTAILED, Rows, batches, rows_of
from webbrain.training.checker.weights import pack, save_parts, unpack

Claims = NDArray[np.int64]
Shares = NDArray[np.float16]
CLIP = 1.0
DECAY = 0.01
SCORE_TOKENS = 4  # times the tokens of a training batch: nothing is kept for a backward pass
REPORT_SECONDS = 5.0
SLACK = 1.3  # a model is begun when so many times the time of the last one is left


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes and times of a run; `steps` cuts each training short, to try everything."""

    seconds: float = 150.0
    pretrain_seconds: float = 50.0
    pretrain_epochs: float = 2.0
    pretrain_tokens: int = 16_384
    pretrain_rate: float = 2e-4
    epochs: int = 2
    tokens: int = 16_384
    rate: float = 1e-4
    cap: int = 2_500  # claims of a set in an epoch
    replay: float = 0.25  # planted claims beside the judged ones, so that they are not forgotten
    replay_weight: float = 0.5
    warm: float = 0.1
    reserve: float = 4.0  # seconds kept for writing
    seed: int = 0
    steps: int | None = None
    keep_planted: bool = False  # write the weights before any judgement, too
    device: str = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass
class Run:
    """A run in progress: its data, the weights of the moment's start, and what there is to hand over."""

    settings: Settings
    output: Path
    model: Checker
    sizes: dict[str, Any]
    planted: Batches
    develop: Batches
    judged: Batches
    began: float = field(default_factory=time.monotonic)
    report: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Shares] = field(default_factory=dict)

    @property
    def left(self) -> float:
        return self.settings.seconds - self.settings.reserve - (time.monotonic() - self.began)

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    def save(self) -> None:
        """Scores and report as they are, replaced as a whole."""
        temporary = self.output / "scores.tmp.npz"
        np.savez(temporary, **self.scores)  # type: ignore[arg-type]
        temporary.replace(self.output / "scores.npz")
        (self.output / "report.json").write_text(json.dumps(self.report, indent=1), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Step:
    """Claims of one step and their weights; both come from one source."""

    source: Batches
    claims: Claims
    weights: NDArray[np.float32]


def optimizer_of(model: Checker, device: str) -> torch.optim.AdamW:
    """No decay for biases and norms."""
    held = [value for value in model.parameters() if value.requires_grad]
    groups = [
        {"params": [value for value in held if value.ndim > 1], "weight_decay": DECAY},
        {"params": [value for value in held if value.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, fused=device != "cpu")


def train(run: Run, steps: list[Step], rate: float, seconds: float, name: str) -> dict[str, float]:
    """One pass over steps, or as many as the time allows; the rate rises, then falls with the steps or the time,
    whichever is further."""
    optimizer, began, said = optimizer_of(run.model, run.settings.device), time.monotonic(), 0.0
    total, done, losses = len(steps), 0, list[Tensor]()
    for step in steps[: run.settings.steps]:
        spent = time.monotonic() - began
        share = max(done / total, spent / max(seconds, 1e-9))
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate * min(share / run.settings.warm + 1 / total, (1 - share) / (1 - run.settings.warm), 1.0)
        losses.append(_update(run, step, optimizer))
        done += 1
        if spent - said > REPORT_SECONDS:
            said = spent
            run.say(f"{name}: step {done:,} of {total:,}, loss {float(torch.stack(losses[-50:]).mean()):.3f}")
    loss = float(torch.stack(losses[-50:]).mean()) if losses else float("nan")
    return {"steps": done, "of": total, "seconds": round(time.monotonic() - began, 2), "loss": round(loss, 4)}


def _update(run: Run, step: Step, optimizer: torch.optim.AdamW) -> Tensor:
    labels, counts = step.source.targets(step.claims)
    with precision(run.settings.device):
        logits = run.model(*step.source.inputs(step.claims))
    losses = claim_losses(logits, labels, counts)
    loss = (losses * torch.from_numpy(step.weights).to(losses.device)).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.model.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


def cut_up(source: Batches, claims: Claims, weights: NDArray[np.float32], tokens: int, seed: Any) -> list[Step]:
    """Mixed batches of some claims."""
    rng = np.random.default_rng(seed)
    of_claim = np.zeros(len(source.rows), np.float32)
    of_claim[claims] = weights
    made = batches(source.rows, source.lengths, claims, tokens, rng)
    return [Step(source, batch, of_claim[batch]) for batch in made]


def pretrain(run: Run) -> None:
    """On planted pairs."""
    held, settings = run.planted, run.settings
    every = np.arange(len(held.rows))
    steps: list[Step] = []
    for epoch in range(int(np.ceil(settings.pretrain_epochs))):
        steps += cut_up(held, every, np.ones(len(every), np.float32), settings.pretrain_tokens, (settings.seed, epoch))
    steps = steps[: int(len(steps) * settings.pretrain_epochs / np.ceil(settings.pretrain_epochs))]
    limit = min(settings.pretrain_seconds, run.left)
    run.report["pretraining"] = train(run, steps, settings.pretrain_rate, limit, "pretraining")
    chances = claim_chances(run.develop.rows, shares_of(run, run.develop, np.arange(len(run.develop.rows))))
    found = auc(chances, run.develop.rows.label == ENTAILED)
    run.report["pretraining"]["auc of held-out planted pairs"] = round(100 * found, 2)
    run.say(f"pretrained: {run.report['pretraining']}")


def fine_tune(run: Run, out: Out, seconds: float) -> dict[str, float]:
    """On all judged sets but those, with some planted pairs."""
    rows, settings = run.judged.rows, run.settings
    names, seed = rows.sets.tolist(), (settings.seed, folds.models().index(out))
    steps: list[Step] = []
    for epoch in range(settings.epochs):
        rng = np.random.default_rng((*seed, epoch))
        claims = folds.sample(rows.of_set, names, folds.sets_to_train(out), settings.cap, rng)
        weights = folds.weigh(rows.of_set[claims], rows.label[claims] == ENTAILED)
        made = cut_up(run.judged, claims, weights, settings.tokens, (*seed, epoch, 1))
        again = rng.permutation(len(run.planted.rows))[: int(settings.replay * len(claims))]
        same = np.full(len(again), settings.replay_weight, np.float32)
        made += cut_up(run.planted, again, same, settings.tokens, (*seed, epoch, 2))
        steps += [made[at] for at in rng.permutation(len(made))]
    return train(run, steps, settings.rate, seconds, "without " + "+".join(out) if out else "all")


def shares_of(run: Run, held: Batches, claims: Claims) -> Shares:
    """Logarithms of the shares of classes for all rows of some claims, in order."""
    made = batches(held.rows, held.lengths, claims, SCORE_TOKENS * run.settings.tokens, None)
    return log_shares(run.model, held, made)[rows_of(held.rows, claims)]


def claim_chances(rows: Rows, shares: Shares, claims: Claims | None = None) -> NDArray[np.float64]:
    """Logarithm of the chance that all sentences of a claim are entailed; `shares` are of the rows of `claims`."""
    counts = rows.counts if claims is None else rows.counts[claims]
    return np.add.reduceat(shares[:, 0].astype(np.float64), np.cumsum(counts) - counts)


def score(run: Run, model: Out | str, names: list[str]) -> dict[str, float]:
    """Keep what a model says of whole sets; their AUC."""
    rows, found = run.judged.rows, {}
    for name in names:
        claims = np.flatnonzero(rows.of_set == rows.sets.tolist().index(name))
        shares = run.scores[folds.key(model, name)] = shares_of(run, run.judged, claims)
        found[name] = round(100 * auc(claim_chances(rows, shares, claims), rows.label[claims] == ENTAILED), 2)
    return found


def weights_of(model: Checker) -> dict[str, NDArray[np.float32]]:
    return {name: value.float().cpu().numpy() for name, value in model.state_dict().items()}


def train_all(run: Run) -> None:
    """Every model for which there is time, from the pretrained one; the first is the one to keep."""
    begin = {name: value.detach().clone() for name, value in run.model.state_dict().items()}
    last = 0.0
    for out in folds.models():
        if out and run.left < SLACK * last:
            run.report.setdefault("left out for want of time", []).append("+".join(out))
            continue
        began = time.monotonic()
        run.model.load_state_dict(begin)
        made = fine_tune(run, out, run.left)
        made["complete"] = made["steps"] == made["of"] or run.settings.steps is not None
        if not out:
            save_parts(weights_of(run.model), run.output)
        if not out or made["complete"]:
            made["auc"] = score(run, out, folds.sets_to_score(out))  # type: ignore[assignment]
        run.report.setdefault("models", {})["+".join(out) or "all"] = made
        last = time.monotonic() - began
        run.say(f"without {'+'.join(out) or 'nothing'}: {made}")
        run.save()


def load(data: Path, output: Path, settings: Settings) -> Run:
    output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    torch.backends.cuda.enable_cudnn_sdp(False)  # it would prepare itself for each width of a batch
    planted, develop, judged = (
        Batches(Rows.load(data / f"{name}.npz"), settings.device) for name in ("planted", "develop", "judged")
    )
    weights, sizes = unpack(data / "base.safetensors")
    model = start(weights, sizes, settings.seed).to(settings.device)
    return Run(settings, output, model.train(), sizes, planted, develop, judged)


def execute(data: Path, output: Path, settings: Settings) -> dict[str, Any]:
    began = time.monotonic()
    run = load(data, output, settings)
    run.began = began
    run.report["settings"] = asdict(settings)
    run.say(f"loaded: {len(run.planted.rows):,} planted and {len(run.judged.rows):,} judged claims, {settings.device}")
    pretrain(run)
    run.report["planted alone"] = score(run, folds.PLANTED, run.judged.rows.sets.tolist())
    run.say(f"planted alone: {run.report['planted alone']}")
    if settings.keep_planted:
        pack(weights_of(run.model), run.sizes, output / "planted.safetensors", words=False)
    run.save()
    train_all(run)
    run.report["seconds"] = round(time.monotonic() - began, 1)
    run.save()
    run.say("done" + (f"; left out: {missed}" if (missed := run.report.get("left out for want of time")) else ""))
    return run.report


def add_settings(parser: argparse.ArgumentParser) -> None:
    """An option for each of Settings."""
    for name, value in asdict(Settings()).items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            parser.add_argument(option, action="store_true")
        else:
            parser.add_argument(option, type=int if value is None else type(value), default=value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder with what `pairs` and `base` wrote.")
    parser.add_argument("--output", type=Path, required=True)
    add_settings(parser)
    options = vars(parser.parse_args())
    data, output = options.pop("data"), options.pop("output")
    execute(data, output, Settings(**options))


if __name__ == "__main__":
    main()
