"""Whole runs: each kind trains, resumes after SIGKILL as if nothing had been, and gives what the command line loads."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from cli import app
from tests.building import write_corpus
from tests.retriever.made import tiny_bert, write_triples
from webbrain.errors import ConfigError, CorpusError
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.testing import TEXTS
from webbrain.training.curve import read_curve
from webbrain.training.retriever.run import Source, train_retriever
from webbrain.training.retriever.settings import RetrieverSettings

KINDS = {
    "static": {"kind": "sparse", "queries": "static", "learning_rate": 1e-2},
    "splade": {"kind": "sparse", "queries": "encoder", "learning_rate": 1e-3},
    "dense": {"kind": "dense", "learning_rate": 1e-3},
    "reranker": {"kind": "reranker", "learning_rate": 1e-3},
}
KILLED = """
import os, signal, sys
from tests.retriever.test_runs import run
def bar(steps, total, label):
    for step in steps:
        if label.startswith("training") and step == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        yield step
run(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], bar=bar)
"""


def run(kind: str, base: str, triples: str, output: str, **options: Any) -> dict[str, Any]:
    settings = RetrieverSettings(
        base=base, steps=8, batch=4, negatives=2, log_every=1, dev_every=4, checkpoint_every=3, **KINDS[kind]
    )
    return train_retriever(Source(triples=Path(triples)), Path(output), settings, note=lambda line: None, **options)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_bert(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def triples(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_triples(tmp_path_factory.mktemp("triples"), scores=True))


@pytest.fixture(scope="module")
def trained(base: str, triples: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    done: dict[str, Path] = {}

    def train(kind: str) -> Path:
        if kind not in done:
            done[kind] = tmp_path_factory.mktemp(kind)
            run(kind, base, triples, str(done[kind]))
        return done[kind]

    return train


@pytest.fixture(scope="module")
def index(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    corpus = write_corpus(folder / "corpus.jsonl", TEXTS)
    command("index", "build", str(corpus), "--output", str(folder / "index"), "--encoder", base)
    return folder / "index"


def command(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_loss(trained: Callable[[str], Path], kind: str) -> None:
    losses = [float(row["loss"]) for row in read_curve(trained(kind) / "curve.csv")]
    assert len(losses) == 8
    assert sum(losses[-3:]) < sum(losses[:3])
    report = json.loads((trained(kind) / "report.json").read_text())
    assert report["steps"] == 8
    assert "CPU" in report["device"] or "NVIDIA" in report["device"]


@pytest.mark.parametrize("kind", ["static", "dense"])
def test_a_killed_run_goes_on_as_if_nothing_had_been(
    trained: Callable[[str], Path], base: str, triples: str, tmp_path: Path, kind: str
) -> None:
    whole = trained(kind)
    killed = subprocess.run([sys.executable, "-c", KILLED, kind, base, triples, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "report.json").exists()
    with pytest.raises(ConfigError, match="add --resume"):
        run(kind, base, triples, str(tmp_path))
    run(kind, base, triples, str(tmp_path), resume=True)
    rows = [[row[name] for name in ("step", "loss", "dev_loss")] for row in read_curve(tmp_path / "curve.csv")]
    assert rows == [[row[name] for name in ("step", "loss", "dev_loss")] for row in read_curve(whole / "curve.csv")]
    for path in (whole / "model").glob("*.safetensors"):
        one, other = load_file(path), load_file(tmp_path / "model" / path.name)
        assert all((one[name] == other[name]).all() for name in one)


def test_a_dense_model_is_an_encoder_of_an_index(trained: Callable[[str], Path], tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", TEXTS)
    model = str(trained("dense") / "model")
    command("index", "build", str(corpus), "--output", str(tmp_path / "index"), "--encoder", model)
    found = json.loads(
        command("search", TEXTS[3], "--index", str(tmp_path / "index"), "--retriever", "dense", "--json")
    )
    assert found["hits"][0]["text"] == TEXTS[3]


@pytest.mark.parametrize("kind", ["static", "splade"])
def test_a_sparse_model_is_added_to_an_index(trained: Callable[[str], Path], index: Path, kind: str) -> None:
    command("index", "sparse", str(index), "--model", str(trained(kind) / "model"))
    for retriever in ("sparse", "hybrid3"):
        found = command("search", TEXTS[3], "--index", str(index), "--retriever", retriever, "--json")
        texts = [hit["text"] for hit in json.loads(found)["hits"]]
        assert texts[0] == TEXTS[3] if kind == "static" else TEXTS[3] in texts  # eight steps make no SPLADE
    assert not command("index", "verify", str(index), "--full")


def test_a_cross_encoder_reranks(trained: Callable[[str], Path], index: Path) -> None:
    name = f"bm25+{trained('reranker') / 'model'}@none"
    retriever = make_retriever(Index.open(index), name)
    assert retriever.name == "bm25+model"
    assert {hit.passage.text for hit in retriever.search("lighthouse Aldmouth", 8)} <= set(TEXTS)


def test_a_reranker_teaches_another_model(
    trained: Callable[[str], Path], base: str, triples: str, tmp_path: Path
) -> None:
    settings = RetrieverSettings(kind="dense", base=base, teacher_scale=1.0).smoke()
    source = Source(triples=Path(triples), teacher=trained("reranker") / "model")
    train_retriever(source, tmp_path, settings, note=lambda line: None)
    lines = (tmp_path / "scored" / "train.scores.tsv").read_text().splitlines()
    assert len(lines) == len(TEXTS)
    assert len(set(lines[0].split("\t")[1:])) > 1


@pytest.mark.parametrize("kind", ["sparse", "dense", "reranker"])
def test_a_smoke_run_from_nothing_but_an_index(base: str, index: Path, tmp_path: Path, kind: str) -> None:
    options = ["--kind", kind, "--base", base, "--smoke", "--synthetic", "16", "--json"]
    found = json.loads(
        command("train", "retriever", "--index", str(index), "--output", str(tmp_path / "run"), *options)
    )
    assert found["steps"] == 2
    assert (tmp_path / "run" / found["model"]).is_dir()


def test_a_wrong_line_stops_a_run(base: str, tmp_path: Path) -> None:
    folder = write_triples(tmp_path / "triples")
    with (folder / "train.tsv").open("a", encoding="utf-8") as file:
        file.write("q9\tquery\tp1")
    with pytest.raises(CorpusError, match=r"train\.tsv:9: the file is cut off"):
        run("static", base, str(folder), str(tmp_path / "run"))


def test_either_triples_or_an_index(tmp_path: Path) -> None:
    for source in (Source(), Source(triples=tmp_path, index=tmp_path)):
        with pytest.raises(ConfigError, match="give either --triples"):
            train_retriever(source, tmp_path / "run", RetrieverSettings())
