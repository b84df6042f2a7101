"""SIGKILL what writes an index again and again, fill its disk, resume it, and compare with what an unbroken run makes.

    python benchmarks/crash.py [--kills 300] [--full 50] [--corpus FOLDER] [--seed 1]

Builds, adds, updates, removes and compactions take turns. Three ways to die, in turn: after a random time; before a
random step (a file opened for writing, an fsync, a rename, a deletion ...); and at one of the last steps of a fresh
run, where it is published. An older index stands in the folder all the while: after every kill, and while the next run
goes on, it must open and answer as before, until the new one is complete. Then every file, row, vector, ranking and
score must equal those of the unbroken run. Builds have shards of several sizes, whose rows, vectors, rankings and
scores must agree as well. The disk fills in truth, on a file system of a random size (as root, where mounting is
allowed). The corpus is a third of `corpus_samples` unless another is named.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from crash_steps import dying_before

from indexing import compact as compacting
from indexing import disk, vectors
from indexing.build import build
from indexing.compact import compact
from indexing.settings import BuildSettings
from indexing.update import add, remove, update
from webbrain.errors import WebBrainError
from webbrain.models import DEFAULT_ENCODER
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.store.verify import verify

ROOT = Path(__file__).parents[1]
SHARDS = (12, 50, 1000)  # passages in a shard; the last: one shard of several blocks of vectors
BLOCK = 16  # passages encoded between two flushes here, so that a shard has several
QUERIES = ("Eiffel Tower", "who invented the steam engine", "smallpox vaccine 1796", "the", "Jaguar", "nothing of it")
WAYS = ("step", "publish", "time")
LAST_STEPS = 24
FIRST_SECONDS = 0.5  # within which a run is killed the first time; later ones of the same change get longer
OLD = BuildSettings(encoder=None, shard_passages=60)
CHANGED = BuildSettings(encoder="static", shard_passages=12)  # what is added to, updated, removed from, compacted


@dataclass(frozen=True, slots=True)
class Job:
    """One change of the index in the folder `start`; `steps` that an unbroken run takes, and what it leaves."""

    operation: str
    start: Path
    corpus: str = ""
    encoder: str = ""
    size: int = 0
    ids: tuple[str, ...] = ()
    steps: int = 0
    bytes: int = 0
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.operation} {self.size}" if self.size else self.operation

    def order(self, output: Path, **more: Any) -> dict[str, Any]:
        names = ("operation", "corpus", "encoder", "size", "ids")
        return {**{name: getattr(self, name) for name in names}, "output": str(output), **more}


@dataclass(slots=True)
class Report:
    """What the loop did. `where` counts the steps that killed runs were at, `reads` the openings of the index."""

    kills: int = 0
    runs: int = 0
    reads: int = 0
    full: int = 0
    where: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def main() -> None:
    if sys.argv[1:] == ["serve"]:
        serve()
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--full", type=int, default=50)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = arguments.corpus or sample(folder / "corpus")
        report = crash_loop(corpus, folder, arguments.kills, full=arguments.full, seed=arguments.seed, say=print)
    print(
        f"{report.kills} SIGKILLs in {report.runs} changes, {report.full} full disks, the index opened {report.reads} "
        f"times meanwhile, {len(report.differences)} differences, {time.perf_counter() - begin:.0f} s"
    )
    for title, counts in (("killed in", report.operations), ("killed", report.where), ("full disk:", report.filled)):
        for what, number in counts.most_common():
            print(f"{number:5} {title} {what}")
    for difference in report.differences:
        print(f"DIFFERENT: {difference}")
    sys.exit(bool(report.differences))


def sample(folder: Path, every: int = 3) -> Path:
    """Every third of the sample pages (or another part), with all the hostile ones."""
    pages = ROOT / "corpus_samples/pages"
    for number, path in enumerate(sorted(path for path in pages.rglob("*") if path.is_file())):
        if number % every == 0 or path.parent.name == "hostile":
            target = folder / path.relative_to(pages)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return folder


def crash_loop(
    corpus: Path,
    folder: Path,
    kills: int,
    *,
    full: int = 0,
    shards: tuple[int, ...] = SHARDS,
    most: int = 16,
    seed: int = 1,
    say: Any = None,
) -> Report:
    """Kill changes of indexes of `corpus` inside `folder` until `kills` of them died, one change at most `most` times;
    then let the disk be full `full` times."""
    report, draw = Report(), random.Random(seed)
    with _Server() as server:
        jobs = [_unbroken(server, job, folder / "unbroken") for job in _jobs(corpus, folder, shards)]
        _compare_shardings([job for job in jobs if job.operation == "build"], report)
        while report.kills < kills:
            job, way = jobs[report.runs % len(jobs)], WAYS[(report.runs + report.runs // len(jobs)) % len(WAYS)]
            killer = _Killer(server, job, folder / "killed", draw, report)
            killer.until_done(way, most)
            what = f"{report.runs}: {job.name}, killed by {way}"
            _check_new(job, killer.output, what, report)
            report.runs += 1
            if say:
                say(f"{what}: {report.kills} kills so far", flush=True)
        if full:
            with _small_disk(folder / "small") as small:
                _Filler(server, small, draw, report).run(jobs, full, say)
    return report


def _jobs(corpus: Path, folder: Path, shards: tuple[int, ...]) -> Iterator[Job]:
    """Builds over an old index, and changes of one that lacks a part of the corpus and has another part otherwise."""
    part = _part(corpus, folder / "part")
    build(part, folder / "old", OLD)
    changes = list(_changes(corpus, part, folder))
    for number in range(max(len(shards), len(changes))):
        if number < len(shards):
            size = shards[number]
            encoder = DEFAULT_ENCODER if number == 0 else "static"
            yield Job("build", folder / "old", str(corpus), encoder, size)
        if number < len(changes):
            yield changes[number]


def _changes(corpus: Path, part: Path, folder: Path) -> Iterator[Job]:
    base = folder / "base"
    build(part, base, CHANGED, threads=1)
    index = Index.open(base)
    ids = sorted({index.passage(row).doc_id for row in range(len(index))})
    yield Job("add", base, str(corpus))
    yield Job("remove", base, ids=tuple(ids[::3]))
    yield Job("update", base, str(corpus))
    fragments = folder / "fragments"
    shutil.copytree(base, fragments)
    add(corpus, fragments, threads=1)
    remove(fragments, ids[::4])
    yield Job("compact", fragments)
    yield Job("recut", base, str(part), "static", 17)  # what is cleaned is taken from the index


def _part(corpus: Path, folder: Path) -> Path:
    """Four of five files, every seventh of them with other words, and one that is in no other corpus."""
    for number, path in enumerate(sorted(path for path in corpus.rglob("*") if path.is_file())):
        if number % 5:
            target = folder / path.relative_to(corpus)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes() + (b"\nOld words at the end.\n" if number % 7 == 0 else b""))
    (folder / "gone.txt").write_text("A page that the corpus has no longer.\n")
    return folder


def content(index: Index, *, dense: bool = True) -> dict[str, Any]:
    """All that must be the same: files and their digests, sums, passages, vectors, rankings with scores.

    Without `dense`, what needs the encoder is left out.
    """
    rankings = {}
    dense = dense and index.has_vectors
    for name in ("bm25", "dense", "hybrid") if dense else ("bm25",):
        retriever = make_retriever(index, name)
        for query in QUERIES:
            rankings[name, query] = [(hit.row, hit.score) for hit in retriever.search(query, 50)]
    return {
        "files": {name: asdict(entry) for name, entry in index.manifest.files.items()},
        "shards": [asdict(entry) for entry in index.manifest.shards],
        "totals": dict(index.manifest.totals),
        "deleted": [None if rows is None else rows.tolist() for rows in index.deleted],
        "passages": [asdict(index.passage(row)) for row in range(len(index))],
        "vectors": [index.vectors[shard].reconstruct(local).tolist() for shard, local in _places(index, dense)],
        "rankings": rankings,
    }


def _places(index: Index, dense: bool) -> Iterator[tuple[int, int]]:
    return map(index.locate, range(len(index) if dense else 0))


def _unbroken(server: _Server, job: Job, output: Path) -> Job:
    """The job with what it leaves when nobody disturbs it."""
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(job.start, output)
    before = _used(output)
    old = content(Index.open(output))
    status, said = server.run(job.order(output))
    if status:
        raise RuntimeError(f"an undisturbed {job.name} ended with {status}: {said}")
    return replace(job, steps=int(said), bytes=_used(output) - before, old=old, new=content(Index.open(output)))


def _used(folder: Path) -> int:
    """Bytes on disk, a file with several names once, in whole blocks."""
    return sum({info.st_ino: -(-info.st_size // 4096) * 4096 for info in map(os.stat, folder.rglob("*"))}.values())


class _Killer:
    """Starts changes of one folder and has them killed until one comes through."""

    def __init__(self, server: _Server, job: Job, output: Path, draw: random.Random, report: Report) -> None:
        self.server, self.job, self.output = server, job, output
        self.draw, self.report = draw, report
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(job.start, output)

    def until_done(self, way: str, most: int) -> None:
        fresh, patience, last = True, FIRST_SECONDS, self.report.kills + most
        while True:
            spared = self.report.kills >= last
            delay = self.draw.uniform(0, patience) if way == "time" and not spared else 0.0
            die_at = 0 if spared else self._die_at(way, fresh)
            self.server.start(self.job.order(self.output, die_at=die_at, delay=delay))
            while not self.server.is_done(0.2):
                _check_read(self.job, self.output, self.report)
            status, said = self.server.wait()
            if status == 0:
                return
            if status != -signal.SIGKILL:
                raise RuntimeError(f"the {self.job.name} ended by itself with {status}: {said}")
            self.report.kills += 1
            self.report.operations[self.job.operation] += 1
            self.report.where[said or "after a random time"] += 1
            _check_read(self.job, self.output, self.report)
            fresh, patience = False, patience * 1.2

    def _die_at(self, way: str, fresh: bool) -> int:
        """The step to die before; 0 for never."""
        if way == "time":
            return 0
        if way == "publish" and fresh:
            return max(self.job.steps - self.draw.randrange(LAST_STEPS), 1)
        share = self.draw.choice((4, 0.7))  # a shard that has to be made at once never comes through in a quarter
        return 1 + self.draw.randrange(max(int(self.job.steps / share), 2))


class _Filler:
    """Lets changes run into a full disk, gives them room, and runs them again."""

    def __init__(self, server: _Server, small: Path, draw: random.Random, report: Report) -> None:
        self.server, self.small, self.draw, self.report = server, small, draw, report
        self.output = small / "index"

    def run(self, jobs: list[Job], points: int, say: Any) -> None:
        number = 0
        while self.report.full < points:
            job = jobs[number % len(jobs)]
            number += 1
            if self._fill(job):
                self.report.full += 1
                self.report.filled[job.operation] += 1
                if say:
                    say(f"full disk {self.report.full}: {job.name}", flush=True)

    def _fill(self, job: Job) -> bool:
        """One change with room for a part of what it writes; returns whether the room was short."""
        _give_room(self.small, 1 << 30)
        shutil.rmtree(self.output, ignore_errors=True)
        shutil.copytree(job.start, self.output)
        _give_room(self.small, _used(self.small) + 65_536 + int(job.bytes * self.draw.random()))
        status, said = self.server.run(job.order(self.output, roomy=True))
        if status == 0:
            return False
        if "failed" not in said or "run the same command" not in said:
            self.report.differences.append(f"a full disk in {job.name} ended with {status}: {said}")
        _check_read(job, self.output, self.report)
        _give_room(self.small, 1 << 30)
        status, said = self.server.run(job.order(self.output))
        if status:
            self.report.differences.append(f"with room again {job.name} ended with {status}: {said}")
        else:
            _check_new(job, self.output, f"full disk {self.report.full}: {job.name}", self.report)
        return True


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)], check=False).returncode:
        raise RuntimeError("mounting is not allowed here, so no disk can be made to be full; add --full 0")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _give_room(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


def _check_read(job: Job, output: Path, report: Report) -> None:
    """What is published is the whole old index or the whole new one; its vectors are looked at in every tenth reading,
    which takes as long as the nine others."""
    report.reads += 1
    whole = report.reads % 10 == 0
    try:
        index = Index.open(output)
    except WebBrainError as error:
        report.differences.append(f"no index to be opened: {error}")
        return
    found = content(index, dense=whole)
    expected = job.new if found["files"] == job.new["files"] else job.old
    if not whole:
        rankings = {key: value for key, value in expected["rankings"].items() if key[0] == "bm25"}
        expected = {**expected, "vectors": [], "rankings": rankings}
    _compare(expected, found, f"the index under {job.name}", report)


def _check_new(job: Job, output: Path, what: str, report: Report) -> None:
    _compare(job.new, content(Index.open(output)), what, report)
    report.differences += verify(output, full=True)


def _compare(expected: dict[str, Any], found: dict[str, Any], what: str, report: Report) -> None:
    report.differences += [f"{what}: {key}" for key in expected if expected[key] != found[key]]


def _compare_shardings(builds: list[Job], report: Report) -> None:
    """Shards are nobody's business but the disk's."""
    first, *others = [job for job in builds if job.encoder == builds[-1].encoder]
    for other in others:
        for key in ("passages", "vectors", "rankings"):
            if first.new[key] != other.new[key]:
                report.differences.append(f"shards of {first.size} and of {other.size} have other {key}")


class _Server:
    """A process with everything imported and no thread, which forks a change whenever it is told to."""

    def __enter__(self) -> _Server:
        command = [sys.executable, str(Path(__file__).resolve()), "serve"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def start(self, order: dict[str, Any]) -> None:
        """Begin a change; it dies before its step `die_at`, or after `delay` seconds, where these are given."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")

    def run(self, order: dict[str, Any]) -> tuple[int, str]:
        self.start(order)
        return self.wait()

    def is_done(self, seconds: float) -> bool:
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def wait(self) -> tuple[int, str]:
        """(exit code or minus the signal, the last line that the change said)."""
        assert self.process.stdout is not None
        status, said = json.loads(self.process.stdout.readline())
        return status, said


