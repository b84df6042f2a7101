"""`webbrain index cluster-build`: the driver, which plans, hands out tasks, and publishes what they made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from webbrain.encoding.encoder import OnnxEncoder
from webbrain.errors import ConfigError, IndexDamaged
from webbrain.models import resolve
from webbrain.store import layout
from webbrain.workers import available_cores

from ..build import BuildReport, check_paths, check_unchanged, packaged, same_build
from ..contents import contents
from ..disk import check_disk
from ..files import write_json, write_lock
from ..progress import Progress, Silent
from ..publish import Contents, corpus_of, encoder_files, free_name, publish_contents
from ..read.fingerprint import combine, file_states
from ..read.scan import CorpusFile
from ..receipts import STAGE, Receipt
from ..settings import BuildSettings, Plan
from ..work import Work
from .engine import connected, run
from .fold import ShardPlan, fold
from .prepare import is_prepared, prepare, read_heads, skipped_in
from .shard import ENCODER_FILES, FILE, FOLDED, RECEIPT, ShardTask, is_made, make_shard, read_folded
from .splits import Split, Survey, list_files, make_splits, split_as_json, split_from_json, survey
from .storage import Storage, file_facts

Item = TypeVar("Item")
SPLITS = "splits.json"
SHARDS = STAGE + "/shards.json"
WORK = "cluster-work"  # beside the index, where no other storage is named
FILES_AT_ONCE = 200  # files that one survey task digests


class Watch(Progress, Protocol):
    """What a cluster build says of itself; `webbrain.terminal.BuildBars` draws it."""

    def count(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
        """Pass items on, counting them."""
        ...


class Quiet(Silent):
    """Says nothing."""

    def count(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
        return iter(items)


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """`address` of the Ray cluster (None: this machine), `storage` that every machine reaches (None: a folder beside
    the index, which then must be on a shared disk), bytes of corpus in a split, cores of an encoding task."""

    address: str | None = None
    storage: str | None = None
    split_bytes: int = 64 << 20
    threads: int = 1

    def __post_init__(self) -> None:
        if self.split_bytes < 1 or self.threads < 1:
            raise ConfigError("splits and threads are counted from 1; mend --split-mb or --threads")


def build_on_cluster(
    corpus: Path,
    output: Path,
    settings: BuildSettings | None = None,
    cluster: ClusterSettings | None = None,
    *,
    force: bool = False,
    watch: Watch | None = None,
) -> BuildReport:
    """Build and publish an index of `corpus`, a path that every machine reads, in the folder `output` of this one.

    The same corpus and settings give the files that `indexing.build.build` gives. Run again after a crash, it makes
    what is not finished. Raises what `build` raises, and WebBrainError when the cluster gives up.
    """
    settings, cluster, watch = settings or BuildSettings(), cluster or ClusterSettings(), watch or Quiet()
    check_paths(corpus, output)
    corpus = corpus.resolve()  # a worker has another working directory
    model = resolve(settings.encoder) if settings.encoder else None
    with connected(cluster.address), write_lock(output):
        states = file_states(corpus)
        surveyed = list(_survey(corpus, cluster, watch))
        contents = ((file, bytes.fromhex(found.content)) for file, found in surveyed)
        plan = Plan(combine(contents), model.weights_sha256 if model else None, settings)
        manifest = None if force else same_build(output, plan)
        if manifest is not None:
            watch.note("this corpus is already indexed with these settings: nothing to do")
            return BuildReport(manifest.build_id, str(output), False, 0, dict(manifest.totals))
        name = free_name(output, plan.build_id)
        partial = output / layout.BUILDS / f"{name}.partial"
        check_disk(corpus, output, partial, watch)
        with closing(Work(partial, plan, None, watch, ordered=True)) as work:
            if model is not None:
                work.encoder = OnnxEncoder(packaged(model, partial, settings), available_cores())
            driver = _Driver(work, plan, cluster, output, watch)
            resumed = driver.make(make_splits(surveyed, cluster.split_bytes))
            check_unchanged(corpus, states)
            found = driver.gather()
        manifest = publish_contents(partial, output, name, found)
        driver.storage.remove()
        return BuildReport(name, str(output), True, resumed, dict(manifest.totals))


class _Driver:
    """One plan's tasks, what is on storage of them, and the partial build that they come together in."""

    def __init__(self, work: Work, plan: Plan, cluster: ClusterSettings, output: Path, watch: Watch) -> None:
        self.work, self.plan, self.cluster, self.watch = work, plan, cluster, watch
        base = cluster.storage or str((output / WORK).resolve())
        self.storage = Storage(f"{base.rstrip('/')}/{plan.build_id}")

    def make(self, splits: list[Split]) -> int:
        """Do what is not done; returns how many shards were found finished."""
        splits = self._agreed(splits)
        self._share_encoder()
        open_splits = {
            number: {**self._task(number), "settings": self.plan.settings.as_json(), "split": split_as_json(split)}
            for number, split in enumerate(splits)
            if not is_prepared(self.storage, number)
        }
        self._run(prepare_task, open_splits, "preparing splits of the corpus", 1)
        shards = self._fold(len(splits))
        open_shards = {
            number: {**self._task(number), **self._shard(plan)}
            for number, plan in enumerate(shards)
            if not is_made(self.storage, number)
        }
        self._run(shard_task, open_shards, "making shards", self.cluster.threads)
        self.shards = len(shards)
        return len(shards) - len(open_shards)

    def gather(self) -> Contents:
        """Bring the shards to the partial build, check them against their receipts, and list all that it holds."""
        for number in self.watch.count(range(self.shards), self.shards, "fetching shards"):
            self.work.receipts.append(self._fetch(number))
            for document in read_folded(self.work.folder / FOLDED.format(number)):
                self.work.state.set_folded(document)
        card = None if self.work.encoder is None else asdict(self.work.encoder.card)
        return contents(self.work, corpus_of(self.plan), card, encoder_files(self.work.folder))

    def _agreed(self, splits: list[Split]) -> list[Split]:
        """The splits that an earlier run of this plan made, if there was one: they may be of another size."""
        stored = self.storage.get_json(SPLITS)
        if stored is None:
            self.storage.put_json(SPLITS, [split_as_json(split) for split in splits])
            return splits
        return [split_from_json(rows) for rows in stored]

    def _share_encoder(self) -> None:
        files = sorted((self.work.folder / layout.ENCODER).glob("*"))
        for path in files:
            self.storage.put(path, f"{layout.ENCODER}/{path.name}")
        self.storage.put_json(ENCODER_FILES, [f"{layout.ENCODER}/{path.name}" for path in files])

    def _fold(self, splits: int) -> list[ShardPlan]:
        """The plan of every shard; noted beside the state before that is committed, so that both are there or none."""
        path = self.work.folder / SHARDS
        done = self.work.done
        if done.last:
            return [ShardPlan.from_json(raw) for raw in json.loads(path.read_text(encoding="utf-8"))]
        with TemporaryDirectory() as name:
            read = ((number, read_heads(self.storage, number, Path(name))) for number in range(splits))
            records = self.watch.count(read, splits, "deciding what is kept (splits)")
            shards = fold(self.work.state, records, self.plan.settings.shard_passages)
        write_json(path, [shard.as_json() for shard in shards])
        done.skipped = sum(skipped_in(self.storage, number) for number in range(splits))
        done.last = True
        self.work.state.save_progress(done)
        self.work.state.commit()
        return shards

    def _task(self, number: int) -> dict[str, Any]:
        return {"storage": self.storage.url, "number": number}

    def _shard(self, plan: ShardPlan) -> dict[str, Any]:
        settings = self.plan.settings
        return {
            "plan": plan.as_json(),
            "skipped": self.work.done.skipped,
            "analyzer": asdict(settings.analyzer),
            "dense": settings.encoder is not None,
            "threads": self.cluster.threads,
        }

    def _fetch(self, number: int) -> Receipt:
        """A shard's files from storage; raises IndexDamaged where one is not what was signed for."""
        signed = self.storage.get_json(RECEIPT.format(number))
        for stored, facts in signed["files"].items():
            target = self.work.folder / stored.removeprefix(FILE.format(""))
            self.storage.get(stored, target)
            if file_facts(target) != facts:
                raise IndexDamaged(
                    f"{stored} on {self.storage.url} is not what its receipt says; delete it and run the same command"
                )
        return Receipt.from_json(signed["receipt"])

    def _run(self, work: Callable[[Any], Any], tasks: Mapping[int, Any], label: str, cpus: int) -> None:
        for _ in self.watch.count(run(work, tasks, cpus=cpus), len(tasks), label):
            pass


