"""`webbrain evaluate support` and `calibrate`: the format is a contract, complaints name the line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from eval.support import read_pairs
from webbrain.errors import ConfigError, CorpusError

SOURCE = "The Harlow Bridge was opened on 12 May 1893 by Mayor Edwin Castle. It is 340 metres long."


def write(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def pair(number: int, **fields: object) -> dict[str, object]:
    return {"id": f"p{number}", "source": SOURCE, "claim": "The bridge is 340 metres long.", **fields}


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_every_pair_has_a_score_and_a_label_in_order(tmp_path: Path) -> None:
    rows = [
        pair(3),
        pair(1, claim="The bridge is 900 metres long."),
        pair(2, source=["It is 340 metres long.", "Edwin Castle opened it."]),
        pair(4, source=[]),
        pair(5, source="", claim=""),
        {**pair(6), "id": 6, "extra": None},
    ]
    found = json.loads(run("support", "--pairs", write(tmp_path / "pairs.jsonl", rows), "--json"))
    assert [row["id"] for row in found["pairs"]] == ["p3", "p1", "p2", "p4", "p5", "6"]
    assert all(0 <= row["score"] <= 1 for row in found["pairs"])
    labels = [row["label"] for row in found["pairs"]]
    assert labels[0] == "supported"
    assert labels[1] != "supported"
    assert labels[3:5] == ["not_checked", "not_checked"]
    assert found["scorer"] == "tier1"


def test_another_scorer_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", [pair(1)])
    assert json.loads(run("support", "--pairs", path, "--scorer", "exact", "--json"))["scorer"] == "exact"


@pytest.mark.parametrize(
    "row", [[], {}, pair(1, source=7), pair(1, source=["a", 1]), pair(1, claim=None), {**pair(1), "id": None}, "x"]
)
def test_a_row_that_is_no_pair_names_its_line(tmp_path: Path, row: object) -> None:
    path = write(tmp_path / "pairs.jsonl", [pair(0), row])
    with pytest.raises(CorpusError, match=r"pairs.jsonl:2"):
        list(read_pairs(path))


def test_an_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="twice"):
        list(read_pairs(write(tmp_path / "pairs.jsonl", [pair(1), pair(1)])))


@pytest.mark.parametrize(
    ("label", "supported"),
    [("supported", True), (True, True), (1, True), ("SUPPORTS", True), ("not supported", False), (0, False),
     ("partially_supported", False), ("REFUTES", False)],
)  # fmt: skip
def test_labels_in_many_forms(tmp_path: Path, label: object, supported: bool) -> None:
    path = write(tmp_path / "pairs.jsonl", [pair(1, label=label)])
    assert next(read_pairs(path, labelled=True)).supported is supported


def test_an_unknown_or_missing_label_is_refused(tmp_path: Path) -> None:
    for row in (pair(1, label="maybe"), pair(1)):
        with pytest.raises(CorpusError, match="label"):
            list(read_pairs(write(tmp_path / "pairs.jsonl", [row]), labelled=True))


def test_a_cut_is_fitted_and_used(tmp_path: Path) -> None:
    good = [pair(at, label="supported") for at in range(10)]
    bad = [pair(at, claim=f"The bridge is {at + 600} metres long.", label="not_supported") for at in range(10, 20)]
    pairs, cut = write(tmp_path / "pairs.jsonl", [*good, *bad]), tmp_path / "cut.json"
    assert json.loads(run("calibrate", "--pairs", pairs, "--output", cut, "--json"))["balanced_accuracy"] == 1.0
    found = json.loads(run("support", "--pairs", pairs, "--calibration", cut, "--json"))
    assert found["scorer"] == "tier1, calibrated"
    assert [row["label"] == "supported" for row in found["pairs"]] == [True] * 10 + [False] * 10
    assert all((row["score"] >= 0.5) == (row["label"] == "supported") for row in found["pairs"])


def test_too_few_labels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", [pair(1, label="supported")])
    with pytest.raises(ConfigError, match="too few"):
        run("calibrate", "--pairs", path)
