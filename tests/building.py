"""Small corpora and indexes for any test."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.store.index import Index

Row = dict[str, Any] | str


def write_corpus(path: Path, rows: Iterable[Row]) -> Path:
    """A `.jsonl` corpus; a string is a document's text, and its place its id."""
    documents = [{"id": str(n), "text": row} if isinstance(row, str) else row for n, row in enumerate(rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in documents), encoding="utf-8")
    return path


def build_index(folder: Path, rows: Iterable[Row], *, threads: int = 1, **settings: Any) -> Index:
    """An index of the rows in `folder / "index"`, without vectors unless `encoder` is given."""
    corpus = write_corpus(folder / "corpus.jsonl", rows)
    build(corpus, folder / "index", BuildSettings(**{"encoder": None, **settings}), threads=threads)
    return Index.open(folder / "index")


@contextmanager
def temporary_index(rows: Iterable[Row], **settings: Any) -> Iterator[Index]:
    with TemporaryDirectory() as folder:
        yield build_index(Path(folder), rows, **settings)
