"""The human judgements a support scorer is trained and tested on, read into one form."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim, its source, whether people found it supported; pairs of one `group` share a document.

    `label` is the set's own word for it, which may tell what is contradicted from what is not mentioned.
    """

    pair_id: str
    source: str
    claim: str
    supported: bool
    group: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """A file of judgements; `group` is the field that names the document, `train` whether its licence lets us train."""

    name: str
    group: str
    train: bool
    licence: str


SETS = (
    JudgedSet("begin", "source", True, "per source"),
    JudgedSet("summedits", "source", True, "Apache-2.0"),
    JudgedSet("scifact", "source", True, "CC BY / ODC-BY"),
    JudgedSet("climate_fever", "claim", True, "CC BY-SA"),
    JudgedSet("fool_me_twice", "wikipedia_page", True, "Apache-2.0"),
    JudgedSet("attributionbench", "question", False, "none"),
    JudgedSet("wice_claim", "source", True, "ODC-BY"),
)


def read_judged(folder: Path, judged: JudgedSet, limit: int | None = None) -> list[Judged]:
    """All pairs of a set, or those of the first documents, by hash, that together have `limit` pairs."""
    with gzip.open(folder / f"{judged.name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        pairs = [_pair(json.loads(line), judged) for line in lines]
    if limit is None or len(pairs) <= limit:
        return pairs
    order = {group: place for place, group in enumerate(sorted({pair.group for pair in pairs}, key=_scrambled))}
    return sorted(pairs, key=lambda pair: order[pair.group])[:limit]


def _pair(row: dict[str, Any], judged: JudgedSet) -> Judged:
    group = str(row[judged.group])[:300]
    return Judged(str(row["id"]), row["source"], row["claim"], bool(row["consistent"]), group, str(row["label"]))


def _scrambled(group: str) -> str:
    from hashlib import sha256

    return sha256(group.encode()).hexdigest()
