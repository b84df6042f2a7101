"""Runs an exported compact writer: numpy and ONNX Runtime, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.writing.compact.card import CROSS, STEP, WriterCard, read_card

Floats = NDArray[np.float32]
TINY = 1e-9


@dataclass(slots=True)
class State:
    """What `beams` beams have read and written so far; see `export` for the shapes."""

    fixed: dict[str, Any]
    source: NDArray[np.int64]
    past_keys: Floats
    past_values: Floats
    length: int = 0

    def keep(self, beams: NDArray[np.int64]) -> None:
        """Go on with these beams, in this order."""
        self.past_keys, self.past_values = self.past_keys[:, beams], self.past_values[:, beams]


class CompactRuntime:
    """The two graphs of a writer's folder; `open` reads them."""

    def __init__(self, card: WriterCard, cross: Any, step: Any) -> None:
        self.card, self._cross, self._step = card, cross, step

    @classmethod
    def open(cls, folder: Path, threads: int | None = None) -> CompactRuntime:
        """Raises ModelNotFound for a folder without a writer."""
        import onnxruntime

        card = read_card(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0  # 0: as many as there are cores
        options.log_severity_level = 3
        sessions = [
            onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
            for name in (CROSS, STEP)
        ]
        return cls(card, *sessions)

    def begin(self, states: Sequence[Floats], rows: Sequence[Sequence[int]], numbers: Sequence[int]) -> State:
        """From the encoder's states (n, dim) of each row, its ids, and its reference number."""
        spread = np.concatenate([np.full(len(row), number) for row, number in zip(rows, numbers, strict=True)])
        inputs = {"states": np.concatenate(states)[None], "numbers": spread.astype(np.int64)}
        names = ["keys", "values", *(["copy_keys"] if self.card.copy else [])]
        fixed = dict(zip(names, self._cross.run(names, inputs), strict=True))
        empty = np.zeros((self.card.layers, 1, self.card.heads, 0, self.card.dim // self.card.heads), np.float32)
        source = np.concatenate([np.asarray(row, np.int64) for row in rows])
        return State(fixed, source, empty, empty)

    def step(self, state: State, ids: Sequence[int]) -> Floats:
        """Log-probabilities (beams, vocabulary) of the token after `ids`, one id a beam; the state moves on."""
        inputs = {
            "ids": np.array(ids, np.int64)[:, None],
            "position": np.array([state.length], np.int64),
            "past_keys": state.past_keys,
            "past_values": state.past_values,
            **state.fixed,
        }
        names = ["logits", "new_keys", "new_values", *(["copies", "gate"] if self.card.copy else [])]
        logits, state.past_keys, state.past_values, *copying = self._step.run(names, inputs)
        state.length += 1
        return _copy(logits[:, 0], copying, state.source) if copying else _log_softmax(logits[:, 0])


def _copy(logits: Floats, copying: list[Floats], source: NDArray[np.int64]) -> Floats:
    """The mixture of generating and copying (see `webbrain.writing.fid.copying`)."""
    copies, gate = copying[0][:, 0], copying[1][:, 0]
    mixed: Floats = gate * np.exp(_log_softmax(logits))
    for row, attention in zip(mixed, (1 - gate) * copies, strict=True):
        np.add.at(row, source, attention)
    found: Floats = np.log(np.maximum(mixed, TINY))
    return found


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(-1, keepdims=True)
    found: Floats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return found
