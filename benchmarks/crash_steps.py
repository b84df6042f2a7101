"""The steps of a change that a crash can come before: whatever touches the disk, counted by an audit hook."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree")


@contextmanager
def dying_before(die_at: int) -> Iterator[list[int]]:
    """Counts what changes the disk, and dies before the step of that number (0: never)."""
    count = [0]
    active = True

    def step(what: str) -> None:
        count[0] += 1
        if count[0] == die_at:
            os.write(2, f"before {what}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active and event in CHANGES:
            step(f"{event} of {_kind(arguments[0])}")
        elif active and event == "open" and _writes(arguments[1], arguments[2]):
            step(f"writing {_kind(arguments[0])}")

    def sync(fd: Any) -> None:
        step("an fsync")
        original(fd)
        step("what follows an fsync")

    sys.addaudithook(hook)
    original, os.fsync = os.fsync, sync
    try:
        yield count
    finally:
        active, os.fsync = False, original


def _writes(mode: Any, flags: Any) -> bool:
    return bool(mode and set(str(mode)) & set("wax+")) or bool(isinstance(flags, int) and flags & os.O_CREAT)


def _kind(path: Any) -> str:
    """A path's name without numbers."""
    if not isinstance(path, str | bytes | Path):
        return "a handle"
    return "".join(char for char in Path(os.fsdecode(path)).name if not char.isdigit())
