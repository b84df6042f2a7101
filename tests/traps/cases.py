"""Reads `cases.txt`: trap and control suites written by hand for this project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).with_name("cases.txt")


@dataclass(frozen=True, slots=True)
class Trap:
    """The passage supports the original and not the edited claim."""

    suite: str
    passage: str
    original: str
    edited: str


@dataclass(frozen=True, slots=True)
class Control:
    """The passage supports the claim, however it is put."""

    suite: str
    passage: str
    claim: str


def read_cases() -> Iterator[Trap | Control]:
    passage = ""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            passage = line[3:]
        elif line.startswith("+"):
            suite, claim = line[1:].split(" | ")
            yield Control(suite, passage, claim)
        elif line and not line.startswith("#"):
            suite, original, edited = line.split(" | ")
            yield Trap(suite, passage, original, edited)
