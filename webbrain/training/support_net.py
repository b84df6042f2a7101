"""Trains the binding checker (`webbrain.grounding.binding`) on planted errors, word by word."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from webbrain.grounding.alignment import WORD_FEATURES
from webbrain.grounding.binding import KINDS, REACH, one_hot, scaled
from webbrain.grounding.features import read
from webbrain.grounding.focus import Source
from webbrain.grounding.vectors import WordVectors
from webbrain.grounding.words import read_words
from webbrain.training.support_pairs import Pair, wrong_words

WIDTH = 64
BATCH = 32
WRONG_WEIGHT = 4.0  # wrong words are few
CLAIM_LOSS = 0.5  # beside the loss over words, one over claims
UNCERTAIN = 0.3  # weight of a true pair that may not be quite true
RATE = 3e-3


@dataclass(frozen=True, slots=True)
class Example:
    """A pair as arrays: per word vectors, kinds, weights; `wrong` and `known` per claim word; `true` of the claim."""

    claim: NDArray[np.float16]
    passage: NDArray[np.float16]
    same: NDArray[np.bool_]
    beside: NDArray[np.float16]
    wrong: NDArray[np.bool_]
    known: NDArray[np.bool_]
    true: bool
    certain: bool


def example(pair: Pair, vectors: WordVectors) -> Example | None:
    """None for a pair without words."""
    words, source = read_words(pair.claim), Source.read(pair.source)
    if not len(words) or not len(source.words):
        return None
    reading = read(pair.claim, words, source, vectors)
    near = reading.focus
    wrong = np.array(wrong_words(pair))
    inputs = [
        np.concatenate([vectors(text, held), one_hot(held), np.array(held.weights)[:, None] / 10], axis=1)
        for text, held in ((pair.claim, words), (near.text, near.words))
    ]
    known = wrong | reading.alignment.same.any(axis=1) | pair.certain
    return Example(
        inputs[0].astype(np.float16),
        inputs[1].astype(np.float16),
        reading.alignment.same,
        scaled(reading.alignment).astype(np.float16),
        wrong,
        known,
        pair.supported,
        pair.certain,
    )


class BindingModel(nn.Module):
    """The network of `binding.BindingNet`, in torch, over padded batches."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.word = nn.Linear(dim + KINDS + 1, WIDTH)
        self.near = nn.Conv1d(WIDTH, WIDTH, 2 * REACH + 1, padding=REACH)
        self.far = nn.Conv1d(WIDTH, WIDTH, 2 * REACH + 1, padding=REACH)
        self.role = nn.Linear(WIDTH, WIDTH, bias=False)
        self.attend = nn.Parameter(torch.tensor([3.0, 3.0]))
        self.compare = nn.Linear(2 * WIDTH + 4 + KINDS + len(WORD_FEATURES), WIDTH)
        self.join = nn.Linear(3 * WIDTH, 48)
        self.out = nn.Linear(48, 1)
        self.drop = nn.Dropout(0.1)

    def forward(self, c: Tensor, p: Tensor, same: Tensor, beside: Tensor, c_mask: Tensor, p_mask: Tensor) -> Tensor:
        here, there = self._in_context(c, c_mask), self._in_context(p, p_mask)
        cosine = c[..., : self.dim] @ p[..., : self.dim].transpose(1, 2)
        scores = self.role(here) @ there.transpose(1, 2) / 8 + self.attend[0] * same + self.attend[1] * cosine
        share = scores.masked_fill(~p_mask[:, None, :], -1e4).softmax(-1)
        found = share @ there
        closest = cosine.masked_fill(~p_mask[:, None, :], -1).amax(-1)
        four = torch.stack([(share * same).sum(-1), (share * cosine).sum(-1), same.amax(-1), closest], -1)
        kinds = c[..., self.dim : self.dim + KINDS]
        compared = self.compare(torch.cat([here * found, (here - found).abs(), four, kinds, beside], -1))
        compared = self.drop(functional.relu(compared)) * c_mask[..., None]
        before = functional.pad(compared, (0, 0, 1, 0))[:, :-1]
        after = functional.pad(compared, (0, 0, 0, 1))[:, 1:]
        joined = torch.cat([before, compared, after], -1)
        logits: Tensor = self.out(functional.relu(self.join(joined)))[..., 0]
        return logits

    def _in_context(self, x: Tensor, mask: Tensor) -> Tensor:
        vectors = self.drop(x[..., : self.dim])
        x = functional.relu(self.word(torch.cat([vectors, x[..., self.dim :]], -1))) * mask[..., None]
        x = x.transpose(1, 2)
        for layer in (self.near, self.far):
            x = x + functional.relu(layer(x)) * mask[:, None]
        return x.transpose(1, 2)

    def export(self, path: Path) -> None:
        arrays = {
            "role" if name == "role.weight" else name: value.detach().numpy().astype(np.float16)
            for name, value in self.state_dict().items()
        }
        np.savez_compressed(path, **arrays)


def collate(batch: Sequence[Example]) -> tuple[Tensor, ...]:
    """Zero-padded tensors (claim, passage, same, beside, claim mask, passage mask)."""
    n, m = max(len(item.claim) for item in batch), max(len(item.passage) for item in batch)

    def padded(rows: Iterable[NDArray[np.generic]], *shape: int) -> Tensor:
        out = np.zeros((len(batch), *shape), np.float32)
        for place, row in enumerate(rows):
            out[(place, *map(slice, row.shape))] = row  # type: ignore[index]
        return torch.from_numpy(out)

    width, beside = batch[0].claim.shape[1], batch[0].beside.shape[1]
    return (
        padded((item.claim for item in batch), n, width),
        padded((item.passage for item in batch), m, width),
        padded((item.same for item in batch), n, m),
        padded((item.beside for item in batch), n, beside),
        padded((np.ones(len(item.claim)) for item in batch), n) > 0,
        padded((np.ones(len(item.passage)) for item in batch), m) > 0,
    )


def train(examples: Sequence[Example], epochs: int, dim: int, seed: int = 0) -> BindingModel:
    """One thread, fixed seed; prints the loss of each epoch."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = random.Random(seed)
    model = BindingModel(dim)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    steps = epochs * (len(examples) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for epoch in range(epochs):
        order = sorted(examples, key=lambda item: len(item.passage) + 40 * rng.random())
        batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        rng.shuffle(batches)
        total = 0.0
        for batch in batches:
            loss = _loss(model, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1} of {epochs}: loss {total / len(batches):.4f}", flush=True)
    return model.eval()


def _loss(model: BindingModel, batch: Sequence[Example]) -> Tensor:
    inputs = collate(batch)
    logits = model(*inputs)
    wrong, known = torch.zeros_like(logits), torch.zeros_like(logits)
    for place, item in enumerate(batch):
        wrong[place, : len(item.wrong)] = torch.from_numpy(item.wrong).float()
        known[place, : len(item.known)] = torch.from_numpy(item.known).float()
    weight = torch.tensor(WRONG_WEIGHT)
    by_word = functional.binary_cross_entropy_with_logits(logits, wrong, reduction="none", pos_weight=weight)
    worst = logits.masked_fill(known == 0, -20).logsumexp(-1)
    false = torch.tensor([float(not item.true) for item in batch])
    sure = torch.tensor([1.0 if item.certain or not item.true else UNCERTAIN for item in batch])
    by_claim = functional.binary_cross_entropy_with_logits(worst, false, reduction="none")
    return (by_word * known).sum() / known.sum() + CLAIM_LOSS * (by_claim * sure).mean()
