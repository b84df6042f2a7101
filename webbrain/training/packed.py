"""Packed training data: token ids as memory-mapped uint16 arrays, read in a shuffled order that can be resumed exactly.

    manifest.json                {"tokens", "tokenizer", "limits", "sets": {name: {"examples", "parts": [...]}}, ...}
    <set>-00000.tokens.npy       uint16, all sequences of the part one after another
    <set>-00000.lengths.npy      uint16 (examples, 1 + references): the target's length, then each reference's or 0
    <set>-00000.offsets.npy      uint64 (examples + 1,): where each example begins in `tokens`
    <set>-00000.ids.txt          one example id a line

A reference is `[CLS] [title] T [ref] [n] title text [SEP]`, a target is its sentences, each with its marks behind it,
and then `[SEP]`. Written by `webbrain dataset pack`; numpy is all that reading needs.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import ConfigError, CorpusError
from webbrain.models import sha256_file

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
POOL_BATCHES = 64  # so many batches are sorted by length together: little padding, still a random order
Ids = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class TokenMap:
    """Ids of the tokens that are structure: `marks[n]` is the token `[n]`. Text holds none; T5 has no `begin`."""

    pad: int
    begin: int | None
    end: int
    title: int
    ref: int
    marks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PackedExample:
    """`references[n - 1]` carries the mark `[n]`; all arrays are uint16 and read-only."""

    example_id: str
    target: Ids
    references: tuple[Ids, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded arrays. inputs, input_mask: (examples, references, length); labels, label_mask: (examples, length)."""

    example_ids: tuple[str, ...]
    inputs: NDArray[np.int64]
    input_mask: NDArray[np.bool_]
    labels: NDArray[np.int64]
    label_mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Position:
    """Where training stands: `batch` batches of `epoch` are done. Store it with a checkpoint, give it back to go on."""

    epoch: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How examples become batches; the same plan over the same data always gives the same batches.

    A batch has at most `max_examples`, and `max_tokens` tokens of padded inputs and targets; always one example.
    """

    max_examples: int = 32
    max_tokens: int = 65_536
    seed: int = 0
    shuffle: bool = True
    shuffle_references: bool = False


class PackedSet:
    """One set (`train`, `dev.retrieved`, `train.warmup` ...) of a packed folder, or some (`train+train.retrieved`) as
    one, opened memory-mapped."""

    def __init__(self, folder: Path, name: str, manifest: dict[str, Any]) -> None:
        self.name = name
        self.tokens = TokenMap(**{**manifest["tokens"], "marks": tuple(manifest["tokens"]["marks"])})
        parts = [part for one in name.split("+") for part in manifest["sets"][one]["parts"]]
        self._parts = [_Part(folder, part["name"]) for part in parts]
        self._starts = np.cumsum([0, *(part["examples"] for part in parts)]).tolist()
        width = 1 + int(manifest["limits"]["references"])
        shapes = [part.lengths for part in self._parts] or [np.zeros((0, width), np.uint16)]
        self.lengths: Ids = np.concatenate(shapes)

    @classmethod
    def open(cls, folder: Path | str, name: str) -> PackedSet:
        """Raises CorpusError when the folder holds no packed data or not this set."""
        folder = Path(folder)
        manifest = read_manifest(folder)
        for one in name.split("+"):
            if one not in manifest["sets"]:
                raise CorpusError(f"no set {one!r}; it has {', '.join(sorted(manifest['sets']))}", folder)
        return cls(folder, name, manifest)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def example(self, number: int) -> PackedExample:
        part = bisect_right(self._starts, number) - 1
        if not 0 <= number < len(self):
            raise IndexError(f"example {number} of {len(self)}")
        return self._parts[part].example(number - self._starts[part])

    def batches(self, plan: BatchPlan, epoch: int) -> list[NDArray[np.int64]]:
        """Example numbers of each batch of an epoch; with `shuffle` the order depends on (seed, epoch) alone."""
        order = np.arange(len(self), dtype=np.int64)
        if not plan.shuffle:
            return list(_cut(order, self.lengths, plan))
        random = np.random.default_rng([plan.seed, epoch])
        random.shuffle(order)
        size = plan.max_examples * POOL_BATCHES
        found = [
            batch
            for start in range(0, len(order), size)
            for batch in _cut(_by_length(order[start : start + size], self.lengths), self.lengths, plan)
        ]
        return [found[place] for place in random.permutation(len(found))]

    def stream(self, plan: BatchPlan, start: Position | None = None) -> Iterator[tuple[Position, Batch]]:
        """Batches from `start` on, epoch after epoch without end, each with the position after it."""
        start = start or Position()
        if not len(self):
            raise ConfigError(f"set {self.name!r} is empty; build a larger dataset")
        while True:
            batches = self.batches(plan, start.epoch)
            for number in range(start.batch, len(batches)):
                yield Position(start.epoch, number + 1), self.batch(batches[number], plan, start.epoch)
            start = Position(start.epoch + 1)

    def batch(self, numbers: Sequence[int] | NDArray[np.int64], plan: BatchPlan, epoch: int = 0) -> Batch:
        examples = [self.example(int(number)) for number in numbers]
        if plan.shuffle_references:
            orders = [np.random.default_rng([plan.seed, epoch, int(number)]) for number in numbers]
            examples = [
                reordered(example, random.permutation(len(example.references)), self.tokens)
                for example, random in zip(examples, orders, strict=True)
            ]
        return pad_batch(examples, self.tokens.pad)


class _Part:
    def __init__(self, folder: Path, name: str) -> None:
        self.tokens: Ids = _open(folder / f"{name}.tokens.npy")
        self.lengths: Ids = _open(folder / f"{name}.lengths.npy")
        self.offsets: NDArray[np.uint64] = _open(folder / f"{name}.offsets.npy")
        self.ids = (folder / f"{name}.ids.txt").read_text(encoding="utf-8").splitlines()

    def example(self, number: int) -> PackedExample:
        sizes = [int(size) for size in self.lengths[number]]
        ends = np.cumsum([int(self.offsets[number]), *sizes]).tolist()
        target, *references = [self.tokens[begin:end] for begin, end in pairwise(ends)]
        return PackedExample(self.ids[number], target, tuple(part for part in references if len(part)))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises CorpusError for a folder without a manifest, or of another format."""
    path = folder / MANIFEST
    if not path.is_file():
        raise CorpusError("no packed dataset; run `webbrain dataset pack DATASET --output DIR`", folder)
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if manifest.get("format_version") != FORMAT_VERSION:
        raise CorpusError(f"packed format {manifest.get('format_version')}, not {FORMAT_VERSION}; pack it again", path)
    return manifest


