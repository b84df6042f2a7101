"""SIGKILL an index build again and again, resume it, and compare what comes out with an unbroken build.

    python benchmarks/crash.py [--kills 200] [--corpus corpus_samples/pages] [--seed 1]

Three ways to die, in turn: after a random time; before a random step (a file opened for writing, an fsync, a rename, a
deletion ...); and at one of the last steps of a fresh build, where it is published. An older index stands in the folder
all the while: after every kill, and while the next build runs, it must open and answer as before, until the new one is
complete. Then every file, row, vector, ranking and score must equal those of the unbroken build. Builds have shards of
several sizes, whose rows, vectors, rankings and scores must agree as well.
"""

from __future__ import annotations

import argparse
import os
import random
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

from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.errors import WebBrainError
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.store.verify import verify

ROOT = Path(__file__).parents[1]
SHARDS = (25, 100, 1000)  # passages in a shard; the last: one shard of several blocks of vectors
QUERIES = ("Eiffel Tower", "who invented the steam engine", "smallpox vaccine 1796", "the", "Jaguar", "nothing of it")
LAST_STEPS = 24
FIRST_SECONDS = 1.0  # within which a build is killed the first time; later ones of the same build get longer
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
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--corpus", type=Path, default=ROOT / "corpus_samples/pages")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = crash_loop(arguments.corpus, Path(folder), arguments.kills, seed=arguments.seed)
    print(
        f"{report.kills} SIGKILLs in {report.builds} builds, the old index opened {report.reads} times meanwhile, "
        f"{len(report.differences)} differences, {time.perf_counter() - begin:.0f} s"
    )
    for step, number in report.where.most_common():
        print(f"{number:5} killed {step}")
    for difference in report.differences:
        print(f"DIFFERENT: {difference}")
    sys.exit(bool(report.differences))


def crash_loop(corpus: Path, folder: Path, kills: int, *, shards: tuple[int, ...] = SHARDS, seed: int = 1) -> Report:
    """Kill builds of `corpus` inside `folder` until `kills` of them died; see the module's description."""
    report = Report()
    draw = random.Random(seed)
    build(corpus, folder / "old", OLD)
    old = content(Index.open(folder / "old"))
    unbroken = {size: _unbroken(corpus, folder, size) for size in shards}
    _compare_shardings({size: found for size, (found, _) in unbroken.items()}, report)
    while report.kills < kills:
        size = shards[report.builds % len(shards)]
        expected, steps = unbroken[size]
        killer = _Killer(corpus, folder / "killed", size, steps, draw, report)
        killer.until_done(("time", "step", "publish")[report.builds % 3], old)
        _compare(expected, content(Index.open(killer.output)), f"build {report.builds}, shards of {size}", report)
        report.differences += verify(killer.output, full=True)
        report.builds += 1
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


def _unbroken(corpus: Path, folder: Path, size: int) -> tuple[dict[str, Any], int]:
    """(content, steps) of a build that nobody disturbs."""
    output = folder / f"unbroken-{size}"
    shutil.copytree(folder / "old", output)
    run = subprocess.run(_command(corpus, output, size, 0), cwd=ROOT, capture_output=True, text=True, check=True)
    return content(Index.open(output)), int(run.stdout)


def _command(corpus: Path, output: Path, size: int, die_at: int) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), "child", str(corpus), str(output), str(size), str(die_at)]


class _Killer:
    """Starts builds of one folder and kills them until one comes through."""

    def __init__(self, corpus: Path, output: Path, size: int, steps: int, draw: random.Random, report: Report) -> None:
        self.corpus, self.output, self.size = corpus, output, size
        self.steps, self.draw, self.report = steps, draw, report
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(output.with_name("old"), output)

    def until_done(self, way: str, old: dict[str, Any]) -> None:
        fresh, patience = True, FIRST_SECONDS
        while True:
            die_at = self._die_at(way, fresh)
            command = _command(self.corpus, self.output, self.size, die_at)
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                if way == "time":
                    self._kill_in_time(process, patience)
                self._read_while(process, old)
                said = process.stderr.read().decode() if process.stderr else ""
            if process.returncode == 0:
                return
            if process.returncode != -signal.SIGKILL:
                raise RuntimeError(f"the build ended by itself with {process.returncode}: {said}")
            self.report.kills += 1
            self.report.where[said.rsplit("\n", 2)[-2] if "before" in said else "after a random time"] += 1
            self._read(old)
            fresh, patience = False, patience * 1.2

    def _die_at(self, way: str, fresh: bool) -> int:
        """The step to die before; 0 for never."""
        if way == "time":
            return 0
        if way == "publish" and fresh:
            return self.steps - self.draw.randrange(LAST_STEPS)
        return 1 + self.draw.randrange(max(self.steps // 4, 2))

    def _kill_in_time(self, process: subprocess.Popen[bytes], patience: float) -> None:
        """Up to `patience` seconds after its imports, however slow the machine."""
        assert process.stderr is not None
        process.stderr.readline()
        deadline = time.monotonic() + self.draw.uniform(0, patience)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.kill()

    def _read_while(self, process: subprocess.Popen[bytes], old: dict[str, Any]) -> None:
        while process.poll() is None:
            self._read(old)
            time.sleep(0.2)

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


def child(corpus: Path, output: Path, size: int, die_at: int) -> None:
    """A build that kills itself before its step `die_at`; prints the number of its steps when it comes through."""
    print("begins", file=sys.stderr, flush=True)
    with _steps(die_at) as count:
        build(corpus, output, BuildSettings(shard_passages=size), threads=1)
    print(count[0])


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

    def sync(handle: int, original: Any = os.fsync) -> None:
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
    """The file's kind: its name without numbers."""
    return (
        "".join(char for char in Path(os.fsdecode(path)).name if not char.isdigit())
        if isinstance(path, str | bytes | Path)
        else "?"
    )


if __name__ == "__main__":
    main()
