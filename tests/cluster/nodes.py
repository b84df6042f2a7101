"""Two Ray nodes on this host, and a hand that kills a worker in the middle of its task."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from indexing.cluster.build import Quiet

Item = TypeVar("Item")


@contextmanager
def two_nodes(memory: int = 100_000_000) -> Iterator[Any]:
    """A Ray cluster of two nodes with one core each; this process is its driver. Yields `ray.cluster_utils.Cluster`."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    cluster = _start(memory)
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _start(memory: int, tries: int = 3) -> Any:
    """A node that a busy host does not start within Ray's own 30 s fails the whole cluster: it is tried again."""
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": memory}
    cluster = Cluster()  # type: ignore[no-untyped-call]
    try:
        cluster.add_node(**node)
        cluster.add_node(num_cpus=1, object_store_memory=memory)
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception:  # Ray raises the bare class
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]
        if tries == 1:
            raise
        return _start(memory, tries - 1)
    return cluster


class Killer(Quiet):
    """A `Watch` that, when half of the tasks labelled `label` are done, kills a worker while it works on another."""

    def __init__(self, cluster: Any, *labels: str) -> None:
        self.cluster, self.labels = cluster, labels
        self.killed: list[int] = []

    def count(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
        for done, item in enumerate(items, 1):
            yield item
            if label in self.labels and total and done == total // 2:
                self.killed.append(kill_worker(self.cluster))


class Interrupted(Quiet):
    """A `Watch` under which the driver stops after half of the tasks labelled `label`; counts what it was to do."""

    def __init__(self, label: str = "") -> None:
        self.label = label
        self.totals: dict[str, int] = {}

    def count(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
        self.totals[label] = total or 0
        for done, item in enumerate(items, 1):
            yield item
            if label == self.label and done == self.totals[label] // 2:
                raise KeyboardInterrupt


def kill_worker(cluster: Any, seconds: float = 20) -> int:
    """SIGKILL a worker of this cluster that is inside a task; returns its process id."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for pid in _busy_workers(cluster):
            os.kill(pid, signal.SIGKILL)
            return pid
        time.sleep(0.005)
    raise AssertionError("no worker was found inside a task")


def _busy_workers(cluster: Any) -> Iterator[int]:
    raylets = {info.process.pid for node in cluster.list_all_nodes() for info in node.all_processes["raylet"]}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _is_child_of(folder, raylets) and _title(folder).startswith("ray::Map"):
            yield int(folder.name)


def _is_child_of(folder: Path, parents: set[int]) -> bool:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1]) in parents
    except OSError:  # it has ended
        return False


def _title(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""
