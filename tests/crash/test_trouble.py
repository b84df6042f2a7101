"""A full disk, a folder that may not be written, two builders at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexing import vectors
from indexing.build import build
from indexing.files import write_lock
from indexing.publish import collect_garbage
from indexing.settings import BuildSettings
from tests.building import write_corpus
from webbrain.errors import IndexBusy, IndexNotFound, IndexNotWritten
from webbrain.models import DEFAULT_ENCODER
from webbrain.store.index import Index
from webbrain.store.verify import verify

ROOT = Path(__file__).parents[2]
PLAIN = BuildSettings(encoder=None, shard_passages=2)
TEXTS = [f"Text {n} about {word}." for n, word in enumerate("dogs cats birds fish stars boats".split())]
BUILD = """
import resource, signal, sys
from pathlib import Path
from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.errors import WebBrainError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if int(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    settings = BuildSettings(encoder=sys.argv[4] or None, shard_passages=int(sys.argv[5]))
    build(Path(sys.argv[1]), Path(sys.argv[2]), settings)
except WebBrainError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus.jsonl", TEXTS)


def build_apart(corpus: Path, output: Path, *, limit: int = 0, encoder: str = "", shard: int = 2) -> str:
    """What a build says that runs in a process of its own, whose files the system lets grow to `limit` bytes only."""
    command = [sys.executable, "-c", BUILD, str(corpus), str(output), str(limit), encoder, str(shard)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


class TestAFullDisk:
    """The system refuses to write further in the middle of a file, as a full disk does."""

    @pytest.mark.parametrize("limit", [50, 300, 1000, 4000, 20_000])
    def test_without_vectors(self, tmp_path: Path, corpus: Path, limit: int) -> None:
        said = build_apart(corpus, tmp_path / "i", limit=limit)
        assert said.startswith("IndexNotWritten writing ")
        assert "mend that and run the same command: finished shards are kept" in said
        with pytest.raises(IndexNotFound, match="unfinished build"):
            Index.open(tmp_path / "i")
        self.goes_on(corpus, tmp_path, PLAIN)

    def test_while_the_encoder_is_packed(self, tmp_path: Path, corpus: Path) -> None:
        said = build_apart(corpus, tmp_path / "i", limit=5_000_000, encoder=DEFAULT_ENCODER)
        assert said.startswith("IndexNotWritten writing ")
        assert not list((tmp_path / "i").glob("builds/*/encoder"))

    def test_while_vectors_are_written(self, tmp_path: Path) -> None:
        corpus = write_corpus(tmp_path / "corpus.jsonl", TEXTS)
        settings = BuildSettings(shard_passages=1000)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vectors, "sync_file", self.no_room)
            with pytest.raises(IndexNotWritten, match="No space left"):
                build(corpus, tmp_path / "i", settings, threads=1)
        self.goes_on(corpus, tmp_path, settings)

    @staticmethod
    def no_room(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    @staticmethod
    def goes_on(corpus: Path, tmp_path: Path, settings: BuildSettings) -> None:
        build(corpus, tmp_path / "i", settings, threads=1)
        build(corpus, tmp_path / "unbroken", settings, threads=1)
        assert verify(tmp_path / "i", full=True) == []
        assert Index.open(tmp_path / "i").manifest.files == Index.open(tmp_path / "unbroken").manifest.files

    def test_the_old_index_stays(self, tmp_path: Path, corpus: Path) -> None:
        first = build(corpus, tmp_path / "i", PLAIN)
        write_corpus(corpus, [*TEXTS, "More."])
        assert build_apart(corpus, tmp_path / "i", limit=1000).startswith("IndexNotWritten")
        assert Index.open(tmp_path / "i").build.name == first.build_id
        assert verify(tmp_path / "i", full=True) == []


def test_a_folder_that_may_not_be_written(tmp_path: Path, corpus: Path) -> None:
    folder = Path("/sys/kernel") if os.geteuid() == 0 else tmp_path / "closed"  # root may write anywhere else
    if os.geteuid() != 0:
        folder.mkdir(mode=0o555)
    with pytest.raises(
        IndexNotWritten, match=f"writing {folder}/webbrain failed .*permi.*; mend that and run the same"
    ):
        build(corpus, folder / "webbrain", PLAIN)


class TestTwoBuilders:
    def test_the_second_is_told_to_wait(self, tmp_path: Path, corpus: Path) -> None:
        build(corpus, tmp_path / "i", PLAIN)
        with write_lock(tmp_path / "i"):
            said = build_apart(corpus, tmp_path / "i")
            assert said.startswith(f"IndexBusy another process is writing {tmp_path}/i; wait for it to end")
            assert len(Index.open(tmp_path / "i")) == len(TEXTS)
        assert build_apart(corpus, tmp_path / "i") == ""

    def test_garbage_is_not_collected_under_a_build(self, tmp_path: Path, corpus: Path) -> None:
        build(corpus, tmp_path / "i", PLAIN)
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path / "i")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(IndexBusy):
            collect_garbage(tmp_path / "i")
        holder.kill()  # a lock dies with its process
        holder.wait()
        assert collect_garbage(tmp_path / "i") == []


HOLD = """
import sys
from pathlib import Path
from indexing.files import write_lock
with write_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
