"""A shard's passages are encoded while they come: in order, not too far behind, and from where a killed run stood."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from indexing.vectors import AHEAD, BLOCK, PART, VectorsWriter
from webbrain.protocols import Vectors
from webbrain.store import layout
from webbrain.store.vectors import open_vectors


class Counter:
    """An encoder whose vectors are numbers that the texts spell; `open` lets it work, `broken` makes it fail."""

    dim = 2

    def __init__(self, *, broken: bool = False) -> None:
        self.open, self.broken = Event(), broken
        self.open.set()
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        assert self.open.wait(20)
        if self.broken:
            raise OSError("no space left")
        self.texts.extend(texts)
        return np.array([[int(text), 1] for text in texts], np.float32)


def add(writer: VectorsWriter, numbers: range) -> None:
    for number in numbers:
        writer.add(str(number))


def written(folder: Path, count: int) -> list[float]:
    vectors = open_vectors(folder / layout.VECTORS.format(0), count, Counter.dim)
    assert not (folder / PART.format(0)).exists()
    return [float(vectors.reconstruct(row)[0]) for row in range(count)]


@pytest.mark.parametrize("count", [0, 1, BLOCK, 2 * BLOCK + 3])
def test_vectors_stand_in_the_order_of_the_passages(tmp_path: Path, count: int) -> None:
    told: list[tuple[int, int]] = []
    writer = VectorsWriter(tmp_path, 0, Counter(), lambda done, brought: told.append((done, brought)))
    add(writer, range(count))
    writer.finish()
    writer.close()
    assert written(tmp_path, count) == list(range(count))
    assert [done for done, _ in told] == sorted({*range(BLOCK, count + 1, BLOCK), *([count] if count else [])})
    assert all(done <= brought <= count for done, brought in told)


def test_passages_are_encoded_before_the_last_has_come(tmp_path: Path) -> None:
    first = Event()
    encoder = Counter()
    writer = VectorsWriter(tmp_path, 0, encoder, lambda *_: first.set())
    add(writer, range(BLOCK))
    assert first.wait(20)
    writer.close()


def test_who_brings_passages_waits_for_an_encoder_that_lags(tmp_path: Path) -> None:
    encoder = Counter()
    encoder.open.clear()
    writer = VectorsWriter(tmp_path, 0, encoder)
    add(writer, range((AHEAD + 1) * BLOCK))  # one block in work, and those that may wait
    put = writer._blocks.put
    tried = Event()

    def told(block: list[str] | None, timeout: float) -> None:
        tried.set()
        encoder.open.set()
        put(block, timeout=20)

    assert writer._blocks.full()
    writer._blocks.put = told  # type: ignore[method-assign, assignment]
    add(writer, range((AHEAD + 1) * BLOCK, (AHEAD + 2) * BLOCK))
    assert tried.is_set()
    writer.finish()
    assert written(tmp_path, (AHEAD + 2) * BLOCK) == list(range((AHEAD + 2) * BLOCK))


def test_what_the_encoder_fails_with_is_raised(tmp_path: Path) -> None:
    writer = VectorsWriter(tmp_path, 0, Counter(broken=True))
    add(writer, range(3))
    with pytest.raises(OSError, match="no space left"):
        writer.finish()
    writer.close()
    many = VectorsWriter(tmp_path, 1, Counter(broken=True))
    with pytest.raises(OSError, match="no space left"):
        add(many, range((AHEAD + 3) * BLOCK))
    many.close()
    assert not (tmp_path / layout.VECTORS.format(0)).exists()


def test_a_closed_run_is_gone_on_with_after_its_last_whole_block(tmp_path: Path) -> None:
    done = Event()
    writer = VectorsWriter(tmp_path, 0, Counter(), lambda *_: done.set())
    add(writer, range(BLOCK + 7))
    assert done.wait(20)
    writer.close()
    with (tmp_path / PART.format(0)).open("ab") as part:
        part.write(b"half a row")
    encoder = Counter()
    again = VectorsWriter(tmp_path, 0, encoder)
    add(again, range(BLOCK + 7))
    again.finish()
    assert written(tmp_path, BLOCK + 7) == list(range(BLOCK + 7))
    assert encoder.texts == [str(number) for number in range(BLOCK, BLOCK + 7)]


def test_a_shard_that_stayed_empty_leaves_no_file(tmp_path: Path) -> None:
    VectorsWriter(tmp_path, 0, Counter()).close()
    assert list((tmp_path / "dense").iterdir()) == []
