"""What the commands cost to start: the first thing that a user feels."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building import write_corpus

ROOT = Path(__file__).parents[2]
HELP_SECONDS = 0.3
SEARCH_SECONDS = 1.5
NEVER = ("torch", "transformers", "datasets", "sentence_transformers", "sklearn", "scipy", "pandas")
BM25_NEVER = (*NEVER, "faiss", "onnxruntime", "onnx", "tokenizers", "trafilatura", "huggingface_hub")


def run(*arguments: str) -> tuple[float, set[str]]:
    """(CPU seconds of a command in a process of its own, user and system; the modules it loaded)."""
    script = (
        "import sys; from webbrain.__main__ import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, {name.split(".")[0] for name in done.stderr.split()}


def least(*arguments: str) -> tuple[float, set[str]]:
    """Of three runs the cheapest: what the command needs, not what the machine is up to."""
    return min((run(*arguments) for _ in range(3)), key=lambda found: found[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with vectors, built by the command line."""
    folder = tmp_path_factory.mktemp("cost")
    corpus = write_corpus(folder / "c.jsonl", [f"Text {n} about dogs and their {n} bones." for n in range(20)])
    run("index", "build", str(corpus), "--output", str(folder / "index"))
    return folder / "index"


def test_help_is_quick() -> None:
    seconds, modules = least("--help")
    assert seconds < HELP_SECONDS
    assert not modules & {*BM25_NEVER, "numpy", "rich"}


@pytest.mark.parametrize(
    ("retriever", "never"), [("bm25", BM25_NEVER), ("dense", NEVER), ("hybrid", NEVER)], ids=["bm25", "dense", "hybrid"]
)
def test_a_cold_search_is_quick(folder: Path, retriever: str, never: tuple[str, ...]) -> None:
    seconds, modules = least("search", "dogs", "--index", str(folder), "--retriever", retriever, "--json")
    assert seconds < SEARCH_SECONDS
    assert not modules & set(never)


def test_writing_loads_no_torch(folder: Path) -> None:
    _, modules = run("write", "dogs", "--index", str(folder))
    assert not modules & set(NEVER)


def test_building_loads_no_torch(folder: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c.jsonl", ["A text of its own."])
    _, modules = run("index", "build", str(corpus), "--output", str(tmp_path / "index"))
    assert not modules & {"torch", "transformers", "datasets"}
