"""Packed examples as the model reads them, in an order that depends on the seed alone and can begin anywhere."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from webbrain.errors import ConfigError
from webbrain.training.packed import Batch, BatchPlan, PackedSet, Position
from webbrain.writing.fid.batch import pad_sources
from webbrain.writing.fid.model import IGNORED
from webbrain.writing.fid.vocabulary import MARKS, MAX_REFERENCES, Vocabulary

HELD_OUT = 100  # every so-manieth example of a set that is its own development set is kept for that
READ_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Tensors:
    """ids and mask (b, k, n), numbers (b, k), labels (b, t) of a batch, and the position after it."""

    ids: Tensor
    mask: Tensor
    numbers: Tensor
    labels: Tensor
    position: Position

    def to(self, device: torch.device) -> dict[str, Tensor]:
        parts = {"ids": self.ids, "mask": self.mask, "numbers": self.numbers, "labels": self.labels}
        return {name: part.to(device, non_blocking=True) for name, part in parts.items()}


class Examples:
    """One packed set for one model; `numbered` says which of the two source forms it reads (see Vocabulary.sources)."""

    def __init__(self, packed: PackedSet, vocabulary: Vocabulary, *, numbered: bool, held_out: bool = False) -> None:
        self.packed, self.vocabulary, self.numbered, self.held_out = packed, vocabulary, numbered, held_out
        if len(packed.tokens.marks) > len(MARKS):
            raise ConfigError(f"set {packed.name!r} has more than {MAX_REFERENCES} references; pack it with fewer")
        self._translate = _translation(packed, vocabulary)

    def train(self, plan: BatchPlan, start: Position, rank: int = 0, world: int = 1) -> Iterator[Tensors]:
        """Batches of this process from `start` on, without end; each process gets every `world`-th one."""
        while True:
            batches = self.packed.batches(plan, start.epoch)
            for first in range(start.batch, len(batches) - world + 1, world):
                numbers = batches[first + rank]
                yield self._tensors(self._spared(numbers), plan, Position(start.epoch, first + world))
            start = Position(start.epoch + 1)

    def _spared(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The batch without what is held out; where nothing is left, its neighbours."""
        if not self.held_out:
            return numbers
        kept = numbers[numbers % HELD_OUT != 0]
        return kept if len(kept) else np.where(numbers + 1 < len(self.packed), numbers + 1, numbers - 1)

    def dev(self, plan: BatchPlan, examples: int) -> Iterator[Tensors]:
        """The development batches, always the same ones."""
        numbers = np.arange(0, len(self.packed), HELD_OUT if self.held_out else 1, dtype=np.int64)[:examples]
        for first in range(0, len(numbers), plan.max_examples):
            yield self._tensors(numbers[first : first + plan.max_examples], plan, Position())

    def _tensors(self, numbers: NDArray[np.int64], plan: BatchPlan, position: Position) -> Tensors:
        batch = self.packed.batch(numbers, plan, position.epoch)
        rows, marks = zip(*(self.sources(batch, row) for row in range(len(numbers))), strict=True)
        ids, mask = pad_sources(rows, self.packed.tokens.pad)
        width = ids.shape[1]
        padded = torch.tensor([[*found, *[0] * (width - len(found))] for found in marks])
        labels = np.where(batch.label_mask, self._translate[batch.labels], IGNORED)
        return Tensors(ids, mask, padded, torch.from_numpy(labels), position)

    def sources(self, batch: Batch, example: int) -> tuple[list[NDArray[np.int64]], list[int]]:
        """Rows of ids and the reference number of each."""
        lengths = batch.input_mask[example].sum(-1)
        packed = [row[:length] for row, length in zip(batch.inputs[example], lengths, strict=True) if length]
        if not self.numbered:
            rows = [self._translate[row] for row in packed]
            return rows or [self._around([])], [self.number(row) for row in packed] or [0]
        parts = [self._parts(row) for row in packed]
        asked = parts[0][0] if parts else []
        rows = [self._around(asked), *(self._around([*query, *self.vocabulary.end, *text]) for query, text in parts)]
        return rows, [0, *(self.number(row) for row in packed)]

    def number(self, row: NDArray[np.int64]) -> int:
        """Which reference a packed row is."""
        place = int(np.argmax(row == self.packed.tokens.ref)) + 1
        return self.packed.tokens.marks.index(int(row[place]))

    def _parts(self, row: NDArray[np.int64]) -> tuple[list[int], list[int]]:
        """Query and reference of `[CLS] [title] T [ref] [n] title text [SEP]`."""
        first, ref = (int(np.argmax(row == token)) for token in (self.packed.tokens.title, self.packed.tokens.ref))
        return row[first + 1 : ref].tolist(), row[ref + 2 : -1].tolist()

    def _around(self, body: Sequence[int]) -> NDArray[np.int64]:
        return np.array([*self.vocabulary.start, *body, *self.vocabulary.end], np.int64)


def _translation(packed: PackedSet, vocabulary: Vocabulary) -> NDArray[np.int64]:
    """From ids of the packing to the model's: the control tokens may have other ids there."""
    table = np.arange(1 << 16, dtype=np.int64)
    tokens = packed.tokens
    table[[tokens.title, tokens.ref, *tokens.marks]] = [
        vocabulary.title,
        vocabulary.ref,
        *vocabulary.marks[: len(tokens.marks)],
    ]
    return table


def read_ahead(batches: Iterator[Tensors]) -> Generator[Tensors, None, None]:
    """The same batches, made by a thread while the model works; close it, or the process may end in the middle of one.

    A daemon thread that is in torch when the interpreter goes takes the process down with it (SIGABRT).
    """
    ready: queue.Queue[Tensors | Exception] = queue.Queue(READ_AHEAD)
    stop = threading.Event()

    def fill() -> None:
        try:
            for batch in batches:
                if not _put(ready, batch, stop):
                    return
        except Exception as error:  # noqa: BLE001 - handed to the reader, who raises it
            _put(ready, error, stop)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _put(ready: queue.Queue[Tensors | Exception], item: Tensors | Exception, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.2)
        except queue.Full:
            continue
        return True
    return False
