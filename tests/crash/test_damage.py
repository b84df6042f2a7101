"""One flipped byte anywhere is found by `verify --full`; a search over damage gives an answer or an error of ours."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.building import build_index
from webbrain.errors import WebBrainError
from webbrain.models import DEFAULT_ENCODER
from webbrain.retrieval import make_retriever
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.verify import verify

SAMPLE = 6  # bytes of a file with a hash in the manifest; one hash covers them all
EVERY = (layout.CURRENT, layout.MANIFEST_DIGEST)  # files that no hash covers: each of their bytes
TEXTS = [f"Text {n} about {word}." for n, word in enumerate("dogs cats birds fish stars boats".split())]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with everything in it: three shards, vectors, a reject, an alias."""
    rows = [*TEXTS, TEXTS[0].upper(), " ", "The last text."]
    return build_index(tmp_path_factory.mktemp("sound"), rows, encoder=DEFAULT_ENCODER, shard_passages=3).folder


@pytest.fixture
def index(sound: Path, tmp_path: Path) -> Path:
    """A copy to break; big files are shared until they are written."""
    shutil.copytree(sound, tmp_path / "index", copy_function=_link)
    return tmp_path / "index"


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def own(path: Path) -> Path:
    """The file with a content of its own."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    return path


def places(path: Path, draw: random.Random) -> list[int]:
    size = path.stat().st_size
    if path.name in EVERY:
        return list(range(size))
    return sorted({0, size - 1, *(draw.randrange(size) for _ in range(SAMPLE))})


def files(index: Path) -> Iterator[Path]:
    return (path for path in sorted(index.rglob("*")) if path.is_file() and path.name != layout.LOCK)


def test_every_file_is_covered(sound: Path) -> None:
    assert verify(sound, full=True) == []
    names = {path.name for path in files(sound)}
    assert {"CURRENT", "manifest.json", "manifest.sha256", "model.onnx", "tokenizer.json", "encoder.json"} <= names
    assert {"rejects.jsonl", "aliases.jsonl", "00001.faiss", "00001.text"} <= names
    assert all(path.stat().st_size for path in files(sound))


def test_one_flipped_byte_is_found(index: Path) -> None:
    draw = random.Random(7)
    for path in files(index):
        small = path.stat().st_size < 1 << 20
        for place in places(path, draw) if small else [draw.randrange(path.stat().st_size)]:
            with own(path).open("r+b") as file:
                file.seek(place)
                byte = file.read(1)
                file.seek(place)
                file.write(bytes([byte[0] ^ 1 << draw.randrange(8)]))
                file.flush()
                assert verify(index, full=True), f"byte {place} of {path}"
                file.seek(place)
                file.write(byte)
    assert verify(index, full=True) == []


def test_a_byte_too_few_or_too_many_is_found_even_without_hashing(index: Path) -> None:
    for path in files(index):
        data = path.read_bytes()
        for other in (data[:-1], data + b"\n", b""):
            path.unlink()
            path.write_bytes(other)
            assert verify(index), path
            assert verify(index, full=True), path
        path.unlink()
        assert verify(index), path
        path.write_bytes(data)
    assert verify(index, full=True) == []


def test_files_that_belong_to_nothing_are_found(index: Path) -> None:
    build = Index.open(index).build
    for name in ("extra.txt", "passages/00009.text", "encoder/model.onnx.old", "dense/.hidden"):
        (build / name).write_text("x")
        assert verify(index, full=True) == [f"{build / name} belongs to no index; delete it"]
        (build / name).unlink()


def test_a_search_over_damage_ends_in_an_answer_or_an_error_of_ours(index: Path) -> None:
    """A memory map shows a flipped byte without a word; what it leads to must not be a traceback."""
    draw = random.Random(11)
    for path in files(index):
        if path.stat().st_size > 1 << 20 or path.suffix == ".faiss":
            continue
        data = path.read_bytes()
        for _ in range(12):
            broken = bytearray(data)
            broken[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            path.unlink()
            path.write_bytes(broken)
            try:
                opened = Index.open(index)
                for query in ("dogs", "text about cats", "stars"):
                    make_retriever(opened, "bm25").search(query, 10)
            except WebBrainError:
                continue
        path.unlink()
        path.write_bytes(data)


DENSE = """
import sys
from webbrain.errors import WebBrainError
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.store.verify import verify
assert verify(sys.argv[1], full=True)
try:
    print(len(make_retriever(Index.open(sys.argv[1]), "dense").search("dogs", 3)))
except WebBrainError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["dense/00000.faiss", "encoder/model.onnx", "encoder/tokenizer.json"])
def test_vectors_and_encoders_that_cannot_be_read_are_errors_of_ours(index: Path, name: str) -> None:
    """In a process of its own: a library might not survive what it is given."""
    path = own(Index.open(index).build / name)
    data = bytearray(path.read_bytes())
    data[:40] = bytes(range(200, 240))
    path.write_bytes(data)
    done = subprocess.run([sys.executable, "-c", DENSE, str(index)], capture_output=True, text=True, check=True)
    assert "run `webbrain index verify DIR --full`" in done.stdout
