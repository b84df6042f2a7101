"""The disk is full from some flush on: the old index stands, and the same command goes on once there is room."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexing.build import build
from indexing.compact import compact
from indexing.settings import BuildSettings
from indexing.update import add, remove, update
from tests.building import write_corpus
from webbrain.errors import IndexNotWritten
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.verify import verify

POINTS = 10  # of each change
SETTINGS = BuildSettings(encoder=None, shard_passages=3)
ROWS = [
    {"id": str(n), "text": f"Text {n} about {word}."} for n, word in enumerate("dogs cats birds fish stars".split())
]
NEW = [*ROWS[1:4], {"id": "4", "text": "Other words."}, {"id": "6", "text": "Text 1 ABOUT cats."}]
CHANGES: dict[str, Callable[[Path, Path], Any]] = {
    "build": lambda corpus, output: build(corpus, output, SETTINGS),
    "add": add,
    "update": update,
    "remove": lambda corpus, output: remove(output, ["0", "1", "3"], ignore_missing=True),
    "compact": lambda corpus, output: compact(output),
}


class Disk:
    """Counts flushes, and is full from flush number `full` on."""

    def __init__(self, patch: pytest.MonkeyPatch, full: int = 0) -> None:
        self.flushes, self.full = 0, full
        self._flush = os.fsync
        patch.setattr(os, "fsync", self.flush)

    def flush(self, handle: int) -> None:
        self.flushes += 1
        if self.full and self.flushes >= self.full:
            raise OSError(28, "No space left on device")
        self._flush(handle)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus and an index of another, which has had documents removed."""
    folder = tmp_path_factory.mktemp("start")
    build(write_corpus(folder / "c.jsonl", [*ROWS, {"id": "5", "text": "To go."}]), folder / "i", SETTINGS)
    remove(folder / "i", ["5"])
    write_corpus(folder / "c.jsonl", NEW)
    return folder


@pytest.mark.parametrize("name", CHANGES)
def test_the_disk_is_full(name: str, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change = CHANGES[name]
    shutil.copytree(start, tmp_path / "unbroken")
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        change(tmp_path / "unbroken/c.jsonl", tmp_path / "unbroken/i")
    old, expected = Index.open(start / "i").manifest, Index.open(tmp_path / "unbroken/i").manifest
    assert expected.files != old.files
    for point in random.Random(name).sample(range(1, disk.flushes), min(POINTS, disk.flushes - 1)):
        folder = tmp_path / str(point)
        shutil.copytree(start, folder)
        with monkeypatch.context() as patch:
            Disk(patch, point)
            with pytest.raises(IndexNotWritten, match=r"No space left.*run the same command"):
                change(folder / "c.jsonl", folder / "i")
        assert Index.open(folder / "i").manifest.files in (old.files, expected.files)
        change(folder / "c.jsonl", folder / "i")
        assert Index.open(folder / "i").manifest.files == expected.files
        assert verify(folder / "i", full=True) == []


def test_there_is_room_for_the_log_of_the_state_but_not_for_the_state(start: Path, tmp_path: Path) -> None:
    """SQLite says nothing when it closes a database whose log it could not write into it."""
    resource = pytest.importorskip("resource")
    build_of = Index.open(start / "i").build
    size = (build_of / layout.STATE).stat().st_size
    failed = 0
    for room in range(size, size + (17 << 12), 1 << 12):
        folder = tmp_path / str(room)
        shutil.copytree(start, folder)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            remove(folder / "i", ["0"])
        except IndexNotWritten:
            failed += 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        remove(folder / "i", ["0"], ignore_missing=True)
        assert verify(folder / "i", full=True) == []
        index = Index.open(folder / "i")
        assert {index.passage(row).doc_id for row in index.live_rows()} == {"1", "2", "3", "4"}
    assert 0 < failed < 17
