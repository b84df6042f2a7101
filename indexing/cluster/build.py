"""`webbrain index cluster-build`: the driver, which plans, hands out tasks, and publishes what they made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from webbrain.encoding.encoder import package_encoder
from webbrain.errors import ConfigError, IndexDamaged, IndexStale
from webbrain.models import ModelFiles, resolve
from webbrain.store import layout
from webbrain.store.manifest import FileEntry, Manifest, ShardEntry

from ..build import BuildReport, check_paths
from ..chunk import ChunkSettings
from ..files import write_lock
from ..publish import free_name, publish, republish
from ..read.fingerprint import combine, file_states
from ..read.scan import CorpusFile
from ..receipts import STAGE, Receipt
from ..settings import BuildSettings, Plan
from .engine import connected, run
from .fold import ShardPlan, fold
from .prepare import is_prepared, prepare
from .shard import ENCODER_FILES, FILE, RECEIPT, ShardTask, is_made, make_shard
from .splits import Split, Survey, list_files, make_splits, split_as_json, split_from_json, survey
from .storage import Storage, file_facts

Item = TypeVar("Item")
SPLITS = "splits.json"
WORK = "cluster-work"  # beside the index, where no other storage is named
FILES_AT_ONCE = 200  # files that one survey task digests


class Watch(Protocol):
    """What a cluster build says of itself; `webbrain.terminal.BuildBars` draws it."""

    def note(self, message: str) -> None: ...

    def count(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]: ...


class Quiet:
    """Says nothing."""

    def note(self, message: str) -> None:
        return

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
        manifest = None if force else republish(output, plan.build_id)
        if manifest is not None:
            watch.note("this corpus is already indexed with these settings: nothing to do")
            return BuildReport(manifest.build_id, str(output), False, 0, dict(manifest.totals))
        work = _Work(plan, cluster, output, watch)
        resumed = work.make(make_splits(surveyed, cluster.split_bytes), model)
        if file_states(corpus) != states:
            raise IndexStale(f"{corpus} changed while it was read, nothing was published; run the same command again")
        name = free_name(output, plan.build_id)
        manifest = work.publish(output, name)
        return BuildReport(name, str(output), True, resumed, dict(manifest.totals))


class _Work:
    """One plan's tasks, and what is on storage of them."""

    def __init__(self, plan: Plan, cluster: ClusterSettings, output: Path, watch: Watch) -> None:
        self.plan, self.cluster, self.watch = plan, cluster, watch
        base = cluster.storage or str((output / WORK).resolve())
        self.storage = Storage(f"{base.rstrip('/')}/{plan.build_id}")
        self.card: dict[str, Any] | None = None
        self.shards = 0

    def make(self, splits: list[Split], model: ModelFiles | None) -> int:
        """Do what is not done; returns how many shards were found finished."""
        splits = self._agreed(splits)
        if model is not None:
            self._encoder(model)
        chunker = asdict(self.plan.settings.chunker)
        open_splits = {
            number: {"storage": self.storage.url, "number": number, "chunker": chunker, "split": split_as_json(split)}
            for number, split in enumerate(splits)
            if not is_prepared(self.storage, number)
        }
        self._run(prepare_task, open_splits, "preparing splits of the corpus", 1)
        self.watch.note(f"{len(splits)} splits prepared; deciding what is kept")
        folded = fold(self.storage, range(len(splits)), self.plan.settings)
        self.shards = len(folded.shards)
        open_shards = {
            number: self._shard(number, found, folded.skipped)
            for number, found in enumerate(folded.shards)
            if not is_made(self.storage, number)
        }
        self._run(shard_task, open_shards, "making shards", self.cluster.threads)
        return self.shards - len(open_shards)

    def publish(self, output: Path, name: str) -> Manifest:
        """Bring the shards to `output`, check them against their receipts, and make them the current build."""
        partial = output / layout.BUILDS / f"{name}.partial"
        (partial / STAGE).mkdir(parents=True, exist_ok=True)
        receipts = [self._fetch(partial, number) for number in self._count(range(self.shards), "fetching shards")]
        for file in self.storage.get_json(ENCODER_FILES) or []:
            self.storage.get(file, partial / file)
        manifest = publish(partial, output, name, self.plan, receipts, self.card)
        self.storage.remove()
        return manifest

    def _agreed(self, splits: list[Split]) -> list[Split]:
        """The splits that an earlier run of this plan made, if there was one: they may be of another size."""
        stored = self.storage.get_json(SPLITS)
        if stored is None:
            self.storage.put_json(SPLITS, [split_as_json(split) for split in splits])
            return splits
        return [split_from_json(rows) for rows in stored]

    def _encoder(self, model: ModelFiles) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name) / layout.ENCODER
            self.card = asdict(package_encoder(model, folder, self.plan.settings.precision))
            files = {f"{layout.ENCODER}/{path.name}": path for path in sorted(folder.iterdir())}
            for file, path in files.items():
                self.storage.put(path, file)
            self.storage.put_json(ENCODER_FILES, list(files))

    def _shard(self, number: int, found: ShardPlan, skipped: int) -> dict[str, Any]:
        dense = self.plan.settings.encoder is not None
        analyzer = self.plan.settings.analyzer
        return asdict(ShardTask(self.storage.url, number, found, skipped, analyzer, dense, self.cluster.threads))

    def _fetch(self, partial: Path, number: int) -> Receipt:
        signed = self.storage.get_json(RECEIPT.format(number))
        for stored, facts in signed["files"].items():
            target = partial / stored.removeprefix(FILE.format(""))
            if not (target.exists() and file_facts(target) == facts):
                self.storage.get(stored, target)
            if file_facts(target) != facts:
                raise IndexDamaged(
                    f"{stored} on {self.storage.url} is not what its receipt says; delete it and run the same command"
                )
        raw = signed["receipt"]
        files = {name: FileEntry(**entry) for name, entry in raw["files"].items()}
        return Receipt(**{**raw, "entry": ShardEntry(**raw["entry"]), "files": files})

    def _run(self, work: Callable[[Any], Any], tasks: Mapping[int, Any], label: str, cpus: int) -> None:
        for _ in self.watch.count(run(work, tasks, cpus=cpus), len(tasks), label):
            pass

    def _count(self, items: Sequence[int], label: str) -> Iterator[int]:
        return self.watch.count(items, len(items), label)


def survey_task(task: Any) -> dict[str, Any]:
    """On a worker: digest some files and find where they can be cut."""
    found = [survey(CorpusFile(name, Path(path)), task["split_bytes"]) for name, path in task["files"]]
    return {"surveys": [asdict(one) for one in found]}


def prepare_task(task: Any) -> None:
    """On a worker: read, clean and chunk one split."""
    chunker = ChunkSettings(**task["chunker"])
    prepare(Storage(task["storage"]), task["number"], split_from_json(task["split"]), chunker)


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
