"""The built wheel, used as a stranger would: unpacked elsewhere, run from another folder, the checkout out of reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the wheel holds."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = out.glob("webbrain-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


@pytest.fixture(scope="module")
def index(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index") / "demo"
    corpus = site / "webbrain" / "corpus_samples" / "pages" / "encyclopaedia"
    assert run(site, "index", "build", str(corpus), "--output", str(folder)).returncode == 0
    return folder


def run(site: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "100"}
    # -P and a first entry of PYTHONPATH: neither the working folder nor the editable checkout comes before the wheel.
    command = [sys.executable, "-P", "-m", "webbrain", *arguments]
    return subprocess.run(command, cwd=site.parent, env=environment, input=stdin, capture_output=True, text=True)


def test_the_wheel_is_what_runs(site: Path) -> None:
    code = "import webbrain, webbrain.cli, webbrain.indexing, webbrain.eval; print(webbrain.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    shown = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith(str(site))


def test_it_brings_nothing_into_other_peoples_names(site: Path) -> None:
    assert {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")} == {"webbrain"}


@pytest.mark.parametrize("command", [[], ["index"], ["evaluate"], ["dataset"], ["train"]])
def test_every_group_has_help(site: Path, command: list[str]) -> None:
    shown = run(site, *command, "--help")
    assert shown.returncode == 0
    assert "Usage: webbrain" in shown.stdout


def test_an_article_keeps_the_contract(site: Path, index: Path) -> None:
    shown = run(site, "write", "-", "--index", str(index), "--json", stdin="Ada Lovelace")
    article = json.loads(shown.stdout)
    assert (article["query"], article["status"]) == ("Ada Lovelace", "ok")
    markers = {reference["marker"] for reference in article["references"]}
    for sentence in article["sentences"]:
        assert sentence["citations"]
        assert set(sentence["citations"]) <= markers
        assert 0 <= sentence["support"] <= 1


@pytest.mark.parametrize(
    ("scorer", "code", "hint"),
    [("exact", 0, ""), ("nobody", 2, "known are: exact, joint"), ("joint:./nowhere", 1, "no folder")],
)
def test_the_checker_can_be_chosen(site: Path, index: Path, scorer: str, code: int, hint: str) -> None:
    shown = run(site, "write", "Ada Lovelace", "--index", str(index), "--json", "--scorer", scorer)
    assert shown.returncode == code, shown.stderr
    assert hint in shown.stderr
    assert "Traceback" not in shown.stderr
    if code == 0:
        assert json.loads(shown.stdout)["provenance"]["scorer"] == scorer


def test_hits_keep_the_contract(site: Path, index: Path) -> None:
    shown = run(site, "search", "analytical engine", "--index", str(index), "-k", "3", "--json")
    hits = json.loads(shown.stdout)["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert set(hits[0]) == {"rank", "score", "passage_id", "doc_id", "title", "url", "text"}


def test_nothing_found_is_no_failure(site: Path, index: Path) -> None:
    shown = run(site, "write", "Ottoline Bragworth", "--index", str(index), "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["status"] == "no_evidence"


def test_a_run_can_be_scored(site: Path, index: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.tsv").write_text("1\tAda Lovelace\n2\tCoffee\n", encoding="utf-8")
    (tmp_path / "qrels.txt").write_text("1 0 ada-lovelace.html 1\n2 0 coffee.html 1\n", encoding="utf-8")
    command = ["run", "--task", "search", "--queries", str(tmp_path / "queries.tsv"), "--index", str(index)]
    assert run(site, *command, "--output", str(tmp_path / "run.txt"), "-k", "10").returncode == 0
    scoring = ["evaluate", "retrieval", str(tmp_path / "run.txt"), "--qrels", str(tmp_path / "qrels.txt")]
    shown = run(site, *scoring, "--measures", "RR@10", "--json")
    assert json.loads(shown.stdout)["measures"]["RR@10"]["value"] == 1
    assert run(site, *scoring, "--measures", "RR@10", "--fail-under", "RR@10=1.5").returncode == 4


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["search", "x", "--index", "nowhere"], 3, "webbrain index build"),
        (["write", " ", "--index", "nowhere"], 2, "give some words"),
        (["index", "build", "nowhere", "--output", "somewhere"], 1, "no such file"),
        (["index", "verify", "nowhere"], 3, "nowhere"),
        (["search"], 2, "Usage"),
    ],
)
def test_mistakes_get_a_sentence_and_no_traceback(site: Path, arguments: list[str], code: int, hint: str) -> None:
    shown = run(site, *arguments)
    assert shown.returncode == code
    assert hint in shown.stderr
    assert "Traceback" not in shown.stderr
    assert shown.stdout == ""
