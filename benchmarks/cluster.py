"""A cluster build of 20,000 documents on two Ray nodes of this host, with workers and a node killed on the way.

    python benchmarks/cluster.py [--documents 20000] [--encoder NAME] [--keep-node]

SIGKILL hits a worker inside a task when half of the splits are prepared and when half of the shards are made, and at a
quarter of the splits a whole node (raylet and workers), for which another comes. Every file must equal that of a build
on one machine, and every document be there once. The text is made up (`tests/cluster/corpus.py`), so times say what the
pipeline costs, not what a corpus would.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from indexing.build import build
from indexing.cluster.build import ClusterSettings, Quiet, build_on_cluster
from indexing.settings import BuildSettings
from tests.cluster.corpus import write
from tests.cluster.nodes import kill_worker, two_nodes
from webbrain.store.index import Index
from webbrain.store.verify import verify

Item = TypeVar("Item")


class Chaos(Quiet):
    """Kills a node at a quarter of the splits, a worker at half of the splits and of the shards; takes the times."""

    def __init__(self, cluster: Any, *, node: bool) -> None:
        self.cluster, self.node = cluster, node
        self.killed: list[str] = []
        self.times: dict[str, float] = {}

    def count(self, items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
        begin = time.perf_counter()
        for done, item in enumerate(items, 1):
            yield item
            if self.node and label.startswith("preparing") and done == (total or 0) // 4:
                self._kill_node()
            if label.startswith(("preparing", "making")) and done == (total or 0) // 2:
                self.killed.append(f"worker {kill_worker(self.cluster)} while {label}")
        self.times[label] = time.perf_counter() - begin

    def _kill_node(self) -> None:
        node = self.cluster.list_all_nodes()[-1]
        self.cluster.remove_node(node, allow_graceful=False)
        self.killed.append("a node while preparing splits")
        self.cluster.add_node(num_cpus=1, object_store_memory=100_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--encoder", help="make vectors with this model; without it BM25 alone")
    parser.add_argument("--keep-node", action="store_true", help="kill workers only")
    arguments = parser.parse_args()
    settings = BuildSettings(encoder=arguments.encoder, shard_passages=2500)
    with TemporaryDirectory() as name:
        folder = Path(name)
        corpus = write(folder / "corpus", arguments.documents)
        begin = time.perf_counter()
        build(corpus, folder / "alone", settings)
        print(f"one machine, one process: {time.perf_counter() - begin:.1f} s", flush=True)
        with two_nodes() as cluster:
            chaos = Chaos(cluster, node=not arguments.keep_node)
            begin = time.perf_counter()
            build_on_cluster(corpus, folder / "index", settings, ClusterSettings(split_bytes=600_000), watch=chaos)
            print(f"two nodes of one core: {time.perf_counter() - begin:.1f} s", flush=True)
        _tell(chaos, Index.open(folder / "index"), Index.open(folder / "alone"))


def _tell(chaos: Chaos, index: Index, alone: Index) -> None:
    for label, seconds in chaos.times.items():
        print(f"  {label}: {seconds:.1f} s")
    for what in chaos.killed:
        print(f"  killed: {what}")
    counts = Counter(shard.head(number).doc_id for shard in index.passages for number in range(shard.documents))
    once = set(counts.values()) == {1} and len(counts) == index.manifest.totals["documents"]
    same = index.manifest.files == alone.manifest.files and index.manifest.totals == alone.manifest.totals
    sound = not verify(index.folder, full=True)
    print(f"{dict(index.manifest.totals)}")
    print(f"every document exactly once: {once}; all {len(alone.manifest.files)} files equal: {same}; sound: {sound}")
    sys.exit(not (once and same and sound and len(chaos.killed) >= 2))


if __name__ == "__main__":
    main()
