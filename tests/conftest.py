"""Fixtures that any test may use."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.building import build_index, write_corpus
from webbrain.store.index import Index


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[..., Path]:
    """`make_corpus(rows, name=...)` -> the path of a corpus file."""
    return lambda rows, name="corpus.jsonl": write_corpus(tmp_path / "corpora" / name, rows)


@pytest.fixture
def make_index(tmp_path: Path) -> Callable[..., Index]:
    """`make_index(rows, **settings)` -> an open index in a folder of its own, without vectors unless asked for."""
    numbers = count()
    return lambda rows, **settings: build_index(tmp_path / f"made-{next(numbers)}", rows, **settings)