def survey_task(task: Any) -> dict[str, Any]:
    """On a worker: digest some files and find where they can be cut."""
    found = [survey(CorpusFile(name, Path(path)), task["split_bytes"]) for name, path in task["files"]]
    return {"surveys": [asdict(one) for one in found]}


def prepare_task(task: Any) -> None:
    """On a worker: read, clean and chunk one split."""
    settings = BuildSettings.from_json(task["settings"])
    prepare(Storage(task["storage"]), task["number"], split_from_json(task["split"]), settings)


def shard_task(task: Any) -> None:
    """On a worker: make one shard."""
    make_shard(ShardTask.from_json(task))


def _survey(corpus: Path, cluster: ClusterSettings, watch: Watch) -> Iterator[tuple[CorpusFile, Survey]]:
    """Every file with what a pass over it finds, in corpus order."""
    files = list_files(corpus)
    batches = {n: files[begin : begin + FILES_AT_ONCE] for n, begin in enumerate(range(0, len(files), FILES_AT_ONCE))}
    tasks = {
        number: {"split_bytes": cluster.split_bytes, "files": [(file.name, str(file.path)) for file in batch]}
        for number, batch in batches.items()
    }
    found = dict(watch.count(run(survey_task, tasks), len(tasks), "hashing the corpus"))
    for number, batch in batches.items():
        for file, raw in zip(batch, found[number]["surveys"], strict=True):
            yield file, Survey.from_json(raw)
