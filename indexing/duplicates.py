"""Exact and near-duplicate documents, found with bounded memory and kept on disk so that a build can go on.

MinHash (Broder, 1997) over word 5-shingles, locality-sensitive bands to find candidates, then the estimated Jaccard
similarity of the signatures. Two texts whose numbers differ are two documents, however alike: templated pages (results
of two seasons, two years of a report) differ in just that.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

PERMUTATIONS = 128
BANDS = 16
BLOCK = 512  # shingles hashed at once: what fits the processor's cache
SHINGLE_WORDS = 5
MAX_REMEMBERED = 500_000  # words whose hashes are kept in memory
MIN_WORDS = 30  # shorter texts fold only when equal
_WORD = re.compile(r"\w+")
_MERSENNE = np.uint64((1 << 61) - 1)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (row INTEGER PRIMARY KEY, doc_id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS signatures (row INTEGER PRIMARY KEY, exact INTEGER, numbers INTEGER, signature BLOB);
CREATE INDEX IF NOT EXISTS by_exact ON signatures (exact);
CREATE TABLE IF NOT EXISTS bands (key INTEGER, row INTEGER);
CREATE INDEX IF NOT EXISTS by_key ON bands (key);
CREATE INDEX IF NOT EXISTS by_row ON bands (row);
"""


class DuplicateFinder:
    """The documents kept so far, by row, in an SQLite file. Nothing is durable before `commit`."""

    def __init__(self, path: Path, threshold: float = 0.9) -> None:
        self.threshold = threshold
        self._database = sqlite3.connect(path)
        self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _SCHEMA)
        self._last: tuple[str, Fingerprint] | None = None

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM documents").fetchone()[0])

    def find(self, text: str | Fingerprint) -> int | None:
        """The first row with the same text, or nearly; None when there is none."""
        print_ = self._fingerprint(text)
        query = "SELECT min(row) FROM signatures WHERE exact = ?"
        row = self._database.execute(query, (print_.exact,)).fetchone()[0]
        if row is not None or print_.signature is None:
            return None if row is None else int(row)
        keys = print_.bands
        marks = ",".join("?" * len(keys))
        candidates = self._database.execute(
            f"SELECT DISTINCT s.row, s.signature FROM bands b JOIN signatures s ON s.row = b.row "
            f"WHERE b.key IN ({marks}) AND s.numbers = ? ORDER BY s.row",
            (*keys, print_.numbers),
        )
        for row, signature in candidates:
            if np.mean(np.frombuffer(signature, np.uint32) == print_.signature) >= self.threshold:
                return int(row)
        return None

    def add(self, row: int, text: str | Fingerprint) -> None:
        """Remember a kept document's text."""
        print_ = self._fingerprint(text)
        blob = None if print_.signature is None else print_.signature.tobytes()
        values = (row, print_.exact, print_.numbers, blob)
        self._database.execute("INSERT INTO signatures VALUES (?, ?, ?, ?)", values)
        self._database.executemany("INSERT INTO bands VALUES (?, ?)", [(key, row) for key in print_.bands])

    def add_id(self, row: int, doc_id: str) -> None:
        self._database.execute("INSERT INTO documents VALUES (?, ?)", (row, doc_id))

    def id_row(self, doc_id: str) -> int | None:
        found = self._database.execute("SELECT row FROM documents WHERE doc_id = ?", (doc_id,)).fetchone()
        return None if found is None else int(found[0])

    def id_of(self, row: int) -> str:
        return str(self._database.execute("SELECT doc_id FROM documents WHERE row = ?", (row,)).fetchone()[0])

    def forget_from(self, row: int) -> None:
        """Drop every document from `row` on: those of a shard that was not finished."""
        for table in ("documents", "signatures", "bands"):
            self._database.execute(f"DELETE FROM {table} WHERE row >= ?", (row,))
        self.commit()

    def commit(self) -> None:
        self._database.commit()

    def close(self) -> None:
        self._database.commit()
        self._database.close()

    def _fingerprint(self, text: str | Fingerprint) -> Fingerprint:
        """`find` and `add` ask for the same text one after the other."""
        if isinstance(text, Fingerprint):
            return text
        if self._last is None or self._last[0] != text:
            self._last = (text, Fingerprint.of(text))
        return self._last[1]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes of one text (all but case and white space) and of its numbers, and its MinHash signature (None: short)."""

    exact: int
    numbers: int
    signature: NDArray[np.uint32] | None

    @classmethod
    def of(cls, text: str) -> Fingerprint:
        text = text.casefold()
        words = _WORD.findall(text)
        exact = _hash64(" ".join(text.split()))
        numbers = _hash64(" ".join(sorted(word for word in words if not word.isalpha() and _has_digit(word))))
        return cls(exact, numbers, _signature(words) if len(words) >= MIN_WORDS else None)

    @property
    def bands(self) -> list[int]:
        """Keys under which candidates are found; [] for a short text."""
        return [] if self.signature is None else _band_keys(self.signature.tobytes())


def _hash64(text: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True
    )


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


class _WordHashes(dict[str, int]):
    """CRC-32 by word, remembered: asking a dictionary takes a quarter of the time of a cached function."""

    def __missing__(self, word: str) -> int:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        found = self[word] = crc32(word.encode("utf-8", "surrogatepass"))
        return found


_WORD_HASHES = _WordHashes()


@lru_cache(maxsize=1)
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    generator = np.random.default_rng(20230409)
    factors = generator.integers(1, 1 << 32, PERMUTATIONS, dtype=np.uint64)
    return factors, generator.integers(0, 1 << 32, PERMUTATIONS, dtype=np.uint64)


def _signature(words: list[str]) -> NDArray[np.uint32]:
    """MinHash signature, uint32 of shape (PERMUTATIONS,)."""
    hashes = np.fromiter(map(_WORD_HASHES.__getitem__, words), np.uint64, len(words))
    windows = len(words) - SHINGLE_WORDS + 1
    shingles = np.zeros(windows, np.uint64)
    for place in range(SHINGLE_WORDS):
        shingles = shingles * np.uint64(0x9E3779B97F4A7C15) + hashes[place : place + windows]
    shingles = np.unique(shingles ^ (shingles >> np.uint64(29))) & np.uint64(0xFFFFFFFF)
    factors, offsets = _permutations()
    signature = np.full(PERMUTATIONS, 0xFFFFFFFF, np.uint32)
    for begin in range(0, len(shingles), BLOCK):
        values = factors[:, None] * shingles[None, begin : begin + BLOCK]
        values += offsets[:, None]
        signature = np.minimum(signature, _low_bits_modulo(values).min(axis=1))
    return signature


def _low_bits_modulo(values: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The lower 32 bits of `values % (2**61 - 1)`, without the division; `values` is overwritten."""
    high = values >> np.uint64(61)
    values &= _MERSENNE
    values += high
    low = values.astype(np.uint32)
    low += values >= _MERSENNE  # minus 2**61 - 1 is plus one, in the lower 32 bits
    return low


@lru_cache(maxsize=2)  # a text is looked for, and then remembered
def _band_keys(signature: bytes) -> list[int]:
    size = PERMUTATIONS // BANDS * 4
    keys = []
    for band in range(BANDS):
        part = bytes([band]) + signature[band * size : (band + 1) * size]
        keys.append(int.from_bytes(hashlib.blake2b(part, digest_size=8).digest(), "big", signed=True))
    return keys
