"""Which split a title belongs to: decided by its hash alone, so it never changes and a title is never in two."""

from __future__ import annotations

import hashlib
import unicodedata

from .settings import DatasetSettings


def normal_title(title: str) -> str:
    """NFKC, case folded, single spaces, `_` as a space: titles that differ only so are the same title."""
    return " ".join(unicodedata.normalize("NFKC", title).casefold().replace("_", " ").split())


def split_of(title: str, settings: DatasetSettings) -> str:
    """ "train", "dev" or "test"."""
    digest = hashlib.sha256(normal_title(title).encode("utf-8", "replace")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < settings.test_share:
        return "test"
    return "dev" if place < settings.test_share + settings.dev_share else "train"
