"""What tells that two documents are one: fingerprints of their texts, kept and compared by `indexing.state`.

MinHash (Broder, 1997) over word 5-shingles, locality-sensitive bands to find candidates, then the estimated Jaccard
similarity of the signatures. Two texts whose numbers differ are two documents, however alike: templated pages (results
of two seasons, two years of a report) differ in just that.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import filterfalse
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

PERMUTATIONS = 128
BANDS = 16
BLOCK = 256  # shingles hashed at once: what fits the processor's cache
SHINGLE_WORDS = 5
MIN_WORDS = 30  # shorter texts fold only when equal
_WORD = re.compile(r"\w+")
# Bytes of UTF-8 beyond one a character: up to this share, words that are not ASCII are looked for one by one.
_FEW = 0.02
_ODD = re.compile(rb"[\x80-\xff]\S*")  # from what is not ASCII to the next space
# What is of no word, as a space.
_GAPS = bytes(code if code > 127 or _WORD.match(chr(code)) else 32 for code in range(256))
_MERSENNE = np.uint64((1 << 61) - 1)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes of one text (all but case and white space) and of its numbers, and its MinHash signature (None: short)."""

    exact: int
    numbers: int
    signature: NDArray[np.uint32] | None

    @classmethod
    def of(cls, text: str) -> Fingerprint:
        text = text.casefold()
        words = _words(text)
        exact = _hash64(" ".join(text.split()).encode("utf-8", "surrogatepass"))
        numbers = _hash64(b" ".join(sorted(filter(_is_number, filterfalse(bytes.isalpha, words)))))
        return cls(exact, numbers, _signature(words) if len(words) >= MIN_WORDS else None)

    @property
    def bands(self) -> list[int]:
        """Keys under which candidates are found; [] for a short text."""
        return [] if self.signature is None else _band_keys(self.signature.tobytes())


class KeyFilter:
    """Tells most keys that were never added from those that were: a Bloom filter (1970) of one hash, 32 MB at most."""

    BITS = 1 << 28

    def __init__(self) -> None:
        self._bits = bytearray(self.BITS // 8)

    def add(self, keys: list[int]) -> None:
        for key in keys:
            self._bits[key % self.BITS >> 3] |= 1 << (key & 7)

    def among(self, keys: list[int]) -> list[int]:
        """Those that may have been added."""
        return [key for key in keys if self._bits[key % self.BITS >> 3] >> (key & 7) & 1]


def _hash64(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _words(text: str) -> list[bytes]:
    """What `_WORD` finds, in UTF-8. In a text that is nearly all ASCII, words are found in a tenth of the time."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) - len(text) > _FEW * len(text):
        return " ".join(_WORD.findall(text)).encode("utf-8", "surrogatepass").split()
    data = data.translate(_GAPS)
    words: list[bytes] = []
    done = 0
    for odd in _ODD.finditer(data):
        begin = max(data.rfind(b" ", done, odd.start()) + 1, done)
        words += data[done:begin].split()
        words += _odd_words(data[begin : odd.end()])
        done = odd.end()
    return words + data[done:].split()


def _odd_words(chunk: bytes) -> list[bytes]:
    words = _WORD.findall(chunk.decode("utf-8", "surrogatepass"))
    return [word.encode("utf-8", "surrogatepass") for word in words]


def _is_number(word: bytes) -> bool:
    """Whether a word has a digit and is not of letters alone (as a numeral of some scripts is)."""
    text = word.decode("utf-8", "surrogatepass")
    return not text.isalpha() and any(map(str.isdigit, text))


@lru_cache(maxsize=1)
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    generator = np.random.default_rng(20230409)
    factors = generator.integers(1, 1 << 32, PERMUTATIONS, dtype=np.uint64)
    return factors, generator.integers(0, 1 << 32, PERMUTATIONS, dtype=np.uint64)


def _signature(words: list[bytes]) -> NDArray[np.uint32]:
    """MinHash signature, uint32 of shape (PERMUTATIONS,)."""
    hashes = np.fromiter(map(crc32, words), np.uint64, len(words))
    windows = len(words) - SHINGLE_WORDS + 1
    shingles = hashes[:windows].copy()
    for place in range(1, SHINGLE_WORDS):
        shingles *= np.uint64(0x9E3779B97F4A7C15)
        shingles += hashes[place : place + windows]
    shingles ^= shingles >> np.uint64(29)
    shingles &= np.uint64(0xFFFFFFFF)
    factors, offsets = _permutations()
    signature = np.full(PERMUTATIONS, 0xFFFFFFFF, np.uint32)
    for begin in range(0, windows, BLOCK):
        values = np.multiply.outer(shingles[begin : begin + BLOCK], factors)
        values += offsets
        signature = np.minimum(signature, _low_bits_modulo(values).min(axis=0))
    return signature


def _low_bits_modulo(values: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The lower 32 bits of `values % (2**61 - 1)`, mostly without the division; `values` is overwritten."""
    low = values.astype(np.uint32)
    if low.max() >= np.uint32(0xFFFFFFF8):  # hardly ever: the sum below may reach 2**61 - 1
        return (values % _MERSENNE).astype(np.uint32)
    values >>= np.uint64(61)
    low += values.astype(np.uint32)  # 2**61 is one more than the modulus
    return low


@lru_cache(maxsize=2)  # a text is looked for, and then remembered
def _band_keys(signature: bytes) -> list[int]:
    size = PERMUTATIONS // BANDS * 4
    keys = []
    for band in range(BANDS):
        part = bytes([band]) + signature[band * size : (band + 1) * size]
        keys.append(int.from_bytes(hashlib.blake2b(part, digest_size=8).digest(), "big", signed=True))
    return keys
