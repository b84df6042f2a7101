"""A build on two Ray nodes gives the files that one machine makes, whoever is killed on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexing.build import build
from indexing.cluster.build import ClusterSettings, build_on_cluster
from indexing.settings import BuildSettings
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.store.verify import verify

from . import corpus as made
from .nodes import Interrupted, Killer, two_nodes

pytest.importorskip("ray", reason="the cluster's extra is not installed: pip install 'webbrain[cluster]'")

SETTINGS = BuildSettings(encoder=None, shard_passages=200)
PREPARE, SHARDS = "preparing splits of the corpus", "making shards"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a bucket of an S3 server on this machine, "" where none can be had."""
    try:
        import s3fs  # noqa: F401
        from moto.server import ThreadedMotoServer
    except ImportError:
        yield ""
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "any")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("FSSPEC_S3_ENDPOINT_URL", f"http://{host}:{port}")
        yield "s3://webbrain-test"
    server.stop()


@pytest.fixture(scope="module")
def cluster(bucket: str) -> Iterator[Any]:
    """Its nodes know the S3 server by the environment that they are started in."""
    with two_nodes() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("cluster") / "corpus", 2000)


@pytest.fixture(scope="module")
def alone(corpus: Path) -> Index:
    """The index that this machine makes by itself."""
    build(corpus, corpus.parent / "alone", SETTINGS)
    return Index.open(corpus.parent / "alone")


def settings(**changes: Any) -> ClusterSettings:
    return ClusterSettings(**{"split_bytes": 120_000, **changes})


def test_a_worker_killed_half_way_loses_and_repeats_nothing(
    cluster: Any, corpus: Path, alone: Index, tmp_path: Path
) -> None:
    killer = Killer(cluster, PREPARE, SHARDS)
    build_on_cluster(corpus, tmp_path / "index", SETTINGS, settings(), watch=killer)
    assert len(killer.killed) == 2
    index = Index.open(tmp_path / "index")
    assert_same(index, alone)
    assert verify(tmp_path / "index", full=True) == []
    ids = Counter(shard.head(document).doc_id for shard in index.passages for document in range(shard.documents))
    assert set(ids.values()) == {1}
    assert len(ids) == index.manifest.totals["documents"] > 1500
    assert min(index.manifest.totals[name] for name in ("rejects", "duplicates", "shards")) > 3
    assert not (tmp_path / "index/cluster-work" / index.manifest.build_id).exists()


def test_rankings_and_scores_are_the_same(cluster: Any, corpus: Path, alone: Index, tmp_path: Path) -> None:
    build_on_cluster(corpus, tmp_path / "index", SETTINGS, settings(split_bytes=10**9))
    index = Index.open(tmp_path / "index")
    for row in range(0, len(alone), 50):
        query = " ".join(alone.passage(row).text.split()[:4])
        found, expected = (make_retriever(one, "bm25").search(query, 20) for one in (index, alone))
        assert found == expected


@pytest.mark.parametrize("label", [PREPARE, SHARDS])
def test_a_driver_that_stops_goes_on_where_it_was(
    cluster: Any, corpus: Path, alone: Index, tmp_path: Path, label: str
) -> None:
    first, second = Interrupted(label), Interrupted()
    with pytest.raises(KeyboardInterrupt):
        build_on_cluster(corpus, tmp_path / "index", SETTINGS, settings(), watch=first)
    # Of another size: the splits stay those of the first run.
    build_on_cluster(corpus, tmp_path / "index", SETTINGS, settings(split_bytes=10**9), watch=second)
    assert second.totals[label] <= first.totals[label] - first.totals[label] // 2
    if label == SHARDS:
        assert second.totals[PREPARE] == 0
    assert_same(Index.open(tmp_path / "index"), alone)


def test_shards_on_object_storage(cluster: Any, bucket: str, corpus: Path, alone: Index, tmp_path: Path) -> None:
    if not bucket:
        pytest.skip("no S3 server to be had: pip install s3fs 'moto[server]'")
    import fsspec

    files = fsspec.filesystem("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    files.mkdir(bucket)
    killer = Killer(cluster, SHARDS)
    build_on_cluster(corpus, tmp_path / "index", SETTINGS, settings(storage=f"{bucket}/work"), watch=killer)
    assert killer.killed
    assert_same(Index.open(tmp_path / "index"), alone)
    files.invalidate_cache()
    assert files.find(bucket) == []


def assert_same(index: Index, alone: Index) -> None:
    """Every file, byte for byte, and every sum; what differs is when and where it was made."""
    assert index.manifest.files == alone.manifest.files
    assert index.manifest.totals == alone.manifest.totals
    assert index.manifest.shards == alone.manifest.shards
    assert index.manifest.settings == alone.manifest.settings
    assert index.manifest.build_id == alone.manifest.build_id