def serve() -> None:
    """One change an order, until stdin ends."""
    import faiss  # noqa: F401  # once here, not in every change
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401

    vectors.BLOCK = BLOCK
    for line in sys.stdin:
        order = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writer, 2)
            _change_and_exit(order)
        os.close(writer)
        if order.get("delay"):
            time.sleep(order["delay"])
            os.kill(child, signal.SIGKILL)
        with os.fdopen(reader) as said:
            lines = said.read().splitlines()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps([status, lines[-1] if lines else ""]), flush=True)


def _change_and_exit(order: dict[str, Any]) -> None:
    status = 1
    try:
        if order.get("roomy"):  # the estimate would refuse before anything is written
            for module in (disk, compacting):
                setattr(module, "check_room", lambda *_: None)  # noqa: B010 - imported there, not its own
        with dying_before(order.get("die_at", 0)) as count:
            _change(order)
        os.write(2, f"{count[0]}\n".encode())
        status = 0
    except WebBrainError as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(status)


def _change(order: dict[str, Any]) -> None:
    corpus, output = Path(order["corpus"]), Path(order["output"])
    if order["operation"] in ("build", "recut"):
        build(corpus, output, BuildSettings(encoder=order["encoder"], shard_passages=order["size"]), threads=1)
    elif order["operation"] == "add":
        add(corpus, output, threads=1)
    elif order["operation"] == "update":
        update(corpus, output, threads=1)
    elif order["operation"] == "remove":
        remove(output, order["ids"], ignore_missing=True, threads=1)
    else:
        compact(output)


if __name__ == "__main__":
    main()
