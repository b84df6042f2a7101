"""`webbrain dataset build`: a source becomes WebBrain-G and WebBrain-R; a killed build goes on where it stopped.

DIR/dataset.json             settings, counts, digests; written last
DIR/README.md                the data card
DIR/statistics.json          what `dataset describe` shows
DIR/webbrain-g/              <split>.txt (paper's format), <split>.jsonl, warmup-<split>.*, <split>.retrieved.*
DIR/webbrain-r/              <split>.tsv, corpus.jsonl
DIR/index/                   the index of all evidence documents (articles: bodies, leads left out)
DIR/rejects.jsonl            every page and reference that was turned away, with its reason
DIR/stage/                   finished shards of an unfinished build
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from webbrain.errors import ConfigError, CorpusError
from webbrain.models import DEFAULT_ENCODER
from webbrain.workers import in_order

from ..build import build as build_index
from ..chunk import ChunkSettings
from ..files import write_json, write_lock
from ..progress import Progress, Silent
from ..read import fingerprint, scan
from ..settings import BuildSettings
from .bars import Bar, no_bar
from .publish import INDEX, MANIFEST, publish
from .settings import DatasetSettings, plan_id
from .stage import read_receipt
from .tasks import DOCUMENTS, EXAMPLES, PAGES, ExamplesTask, PagesTask, make_examples, make_pages, pages_done

Task = TypeVar("Task")
Result = TypeVar("Result")

IN_FLIGHT = 2  # tasks a worker, so that memory does not grow with the source
ADVICE = "run the same command again, with fewer --workers if that was it: finished shards are kept"
STAGE = "stage"
PLAN = "plan.json"
READ = "read.json"  # how many shards of pages there are; stands once the source is read to its end


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What a build did; `resumed` shards were found finished, `fresh` is False when nothing had to be done."""

    plan_id: str
    folder: str
    fresh: bool
    resumed: int
    counts: dict[str, int] = field(default_factory=dict)


def build_dataset(
    source: Path,
    output: Path,
    settings: DatasetSettings | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    bar: Bar = no_bar,
) -> DatasetReport:
    """Build the dataset of `source` in the folder `output`; the same for any number of workers and after any kill.

    Raises CorpusError for a source that cannot be read, ConfigError for an output that holds another dataset.
    """
    settings, progress = settings or DatasetSettings(), progress or Silent()
    if not source.exists():
        raise CorpusError("no such file or folder; give the source of the dataset", source)
    plan = plan_id(settings, fingerprint(source))
    with write_lock(output):
        found = _finished(output, plan)
        if found is not None:
            progress.note("this dataset is already built with these settings: nothing to do")
            return DatasetReport(plan, str(output), False, 0, found["counts"])
        work = _Work(source, output, plan, settings, workers or os.cpu_count() or 1, progress, bar)
        return work.run()


@dataclass(slots=True)
class _Work:
    """One run of one plan."""

    source: Path
    output: Path
    plan: str
    settings: DatasetSettings
    workers: int
    progress: Progress
    bar: Bar
    resumed: int = 0

    def run(self) -> DatasetReport:
        self._claim()
        shards = self._read()
        self._index()
        self._examples(shards)
        facts = {"plan_id": self.plan, "source": self.source.name, "fingerprint": fingerprint(self.source)}
        skipped = json.loads((self.stage / READ).read_text(encoding="utf-8"))["skipped"]
        self.progress.note("publishing: WebBrain-G, WebBrain-R, statistics")
        manifest = publish(self.output, self.stage, shards, self.settings, facts, skipped, self.bar)
        shutil.rmtree(self.stage)
        return DatasetReport(self.plan, str(self.output), True, self.resumed, manifest["counts"])

    @property
    def stage(self) -> Path:
        return self.output / STAGE

    def _claim(self) -> None:
        """Take the folder for this plan; refuse one that holds part of another."""
        self.stage.mkdir(parents=True, exist_ok=True)
        path = self.stage / PLAN
        if path.exists() and json.loads(path.read_text(encoding="utf-8"))["plan_id"] != self.plan:
            raise ConfigError(
                f"{self.output} holds an unfinished dataset of another source or other settings; "
                f"give another --output, or delete {self.stage}"
            )
        write_json(path, {"plan_id": self.plan, "settings": self.settings.as_json()})

    def _read(self) -> int:
        """Source to shards of pages and documents; returns the number of shards."""
        path = self.stage / READ
        if path.exists():
            shards = int(json.loads(path.read_text(encoding="utf-8"))["shards"])
            self.resumed += shards
            return shards
        counter, skipped = [0], Counter[str]()
        records = 0
        for done in self._run(make_pages, self._page_tasks(counter, skipped)):
            records += done
        self.progress.note(f"read {records:,} records into {counter[0]} shards")
        write_json(path, {"shards": counter[0], "skipped": dict(skipped)})
        return counter[0]

    def _run(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """`function`, which must be a module's own, of each task, in their order."""
        done = in_order(_itself, (function,), tasks, self.workers, ahead=IN_FLIGHT, advice=ADVICE)
        return (result for _, result in done)

    def _page_tasks(self, counter: list[int], skipped: Counter[str]) -> Iterator[PagesTask]:
        records = scan(self.source, self._reading(counter), skipped)
        while chunk := tuple(islice(records, self.settings.shard_pages)):
            number = counter[0]
            counter[0] += 1
            if pages_done(self.stage, number):
                self.resumed += 1
            else:
                yield PagesTask(self.stage, number, chunk, self.settings)

    def _reading(self, counter: list[int]) -> Callable[[int, int], None]:
        return lambda done, total: self.progress.reading(done, total, counter[0] * self.settings.shard_pages)

    def _index(self) -> None:
        documents = self.stage / DOCUMENTS
        if not any(path.stat().st_size for path in documents.glob("*.jsonl")):
            raise CorpusError(
                f"no evidence in it that passes the cleaning rules; see {self.stage / PAGES}", self.source
            )
        index = BuildSettings(
            chunker=ChunkSettings(),
            encoder=DEFAULT_ENCODER if self.settings.retriever == "hybrid" else None,
            duplicates="keep",
        )
        build_index(documents, self.output / INDEX, index, threads=self.workers, progress=self.progress)

    def _examples(self, shards: int) -> None:
        todo = [number for number in range(shards) if read_receipt(self.stage / EXAMPLES, number) is None]
        self.resumed += shards - len(todo)
        tasks = (ExamplesTask(self.stage, number, self.output / INDEX, self.settings) for number in todo)
        for _ in self.bar(self._run(make_examples, tasks), len(todo), "examples (shards)"):
            pass


def _itself(function: Callable[[Task], Result]) -> Callable[[Task], Result]:
    return function


def _finished(output: Path, plan: str) -> dict[str, Any] | None:
    """The manifest of a finished dataset of this plan; raises ConfigError when there is one of another."""
    path = output / MANIFEST
    if not path.exists():
        return None
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if manifest["plan_id"] == plan:
        return manifest
    raise ConfigError(f"{output} holds a dataset of another source or other settings; give another --output")
