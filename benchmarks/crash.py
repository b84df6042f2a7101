"""SIGKILL an index build again and again, resume it, and compare what comes out with an unbroken build.

    python benchmarks/crash.py [--kills 200] [--corpus FOLDER] [--seed 1]

Three ways to die, in turn: after a random time; before a random step (a file opened for writing, an fsync, a rename, a
deletion ...); and at one of the last steps of a fresh build, where it is published. An older index stands in the folder
all the while: after every kill, and while the next build runs, it must open and answer as before, until the new one is
complete. Then every file, row, vector, ranking and score must equal those of the unbroken build. Builds have shards of
several sizes, whose rows, vectors, rankings and scores must agree as well. The corpus is a third of `corpus_samples`
unless another is named.
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from indexing import vectors
from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.errors import WebBrainError
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.store.verify import verify

ROOT = Path(__file__).parents[1]
SHARDS = (12, 50, 1000)  # passages in a shard; the last: one shard of several blocks of vectors
BLOCK = 16  # passages encoded between two flushes here, so that a shard has several
QUERIES = ("Eiffel Tower", "who invented the steam engine", "smallpox vaccine 1796", "the", "Jaguar", "nothing of it")
LAST_STEPS = 24
FIRST_SECONDS = 0.5  # within which a build is killed the first time; later ones of the same build get longer
OLD = BuildSettings(encoder=None, shard_passages=60)


@dataclass(slots=True)
class Report:
    """What the loop did. `where` counts the steps that killed builds were at, `reads` the openings of the old index."""

    kills: int = 0
    builds: int = 0
    reads: int = 0
    where: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def main() -> None:
    if sys.argv[1:] == ["serve"]:
        serve()
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        corpus = arguments.corpus or sample(Path(folder) / "corpus")
        report = crash_loop(corpus, Path(folder), arguments.kills, seed=arguments.seed, say=print)
    print(
        f"{report.kills} SIGKILLs in {report.builds} builds, the index opened {report.reads} times meanwhile, "
        f"{len(report.differences)} differences, {time.perf_counter() - begin:.0f} s"
    )
    for step, number in report.where.most_common():
        print(f"{number:5} killed {step}")
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
    shards: tuple[int, ...] = SHARDS,
    most: int = 1000,
    seed: int = 1,
    say: Any = None,
) -> Report:
    """Kill builds of `corpus` inside `folder` until `kills` of them died, one index at most `most` times."""
    report, draw = Report(), random.Random(seed)
    build(corpus, folder / "old", OLD)
    old = content(Index.open(folder / "old"))
    with _Server() as server:
        unbroken = {size: _unbroken(server, corpus, folder, size) for size in shards}
        _compare_shardings({size: found for size, (found, _) in unbroken.items()}, report)
        while report.kills < kills:
            size, way = shards[report.builds % len(shards)], ("time", "step", "publish")[report.builds % 3]
            expected, steps = unbroken[size]
            killer = _Killer(server, corpus, folder / "killed", size, steps, draw, report)
            killer.until_done(way, most, old)
            what = f"build {report.builds}, shards of {size}, killed by {way}"
            _compare(expected, content(Index.open(killer.output)), what, report)
            report.differences += verify(killer.output, full=True)
            report.builds += 1
            if say:
                say(f"{what}: {report.kills} kills so far", flush=True)
    return report


def content(index: Index) -> dict[str, Any]:
    """All that must be the same: files and their digests, sums, passages, vectors, rankings with scores."""
    rankings = {}
    for name in ("bm25", "dense", "hybrid") if index.has_vectors else ("bm25",):
        retriever = make_retriever(index, name)
        for query in QUERIES:
            rankings[name, query] = [(hit.row, hit.score) for hit in retriever.search(query, 50)]
    return {
        "files": {name: asdict(entry) for name, entry in index.manifest.files.items()},
        "shards": [asdict(entry) for entry in index.manifest.shards],
        "totals": dict(index.manifest.totals),
        "passages": [asdict(index.passage(row)) for row in range(len(index))],
        "vectors": [index.vectors[shard].reconstruct(local).tolist() for shard, local in _places(index)],
        "rankings": rankings,
    }


def _places(index: Index) -> Iterator[tuple[int, int]]:
    return map(index.locate, range(len(index) if index.has_vectors else 0))


def _unbroken(server: _Server, corpus: Path, folder: Path, size: int) -> tuple[dict[str, Any], int]:
    """(content, steps) of a build that nobody disturbs."""
    output = folder / f"unbroken-{size}"
    shutil.copytree(folder / "old", output)
    server.start(corpus, output, size)
    status, said = server.wait()
    if status:
        raise RuntimeError(f"an undisturbed build ended with {status}: {said}")
    return content(Index.open(output)), int(said)


class _Killer:
    """Starts builds of one folder and has them killed until one comes through."""

    def __init__(
        self, server: _Server, corpus: Path, output: Path, size: int, steps: int, draw: random.Random, report: Report
    ) -> None:
        self.server, self.corpus, self.output, self.size = server, corpus, output, size
        self.steps, self.draw, self.report = steps, draw, report
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(output.with_name("old"), output)

    def until_done(self, way: str, most: int, old: dict[str, Any]) -> None:
        fresh, patience, last = True, FIRST_SECONDS, self.report.kills + most
        while True:
            spared = self.report.kills >= last
            delay = self.draw.uniform(0, patience) if way == "time" and not spared else 0.0
            die_at = 0 if spared else self._die_at(way, fresh)
            self.server.start(self.corpus, self.output, self.size, die_at=die_at, delay=delay)
            while not self.server.is_done(0.2):
                self._read(old)
            status, said = self.server.wait()
            if status == 0:
                return
            if status != -signal.SIGKILL:
                raise RuntimeError(f"the build ended by itself with {status}: {said}")
            self.report.kills += 1
            self.report.where[said or "after a random time"] += 1
            self._read(old)
            fresh, patience = False, patience * 1.2

    def _die_at(self, way: str, fresh: bool) -> int:
        """The step to die before; 0 for never."""
        if way == "time":
            return 0
        if way == "publish" and fresh:
            return self.steps - self.draw.randrange(LAST_STEPS)
        return 1 + self.draw.randrange(max(self.steps // 4, 2))

    def _read(self, old: dict[str, Any]) -> None:
        """What is published is the whole old index or a whole new one."""
        self.report.reads += 1
        try:
            index = Index.open(self.output)
        except WebBrainError as error:
            self.report.differences.append(f"no index to be opened: {error}")
            return
        if not index.has_vectors:  # the old one
            _compare(old, content(index), "the old index while it is replaced", self.report)


def _compare(expected: dict[str, Any], found: dict[str, Any], what: str, report: Report) -> None:
    report.differences += [f"{what}: {key}" for key in expected if expected[key] != found[key]]


def _compare_shardings(found: dict[int, dict[str, Any]], report: Report) -> None:
    """Shards are nobody's business but the disk's."""
    first, *others = found
    for other in others:
        for key in ("passages", "vectors", "rankings"):
            if found[first][key] != found[other][key]:
                report.differences.append(f"shards of {first} and of {other} have other {key}")


class _Server:
    """A process with everything imported and no thread, which forks a build whenever it is told to."""

    def __enter__(self) -> _Server:
        command = [sys.executable, str(Path(__file__).resolve()), "serve"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def start(self, corpus: Path, output: Path, size: int, die_at: int = 0, delay: float = 0.0) -> None:
        """Begin a build that dies before its step `die_at`, or after `delay` seconds (0: never)."""
        assert self.process.stdin is not None
        order = {"corpus": str(corpus), "output": str(output), "size": size, "die_at": die_at, "delay": delay}
        self.process.stdin.write(json.dumps(order) + "\n")

    def is_done(self, seconds: float) -> bool:
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def wait(self) -> tuple[int, str]:
        """(exit code or minus the signal, the last line that the build said)."""
        assert self.process.stdout is not None
        status, said = json.loads(self.process.stdout.readline())
        return status, said


def serve() -> None:
    """One build an order, until stdin ends."""
    import faiss  # noqa: F401  # once here, not in every build
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401

    vectors.BLOCK = BLOCK
    for line in sys.stdin:
        order = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writer, 2)
            _build_and_exit(Path(order["corpus"]), Path(order["output"]), order["size"], order["die_at"])
        os.close(writer)
        if order["delay"]:
            time.sleep(order["delay"])
            os.kill(child, signal.SIGKILL)
        with os.fdopen(reader) as said:
            lines = said.read().splitlines()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps([status, lines[-1] if lines else ""]), flush=True)


def _build_and_exit(corpus: Path, output: Path, size: int, die_at: int) -> None:
    status = 1
    try:
        with _steps(die_at) as count:
            build(corpus, output, BuildSettings(shard_passages=size), threads=1)
        os.write(2, f"{count[0]}\n".encode())
        status = 0
    except WebBrainError as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(status)


CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree")


@contextmanager
def _steps(die_at: int) -> Iterator[list[int]]:
    """Counts what changes the disk, and dies before the step of that number."""
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

    def sync(handle: int) -> None:
        step("an fsync")
        original(handle)
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


if __name__ == "__main__":
    main()