def verify(folder: Path) -> list[str]:
    """Names of the files that are missing or whose sha256 is not the manifest's."""
    wanted: dict[str, dict[str, Any]] = read_manifest(folder)["files"]
    return [
        name
        for name, entry in sorted(wanted.items())
        if not (folder / name).is_file() or sha256_file(folder / name) != entry["sha256"]
    ]


def reordered(example: PackedExample, order: Sequence[int] | NDArray[np.int64], tokens: TokenMap) -> PackedExample:
    """The same example with its references in another order, marks renumbered in references and target.

    `order[new]` is the old place (from 0) of the reference that comes at `new`.
    """
    marks = np.array(tokens.marks, np.uint16)
    renumber = np.arange(1 << 16, dtype=np.uint16)
    for new, old in enumerate(order):
        renumber[marks[int(old) + 1]] = marks[new + 1]
    references = tuple(renumber[example.references[int(old)]] for old in order)
    return replace(example, target=renumber[example.target], references=references)


def pad_batch(examples: Sequence[PackedExample], pad: int) -> Batch:
    """Arrays as wide as the longest of the batch. An absent reference is all padding, its mask all False."""
    width = max(len(example.references) for example in examples)
    length = max((len(part) for example in examples for part in example.references), default=0)
    inputs = np.full((len(examples), width, length), pad, np.int64)
    labels = np.full((len(examples), max(len(example.target) for example in examples)), pad, np.int64)
    input_mask, label_mask = np.zeros(inputs.shape, np.bool_), np.zeros(labels.shape, np.bool_)
    for row, example in enumerate(examples):
        labels[row, : len(example.target)] = example.target
        label_mask[row, : len(example.target)] = True
        for place, part in enumerate(example.references):
            inputs[row, place, : len(part)] = part
            input_mask[row, place, : len(part)] = True
    return Batch(tuple(example.example_id for example in examples), inputs, input_mask, labels, label_mask)


def _by_length(numbers: NDArray[np.int64], lengths: Ids) -> NDArray[np.int64]:
    """Longest references first, then longest target; ties keep the shuffled order."""
    rows = lengths[numbers]
    return numbers[np.lexsort((-rows[:, 0].astype(np.int64), -_longest(rows)))]


def _longest(rows: Ids) -> NDArray[np.int64]:
    longest: NDArray[np.int64] = rows[:, 1:].max(axis=1, initial=0).astype(np.int64)
    return longest


def _cut(order: NDArray[np.int64], lengths: Ids, plan: BatchPlan) -> Iterator[NDArray[np.int64]]:
    """Batches in order, each within the plan's bounds once padded."""
    rows = lengths[order].astype(np.int64)
    targets, widths, longest = rows[:, 0], (rows[:, 1:] > 0).sum(axis=1), rows[:, 1:].max(axis=1, initial=0)
    begin = target = width = length = 0
    for place in range(len(order)):
        grown = max(target, int(targets[place])), max(width, int(widths[place])), max(length, int(longest[place]))
        count = place - begin + 1
        full = count > plan.max_examples or count * (grown[0] + grown[1] * grown[2]) > plan.max_tokens
        if full and place > begin:
            yield order[begin:place]
            begin, grown = place, (int(targets[place]), int(widths[place]), int(longest[place]))
        target, width, length = grown
    if len(order):
        yield order[begin:]


def _open(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CorpusError(f"cannot be read ({error}); pack the dataset again", path) from error
