"""Small corpora and indexes for any test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.store.index import Index

MakeIndex = Callable[..., Index]


def write_corpus(path: Path, rows: Iterable[dict[str, Any] | str]) -> Path:
    """A `.jsonl` corpus; a string is a document's text, and its place its id."""
    documents = [{"id": str(n), "text": row} if isinstance(row, str) else row for n, row in enumerate(rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in documents), encoding="utf-8")
    return path


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[..., Path]:
    """`make_corpus(rows, name=...)` -> the path of a corpus file."""
    return lambda rows, name="corpus.jsonl": write_corpus(tmp_path / "corpora" / name, rows)


@pytest.fixture
def make_index(tmp_path: Path, make_corpus: Callable[..., Path]) -> MakeIndex:
    """`make_index(rows, **settings)` -> an open index in a folder of its own, without vectors unless asked for."""
    count = 0

    def make(rows: Iterable[dict[str, Any] | str], **settings: Any) -> Index:
        nonlocal count
        count += 1
        folder = tmp_path / f"index-{count}"
        build(make_corpus(rows, f"{count}.jsonl"), folder, BuildSettings(**{"encoder": None, **settings}))
        return Index.open(folder)

    return make
