"""Where the development data lies, and how its files are read. Nothing of it is copied into the project."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
CACHE = ROOT / ".bench"
RETRIEVAL_SETS = {
    "scifact": DATA / "retrieval/scifact",
    "cranfield": DATA / "retrieval/cranfield",
    "cisi": DATA / "retrieval/cisi",
    "med": DATA / "retrieval/med",
    "squad1.1_train": DATA / "squad1.1_train",
}


def require_data() -> None:
    """Stop with one sentence where the data is absent."""
    if not DATA.is_dir():
        sys.exit(f"the development data is not at {DATA}; benchmarks need it")


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
