"""The last step of a dataset build: shards become the published files, then the manifest and the card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from webbrain.store.index import Index

from ..files import sync_file, write_atomically, write_json
from ..receipts import file_entry
from .bars import Bar, no_bar
from .card import card
from .formats import Example, as_line, from_json, warm_up
from .settings import FORMAT_VERSION, SPLITS, DatasetSettings
from .stage import json_line, read_receipt, read_rows, shard_path
from .statistics import statistics
from .supports import SupportTable
from .tasks import DOCUMENTS, EXAMPLES, PAGES, REJECTS
from .triples import write_corpus, write_triples

MANIFEST = "dataset.json"
STATISTICS = "statistics.json"
CARD = "README.md"
INDEX = "index"
WRITING, RETRIEVAL = "webbrain-g", "webbrain-r"


def publish(
    output: Path,
    stage: Path,
    shards: int,
    settings: DatasetSettings,
    facts: Mapping[str, str],
    skipped: Mapping[str, int],
    bar: Bar = no_bar,
) -> dict[str, Any]:
    """Write everything but the index, manifest last; can be repeated after a crash. Returns the manifest."""
    counts = _sum_receipts(stage, shards)
    counts.update({f"skipped/{name}": number for name, number in skipped.items()})
    index = Index.open(output / INDEX)
    with SupportTable(stage / "supports.sqlite") as supports:
        rows = _Rows(stage, shards, supports, counts)
        _write_writing(output / WRITING, bar(rows, None, "WebBrain-G (examples)"), settings, counts)
        retrieval = output / RETRIEVAL
        retrieval.mkdir(parents=True, exist_ok=True)
        write_corpus(retrieval / "corpus.jsonl", index, supports, counts)
        total = sum(counts[f"examples/{split}"] for split in SPLITS)
        write_triples(retrieval, bar(rows, total, "WebBrain-R (queries)"), index, supports, settings, counts)
    _write_rejects(output / "rejects.jsonl", stage, shards)
    write_json(output / STATISTICS, statistics(output / WRITING))
    manifest = _manifest(output, settings, facts, counts, index)
    write_atomically(output / CARD, card(manifest, _read_json(output / STATISTICS)).encode())
    write_json(output / MANIFEST, manifest)
    return manifest


class _Rows:
    """Rows of all example shards in order, each page id once; the first pass counts them and notes their supports."""

    def __init__(self, stage: Path, shards: int, supports: SupportTable, counts: Counter[str]) -> None:
        self.stage, self.shards, self.supports, self.counts = stage, shards, supports, counts
        self.fresh = True
        for number in range(shards):
            for place, row in enumerate(read_rows(shard_path(stage / PAGES, number, PAGES))):
                supports.claim(row["id"], number, place)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number in range(self.shards):
            for row in read_rows(shard_path(self.stage / EXAMPLES, number, EXAMPLES)):
                known = self.supports.owns(row["gold"]["id"], number, row["place"])
                if self.fresh:
                    self._note(row, known)
                if known:
                    yield row
        self.fresh = False

    def _note(self, row: dict[str, Any], known: bool) -> None:
        if not known:
            self.counts["reject/duplicate_id"] += 1
            return
        self.counts[f"examples/{row['split']}"] += 1
        for doc_id, start, end in row["supports"]:
            self.supports.add(doc_id, start, end)


class _Pair:
    """A set in both formats: paper's lines and structured JSONL."""

    def __init__(self, folder: Path, name: str, stack: ExitStack) -> None:
        self.name = name
        self._lines: IO[str] = stack.enter_context((folder / f"{name}.txt").open("w", encoding="utf-8"))
        self._rows: IO[str] = stack.enter_context((folder / f"{name}.jsonl").open("w", encoding="utf-8"))

    def write(self, example: Example) -> None:
        self._lines.write(as_line(example) + "\n")
        self._rows.write(json_line(example.as_json()))


def _write_writing(
    folder: Path, rows: Iterable[dict[str, Any]], settings: DatasetSettings, counts: Counter[str]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        gold = settings.evidence in ("gold", "both")
        names = [name for split in SPLITS for name in set_names(split, settings)]
        pairs = {name: _Pair(folder, name, stack) for name in names}
        for row in rows:
            split = row["split"]
            if gold:
                example = from_json(row["gold"])
                pairs[split].write(example)
                for one in warm_up(example):
                    counts[f"warmup/{split}"] += 1
                    pairs[f"warmup-{split}"].write(one)
            if settings.evidence in ("retrieved", "both") and row["retrieved"]:
                counts[f"retrieved/{split}"] += 1
                pairs[f"{split}.retrieved"].write(from_json(row["retrieved"]))


def set_names(split: str, settings: DatasetSettings) -> list[str]:
    """Names of the sets of WebBrain-G that a split has under these settings."""
    gold = [split, f"warmup-{split}"] if settings.evidence in ("gold", "both") else []
    return [*gold, *([f"{split}.retrieved"] if settings.evidence in ("retrieved", "both") else [])]


def _write_rejects(path: Path, stage: Path, shards: int) -> None:
    with path.open("w", encoding="utf-8") as out:
        for folder in (PAGES, EXAMPLES):
            for number in range(shards):
                for row in read_rows(shard_path(stage / folder, number, REJECTS)):
                    out.write(json_line(row))


def _sum_receipts(stage: Path, shards: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for folder in (PAGES, DOCUMENTS, EXAMPLES):
        for number in range(shards):
            receipt = read_receipt(stage / folder, number)
            counts.update(receipt.counts if receipt else {})
    return counts


def _manifest(
    output: Path, settings: DatasetSettings, facts: Mapping[str, str], counts: Counter[str], index: Index
) -> dict[str, Any]:
    files = [STATISTICS, "rejects.jsonl"]
    files += [
        path.relative_to(output).as_posix() for part in (WRITING, RETRIEVAL) for path in (output / part).iterdir()
    ]
    for name in files:
        sync_file(output / name)
    return {
        "format_version": FORMAT_VERSION,
        **facts,
        "kind": settings.kind,
        "licence": settings.licence,
        "settings": settings.as_json(),
        "index_build": index.manifest.build_id,
        "counts": dict(sorted(counts.items())),
        "files": {name: asdict(file_entry(output / name)) for name in sorted(files)},
    }


def _read_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
