"""Token states of passages from a frozen encoder, made once and kept on disk, so that an epoch costs no encoding.

`states.f16` holds the states of all passages one behind the other, `tokens.i4` their ids, `sizes.u4` the number of
tokens of each passage, written last: a killed run goes on behind the last whole passage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.encoder import OnnxEncoder
from webbrain.encoding.sparse import cut_tokens
from webbrain.training.retriever.triples import PassageTexts

BLOCK = 64  # passages between two flushes
FILES = {"states.f16": "<f2", "tokens.i4": "<i4", "sizes.u4": "<u4"}


@dataclass(frozen=True, slots=True)
class Padded:
    """A batch: `states` float32 (n, longest, dim), `ids` int64 (n, longest), `mask` bool (n, longest)."""

    states: NDArray[np.float32]
    ids: NDArray[np.int64]
    mask: NDArray[np.bool_]


class StateCache:
    """States of the passages named in `ids`, in the folder given."""

    def __init__(self, folder: Path, ids: Sequence[str], dim: int) -> None:
        self.folder, self.ids, self.dim = folder, ids, dim
        self._numbers = {passage_id: number for number, passage_id in enumerate(ids)}
        self._open()

    @property
    def done(self) -> int:
        return len(self._starts) - 1

    def fill(self, texts: PassageTexts, encoder: OnnxEncoder, limit: int) -> Iterator[int]:
        """Encode what is missing, cut to `limit` tokens; yields the number of each passage."""
        for begin in range(self.done, len(self.ids), BLOCK):
            chunk = [texts[passage_id] for passage_id in self.ids[begin : begin + BLOCK]]
            tokens = [cut_tokens(ids, limit) for ids in encoder.token_ids(chunk)]
            states = [encoder.encode_ids(ids) for ids in tokens]
            self._append("states.f16", np.concatenate(states))
            self._append("tokens.i4", np.concatenate(tokens))
            self._append("sizes.u4", np.array([len(ids) for ids in tokens]))
            yield from range(begin, begin + len(chunk))
        self._open()

    def tokens(self, row: int) -> NDArray[np.int32]:
        """The token ids of a passage by its number."""
        return self._tokens[int(self._starts[row]) : int(self._starts[row + 1])]

    def batch(self, passage_ids: Sequence[str]) -> Padded:
        rows = [self._numbers[passage_id] for passage_id in passage_ids]
        spans = [slice(int(self._starts[row]), int(self._starts[row + 1])) for row in rows]
        longest = max(span.stop - span.start for span in spans)
        states = np.zeros((len(rows), longest, self.dim), np.float32)
        ids = np.zeros((len(rows), longest), np.int64)
        mask = np.zeros((len(rows), longest), bool)
        for place, span in enumerate(spans):
            size = span.stop - span.start
            states[place, :size] = self._states[span]
            ids[place, :size] = self._tokens[span]
            mask[place, :size] = True
        return Padded(states, ids, mask)

    def _open(self) -> None:
        """Map what is there, cut to whole passages; a folder of other passages is begun anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = self.folder / "passages.json"
        wanted = {"ids": list(self.ids), "dim": self.dim}
        if not facts.exists() or json.loads(facts.read_text(encoding="utf-8")) != wanted:
            for name in FILES:
                (self.folder / name).unlink(missing_ok=True)
            facts.write_text(json.dumps(wanted), encoding="utf-8")
        sizes = self._read("sizes.u4")
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        total = int(self._starts[-1])
        self._cut("states.f16", total * self.dim)
        self._cut("tokens.i4", total)
        self._states = self._read("states.f16").reshape(-1, self.dim)
        self._tokens = self._read("tokens.i4")

    def _read(self, name: str) -> NDArray[Any]:
        path = self.folder / name
        if not path.exists() or path.stat().st_size == 0:
            return np.zeros(0, FILES[name])
        return np.memmap(path, FILES[name], "r", shape=(path.stat().st_size // np.dtype(FILES[name]).itemsize,))

    def _cut(self, name: str, values: int) -> None:
        path = self.folder / name
        if path.exists():
            with path.open("r+b") as file:
                file.truncate(values * np.dtype(FILES[name]).itemsize)

    def _append(self, name: str, values: NDArray[Any]) -> None:
        with (self.folder / name).open("ab") as file:
            file.write(np.ascontiguousarray(values, FILES[name]).tobytes())
            file.flush()
