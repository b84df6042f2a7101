"""Supporting passages by document, and who has which page id, in SQLite: memory does not grow with the dataset."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class SupportTable:
    """Made afresh each time; nothing of an earlier, broken run is kept."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._base = sqlite3.connect(path)
        self._base.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE support (doc TEXT, start INTEGER, stop INTEGER, PRIMARY KEY (doc, start, stop))"
            "WITHOUT ROWID;"
            "CREATE TABLE page (id TEXT PRIMARY KEY, shard INTEGER, place INTEGER) WITHOUT ROWID;"
        )

    def __enter__(self) -> SupportTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def add(self, doc_id: str, start: int, end: int) -> None:
        self._base.execute("INSERT OR IGNORE INTO support VALUES (?, ?, ?)", (doc_id, start, end))

    def of(self, doc_id: str) -> list[tuple[int, int]]:
        """(start, end) of the document's supporting passages, in order."""
        found = self._base.execute("SELECT start, stop FROM support WHERE doc = ? ORDER BY start, stop", (doc_id,))
        return [(int(start), int(end)) for start, end in found]

    def claim(self, page_id: str, shard: int, place: int) -> None:
        """The first page of an id has it; later ones are duplicates."""
        self._base.execute("INSERT OR IGNORE INTO page VALUES (?, ?, ?)", (page_id, shard, place))

    def owns(self, page_id: str, shard: int, place: int) -> bool:
        found = self._base.execute("SELECT shard, place FROM page WHERE id = ?", (page_id,)).fetchone()
        return bool(found == (shard, place))
