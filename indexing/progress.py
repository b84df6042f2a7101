"""What a build says of itself while it runs; the command line draws it, a library user may ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from the threads of a build; must be quick."""

    def note(self, message: str) -> None:
        """One sentence for the reader."""

    def reading(self, done_bytes: int, total_bytes: int, documents: int) -> None:
        """Bytes of the corpus read so far, of all of them, and the documents kept."""

    def encoding(self, shard: int, done: int, total: int) -> None:
        """Passages of the shard encoded so far, of those that it has so far."""


class Silent:
    """Says nothing."""

    def note(self, message: str) -> None:
        return

    def reading(self, done_bytes: int, total_bytes: int, documents: int) -> None:
        return

    def encoding(self, shard: int, done: int, total: int) -> None:
        return
