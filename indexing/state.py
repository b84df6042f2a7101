"""What an index remembers of its documents, so that a later change costs only what is new; and what a running one did.

Every document is a page: kept, with a place in a shard, or folded into an earlier page that says the same (then its
text is here, so that it can come back when that page goes). A record of the corpus is known by the digest of its
bytes: met again unchanged, it is neither cleaned nor cut nor encoded. Nothing is durable before `commit`, which takes
what a shard changed and the shard's receipt together: after a kill both are there, or neither.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.types import Document

from .duplicates import Fingerprint, KeyFilter
from .files import sync_file
from .pages import Folded, KnownRecord, NewPage, Page, Pass, Place, pack
from .read import Reject
from .receipts import Receipt

MAX_WAITING = 1000  # pages added and not yet written
THRESHOLD = 0.9  # estimated Jaccard similarity from which two texts are one page

# `place` orders the documents of the index; `seen` is a document's place as the running pass finds it.
_PAGES = """(number INTEGER PRIMARY KEY, place INTEGER, doc_id TEXT, record BLOB, content BLOB, shard INTEGER,
document INTEGER, same_as INTEGER, folded BLOB, exact INTEGER, numbers INTEGER, signature BLOB, seen INTEGER,
doubtful INTEGER)"""
_TABLES = f"""
CREATE TABLE IF NOT EXISTS {{0}}pages {_PAGES};
CREATE TABLE IF NOT EXISTS {{0}}bands (folded INTEGER, key INTEGER, number INTEGER, PRIMARY KEY (folded, key, number))
WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {{0}}records (key BLOB PRIMARY KEY, pages INTEGER, rejects TEXT, seen INTEGER) WITHOUT ROWID;
"""
_BY_ID = "CREATE UNIQUE INDEX IF NOT EXISTS {0}by_id ON pages (doc_id);"
_BY_EXACT = "CREATE INDEX IF NOT EXISTS {0}by_exact ON pages (exact, same_as);"
_INDEXES = f"""
{_BY_ID}
CREATE INDEX IF NOT EXISTS {{0}}by_record ON pages (record);
{_BY_EXACT}
CREATE INDEX IF NOT EXISTS {{0}}by_same ON pages (same_as) WHERE same_as IS NOT NULL;
"""
_STAGE = """
CREATE TABLE IF NOT EXISTS receipts (number INTEGER PRIMARY KEY, receipt TEXT);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS rejects (number INTEGER PRIMARY KEY, line TEXT);
CREATE TABLE IF NOT EXISTS deleted (shard INTEGER, document INTEGER, PRIMARY KEY (shard, document)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS superseded (record BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_ADD_PAGE = (
    "INSERT INTO pages (number, place, doc_id, record, content, shard, document, same_as, folded, exact, numbers, "
    "signature, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADD_BAND = "INSERT OR IGNORE INTO bands VALUES (?, ?, ?)"
_ADD_RECORD = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, 1)"
_COLUMNS = "number, place, doc_id, record, content, shard, document, same_as, exact, numbers, signature, seen, doubtful"


class State:
    """The pages of an index in an SQLite file. `ordered` says whether the running pass sees all of them in their order
    (build, update), or only adds behind them (add, remove)."""

    def __init__(self, path: Path, *, ordered: bool = True) -> None:
        self.ordered = ordered
        self._connection = sqlite3.connect(path)
        self._new_pages: list[tuple[Any, ...]] = []
        self._new_bands: list[tuple[bool, int, int]] = []
        self._new_records: list[tuple[bytes, int, str | None]] = []
        self._last: int | None = None  # the highest number of a page, where it is known
        self._database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;"
            + _TABLES.format("")
            + _STAGE
        )
        # Of a state that is new all keys come by here, so that most need not be looked for, nor indexed before one has.
        self._filter = None if self._one("SELECT 1 FROM pages LIMIT 1") else KeyFilter()
        self._indexes: set[str] = set()
        if self._filter is None:
            self._connection.executescript(_INDEXES.format(""))
        self._kept = "same_as IS NULL AND seen IS NOT NULL" if ordered else "same_as IS NULL"

    @property
    def _database(self) -> sqlite3.Connection:
        """The file, with all that was added: what is added waits till somebody asks, or there is much of it."""
        self._write_waiting()
        return self._connection

    def _index(self, statement: str) -> None:
        """Make an index of a new state, now that something is looked for by it."""
        if statement not in self._indexes:
            self._run(statement.format(""))
            self._indexes.add(statement)

    def _write_waiting(self) -> None:
        self._new_bands.sort()  # as their table is
        waiting: tuple[list[Any], ...] = (self._new_pages, self._new_bands, self._new_records)
        for rows, statement in zip(waiting, (_ADD_PAGE, _ADD_BAND, _ADD_RECORD), strict=True):
            if rows:
                self._connection.executemany(statement, rows)
                rows.clear()

    def commit(self) -> None:
        self._database.commit()

    def begin(self) -> None:
        """A pass that has seen nothing yet."""
        self._run("UPDATE pages SET seen = NULL")

    def write_out(self) -> None:
        """Put what was committed into the one file, beside which a log holds it till then; `close` tries that as well,
        and says nothing when the disk is too full for it."""
        self.commit()
        busy, logged, written = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy or logged != written:
            raise sqlite3.OperationalError("the log could not be written into the database")

    def close(self) -> None:
        """What was not committed is forgotten."""
        self._connection.close()

    # How far the pass has come

    def receipts(self) -> list[Receipt]:
        rows = self._database.execute("SELECT receipt FROM receipts ORDER BY number")
        return [Receipt.from_json(json.loads(text)) for (text,) in rows]

    def add_receipt(self, shard: int, receipt: Receipt) -> None:
        self._run("INSERT INTO receipts VALUES (?, ?)", shard, json.dumps(asdict(receipt)))

    def progress(self) -> Pass:
        """Where the pass stands; a new one begins behind the pages there are, or sees them all again."""
        found = self._one("SELECT value FROM progress WHERE id = 0")
        if found is not None:
            return Pass(**json.loads(found[0]))
        (behind,) = self._database.execute("SELECT coalesce(max(place), -1) + 1 FROM pages").fetchone()
        return Pass(next_place=0 if self.ordered else behind)

    def save_progress(self, progress: Pass) -> None:
        self._run("INSERT OR REPLACE INTO progress VALUES (0, ?)", json.dumps(asdict(progress)))

    # Records of the corpus

    def known(self, keys: tuple[bytes, bytes]) -> KnownRecord | None:
        """What the unchanged record of either key gave; None when it has to be cleaned."""
        for key in keys:
            found = self._one("SELECT pages, rejects FROM records WHERE key = ? AND seen IS NULL", key)
            if found is not None:
                pages = list(self._pages("record = ? ORDER BY place", key))
                if len(pages) == found[0]:  # otherwise one of them was removed, or another record has its id now
                    return KnownRecord(key, pages, [Reject(**reject) for reject in json.loads(found[1] or "[]")])
        return None

    def see_record(self, key: bytes) -> None:
        """The pass met the record; where it comes again, it is cleaned."""
        self._run("UPDATE records SET seen = 1 WHERE key = ?", key)

    def remember_record(self, key: bytes, pages: int, rejects: list[Reject]) -> None:
        """All that the record gave is in the index or among the rejects."""
        text = json.dumps([asdict(reject) for reject in rejects]) if rejects else None
        self._new_records.append((key, pages, text))

    def forget_record(self, key: bytes) -> None:
        self._run("DELETE FROM records WHERE key = ?", key)

    def add_reject(self, reject: Reject) -> None:
        self._run("INSERT INTO rejects (line) VALUES (?)", json.dumps(asdict(reject), ensure_ascii=True))

    def rejects(self) -> Iterator[str]:
        return (line for (line,) in self._database.execute("SELECT line FROM rejects ORDER BY number"))

    # Pages

    def page(self, doc_id: str) -> Page | None:
        if self._filter is not None and not self._filter.among([hash(doc_id)]):
            return None
        self._index(_BY_ID)
        return next(self._pages("doc_id = ?", doc_id), None)

    def pages(self) -> Iterator[Page]:
        """All, in the order of the index."""
        return self._pages("1 ORDER BY coalesce(seen, place)")

    def add(self, page: NewPage, lies: Place | Folded) -> None:
        """A new page, seen at its place; it lies at (shard, document), or is folded into another."""
        shard, document, same_as, text = (*lies, None, None) if isinstance(lies, tuple) else (None, None, *lies.row())
        print_ = page.fingerprint
        signature = None if print_ is None or print_.signature is None else print_.signature.tobytes()
        exact, numbers = (None, None) if print_ is None else (print_.exact, print_.numbers)
        values = (page.place, page.doc_id, page.record, page.content, shard, document, same_as, text)
        number = self._next_number()
        self._new_pages.append((number, *values, exact, numbers, signature, page.place))
        if len(self._new_pages) >= MAX_WAITING:
            self._write_waiting()
        if self._filter is not None:
            self._filter.add([hash(page.doc_id)] if exact is None else [hash(page.doc_id), exact])
        self._add_bands(number, print_, folded=same_as is not None)

    def _next_number(self) -> int:
        """One more than the highest, as SQLite gives numbers."""
        if self._last is None:
            (self._last,) = self._database.execute("SELECT coalesce(max(number), 0) FROM pages").fetchone()
        self._last += 1
        return self._last

    def put(self, page: Page, shard: int, document: int) -> None:
        """A folded page is kept from now on, and lies there."""
        self._run(
            "UPDATE pages SET shard = ?, document = ?, same_as = NULL, folded = NULL WHERE number = ?",
            shard,
            document,
            page.number,
        )
        self._drop_bands(page, folded=True)
        self._add_bands(page.number, page.fingerprint, folded=False)

    def fold(self, page: Page, into: Folded) -> None:
        """The page is folded into another from now on."""
        same_as, text = into.row()
        if page.same_as is not None:
            self._run("UPDATE pages SET same_as = ? WHERE number = ?", same_as, page.number)
            return
        self.delete_rows(page)
        self._run(
            "UPDATE pages SET same_as = ?, folded = ?, shard = NULL, document = NULL WHERE number = ?",
            same_as,
            text,
            page.number,
        )
        self._drop_bands(page, folded=False)
        self._add_bands(page.number, page.fingerprint, folded=True)

    def folded(self, page: Page) -> Document | None:
        """A folded page's document; None where its text was not kept (by format 1)."""
        found = self._one("SELECT folded FROM pages WHERE number = ?", page.number)
        row = json.loads(zlib.decompress(found[0])) if found else {}
        return Document(page.doc_id, **row) if "text" in row else None

    def set_folded(self, document: Document) -> None:
        """The text of a folded page that was added without it."""
        self._index(_BY_ID)
        self._run("UPDATE pages SET folded = ? WHERE doc_id = ?", pack(document), document.doc_id)

    def see(self, page: Page, place: int, record: bytes) -> None:
        """The pass met the page, at that place and in that record."""
        self._run("UPDATE pages SET seen = ?, record = ?, doubtful = NULL WHERE number = ?", place, record, page.number)

    def delete_rows(self, page: Page) -> None:
        """What the page has in its shard is dead."""
        if page.shard is not None:
            self._run("INSERT OR IGNORE INTO deleted VALUES (?, ?)", page.shard, page.document)

    def remove(self, page: Page) -> None:
        """The page is gone, and its rows are dead."""
        self.delete_rows(page)
        self._drop_bands(page, folded=page.same_as is not None)
        self._run("DELETE FROM pages WHERE number = ?", page.number)
        self._last = None

    def supersede(self, record: bytes) -> None:
        """Another record took a document of this one: its other documents go too, unless the pass meets them."""
        self._run("INSERT OR IGNORE INTO superseded VALUES (?)", record)

    def gone(self) -> Iterator[Page]:
        """Pages that the pass should have met and did not."""
        which = "" if self.ordered else " AND record IN (SELECT record FROM superseded)"
        yield from self._numbers(f"seen IS NULL{which}")

    def orphans(self) -> Iterator[Page]:
        """Folded pages whose page is gone, in order; those that are put or folded anew meanwhile do not come again."""
        yield from self._numbers("same_as IS NOT NULL AND same_as NOT IN (SELECT number FROM pages)")

    def deleted(self) -> dict[int, list[int]]:
        """The documents that this pass deleted, by shard."""
        found: dict[int, list[int]] = {}
        for shard, document in self._database.execute("SELECT shard, document FROM deleted ORDER BY shard, document"):
            found.setdefault(shard, []).append(document)
        return found

    def move(self, shards: Sequence[int], to: Callable[[int, int], Place]) -> None:
        """The documents of some shards lie elsewhere now: `to(shard, document)` says where."""
        self._run("CREATE INDEX IF NOT EXISTS by_shard ON pages (shard)")
        marks = ",".join("?" * len(shards))
        rows = self._database.execute(f"SELECT number, shard, document FROM pages WHERE shard IN ({marks})", shards)
        moved = [(*to(shard, document), number) for number, shard, document in rows.fetchall()]
        self._database.executemany("UPDATE pages SET shard = ?, document = ? WHERE number = ?", moved)

    def remember_places(self) -> None:
        """Note where all pages lie, before they are cut anew and their numbers of shards mean something else."""
        self._run("CREATE TABLE IF NOT EXISTS origin (shard, document, number, PRIMARY KEY (shard, document))")
        self._run("INSERT OR IGNORE INTO origin SELECT shard, document, number FROM pages WHERE shard IS NOT NULL")

    def move_one(self, origin: Place, to: Place) -> None:
        """The page that lay at `origin` when `remember_places` was called lies elsewhere now."""
        self._run(
            "UPDATE pages SET shard = ?, document = ? "
            "WHERE number = (SELECT number FROM origin WHERE shard = ? AND document = ?)",
            *to,
            *origin,
        )

    # Pages that say the same

    def first_same(self, print_: Fingerprint) -> int | None:
        """The first kept page with the same text, or else nearly the same; None when there is none."""
        order = "seen" if self.ordered else "coalesce(seen, place)"
        if self._filter is None or self._filter.among([print_.exact]):
            self._index(_BY_EXACT)
            query = f"SELECT number FROM pages WHERE exact = ? AND {self._kept} ORDER BY {order} LIMIT 1"
            found = self._one(query, print_.exact)
            if found:
                return int(found[0])
        return next(self._near(print_, f"{self._kept} ORDER BY {order}", (0,)), None)

    def doubt(self, print_: Fingerprint) -> None:
        """A page like this came or moved: what was decided about those like it, and not met yet, may not hold."""
        rows = self._database.execute("SELECT number FROM pages WHERE exact = ? AND seen IS NULL", (print_.exact,))
        numbers = [number for (number,) in rows]
        numbers += self._near(print_, "seen IS NULL", (0, 1))
        self._database.executemany("UPDATE pages SET doubtful = 1 WHERE number = ?", [(n,) for n in numbers])

    def stands(self, number: int) -> bool:
        """Whether the page is kept, as far as the pass has come."""
        return self._one(f"SELECT 1 FROM pages WHERE number = ? AND {self._kept}", number) is not None

    def _near(self, print_: Fingerprint, which: str, folded: tuple[int, ...]) -> Iterator[int]:
        if print_.signature is None:
            return
        keys = print_.bands if self._filter is None else self._filter.among(print_.bands)
        if not keys:
            return
        marks, sides = ",".join("?" * len(keys)), ",".join(map(str, folded))
        candidates = self._database.execute(
            "SELECT number, signature FROM pages WHERE number IN "
            f"(SELECT number FROM bands WHERE folded IN ({sides}) AND key IN ({marks})) AND numbers = ? AND {which}",
            (*keys, print_.numbers),
        )
        for number, signature in candidates:
            if np.mean(np.frombuffer(signature, np.uint32) == print_.signature) >= THRESHOLD:
                yield number

    def _add_bands(self, number: int, print_: Fingerprint | None, *, folded: bool) -> None:
        if print_ is None:
            return
        keys = print_.bands
        if self._filter is not None:
            self._filter.add(keys)
        self._new_bands += [(folded, key, number) for key in keys]

    def _drop_bands(self, page: Page, *, folded: bool) -> None:
        rows = [] if page.fingerprint is None else [(folded, key, page.number) for key in page.fingerprint.bands]
        self._database.executemany("DELETE FROM bands WHERE folded = ? AND key = ? AND number = ?", rows)

    # Sums and the file that the index keeps

    def totals(self) -> tuple[int, int]:
        """(kept, folded) pages."""
        return tuple(self._database.execute("SELECT count(*) - count(same_as), count(same_as) FROM pages").fetchone())

    def aliases(self) -> Iterator[dict[str, str]]:
        """Folded pages in order: {"same_as", "doc_id", "title", "url"}."""
        rows = self._database.execute(
            "SELECT kept.doc_id, page.doc_id, page.folded FROM pages page "
            "JOIN pages kept ON kept.number = page.same_as ORDER BY coalesce(page.seen, page.place)"
        )
        for same_as, doc_id, folded in rows:
            head = json.loads(zlib.decompress(folded))
            yield {"same_as": same_as, "doc_id": doc_id, "title": head["title"], "url": head["url"]}

    def export(self, path: Path) -> None:
        """The pages and records alone, in a file that is the same whatever kills the pass went through."""
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        self._database.execute("ATTACH ? AS kept", (str(path),))
        try:
            self._database.executescript(
                "PRAGMA kept.journal_mode = OFF; PRAGMA kept.synchronous = OFF;" + _TABLES.format("kept.")
            )
            self._database.executescript(_EXPORT.format("WHERE seen IS NOT NULL" if self.ordered else ""))
            self._database.executescript(_INDEXES.format("kept."))
        finally:
            self._database.execute("DETACH kept")
        sync_file(path)

    def _pages(self, which: str, *values: Any) -> Iterator[Page]:
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM pages WHERE {which}", values)
        return map(_page, rows)

    def _numbers(self, which: str) -> Iterator[Page]:
        """Pages looked up one by one, so that they may be changed meanwhile."""
        rows = self._database.execute(f"SELECT number FROM pages WHERE {which} ORDER BY coalesce(seen, place)")
        for (number,) in rows.fetchall():
            yield from self._pages("number = ?", number)

    def _one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return found

    def _run(self, statement: str, *values: Any) -> None:
        self._database.execute(statement, values)


_UNSAFE = "PRAGMA kept.journal_mode = OFF; PRAGMA kept.synchronous = OFF;"
_EXPORT = """
BEGIN;
INSERT INTO kept.pages SELECT number, coalesce(seen, place), doc_id, record, content, shard, document, same_as, folded,
exact, numbers, signature, NULL, NULL FROM pages ORDER BY number;
INSERT INTO kept.bands SELECT folded, key, number FROM bands ORDER BY folded, key, number;
INSERT INTO kept.records SELECT key, pages, rejects, NULL FROM records {0} ORDER BY key;
COMMIT;
"""


def _page(row: tuple[Any, ...]) -> Page:
    number, place, doc_id, record, content, shard, document, same_as, exact, numbers, signature, seen, doubtful = row
    print_ = None
    if exact is not None:
        print_ = Fingerprint(exact, numbers, None if signature is None else np.frombuffer(signature, np.uint32))
    lies = (shard, document, same_as)
    return Page(number, place, doc_id, record, content, *lies, print_, seen, bool(doubtful))
