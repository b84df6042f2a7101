"""`webbrain index plan`: what is said to be measured is, and the rest grows as it should."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from indexing.estimate.constants import CONSTANTS
from indexing.estimate.measure import measure
from indexing.estimate.plan import Line, Request, estimate, measured
from indexing.settings import BuildSettings
from tests.building import build_index
from webbrain.errors import ConfigError, CorpusError
from webbrain.store.info import describe

TEXT = "The lighthouse of Aldmouth was built in 1847 on the north pier by the engineer Rosa Finch. "
ROWS: list[Any] = [f"Page {n}. " + TEXT * (1 + n % 20) for n in range(200)]


def lines(**options: Any) -> dict[str, Line]:
    return {line.name: line for line in estimate(Request(**{"passages": 10**9, **options}))}


def test_every_line_says_what_it_rests_on() -> None:
    for line in estimate(Request(10**9, price=1.0)):
        assert line.basis in ("given", "measured", "extrapolated")
        assert line.how or line.basis == "given"
        if line.basis == "measured":
            assert (line.value, line.unit) == (CONSTANTS[line.name].value, CONSTANTS[line.name].unit)
            assert CONSTANTS[line.name].command in line.how


def test_disk_is_the_sum_of_its_parts_and_grows_with_passages_and_words() -> None:
    one, ten, longer = lines(), lines(passages=10**10), lines(words=220)
    parts = ("passages", "bm25", "vectors", "lists", "state")
    assert one["disk, index"].value == pytest.approx(sum(one[f"disk, {part}"].value for part in parts))
    assert ten["disk, index"].value == pytest.approx(10 * one["disk, index"].value)
    assert longer["disk, bm25"].value == pytest.approx(2 * one["disk, bm25"].value)
    assert longer["disk, vectors"].value == one["disk, vectors"].value
    assert one["disk, vectors"].value == pytest.approx(384 * 2)


def test_cores_shorten_what_runs_on_many_and_nothing_else() -> None:
    one, many = lines(machines=1), lines(machines=10)
    assert many["time, encode"].value == pytest.approx(one["time, encode"].value / 10)
    for name in ("time, decide what is kept", "time, fetch and check", "time, vectors into lists"):
        assert many[name].value == one[name].value


def test_cost_is_hours_of_machines() -> None:
    found = lines(machines=3, price=2.5)
    assert found["cost"].value == pytest.approx(found["time, in all"].value * 3 * 2.5)
    assert "cost" not in lines()


def test_without_vectors_or_lists() -> None:
    assert lines(encoder="none")["disk, vectors"].value == 0
    assert "time, encode" not in lines(encoder="none")
    assert lines(lists=False)["disk, lists"].value == 0
    assert "time, vectors into lists" not in lines(passages=50_000)


def test_a_gpu_needs_a_rate_that_somebody_measured() -> None:
    with pytest.raises(ConfigError, match="--gpu-rate"):
        Request(10**6, gpus=4)
    assert lines(gpus=4, gpu_rate=1000)["time, encode"].value == pytest.approx(10**9 * 110 / 109 / 4000 / 3600)


def test_a_sample_measures_what_a_build_makes(tmp_path: Path) -> None:
    index = build_index(tmp_path, ROWS, shard_passages=10**6)
    sizes = describe(index.folder)["bytes_by_part"]
    sample = measure(tmp_path / "corpus.jsonl", BuildSettings(encoder=None), 60)
    assert (sample.documents, sample.passages) == (index.manifest.totals["documents"], len(index))
    assert (sample.passage_bytes, sample.bm25_bytes) == (sizes["passages"], sizes["bm25"])
    assert sample.state_bytes == sizes["state"]
    constants = measured(sample, "none", "corpus.jsonl")
    plan = {line.name: line for line in estimate(Request(len(index), sample.words / len(index), "none"), constants)}
    assert plan["disk, passages"].value * 1e9 == pytest.approx(sizes["passages"])
    assert plan["disk, state"].value * 1e9 == pytest.approx(sizes["state"])
    assert plan["passage_bytes"].how.startswith("here and now")


def test_a_sample_keeps_to_its_time(tmp_path: Path) -> None:
    build_index(tmp_path, ROWS * 20, duplicates="keep")
    begin = time.process_time()
    sample = measure(tmp_path / "corpus.jsonl", BuildSettings(encoder=None, duplicates="keep"), 0.05)
    assert 0 < sample.documents < 4000
    assert time.process_time() - begin < 5


def test_nothing_to_measure_on(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"text": " "}\n')
    with pytest.raises(CorpusError, match="--corpus"):
        measure(tmp_path / "c.jsonl", BuildSettings(encoder=None))


def test_the_command() -> None:
    found = CliRunner().invoke(cli.app, ["index", "plan", "--passages", "1e9", "--machines", "4", "--json"])
    plan = json.loads(found.stdout)
    assert plan["request"]["passages"] == 10**9
    assert {line["basis"] for line in plan["lines"]} == {"given", "measured", "extrapolated"}
    table = CliRunner().invoke(cli.app, ["index", "plan", "--passages", "1e9"]).stdout
    assert "extrapolated disk, index" in table


def test_the_command_measures(tmp_path: Path) -> None:
    build_index(tmp_path, ROWS)
    options = ["--measure", "--corpus", str(tmp_path / "corpus.jsonl"), "--encoder", "none", "--json"]
    found = CliRunner().invoke(cli.app, ["index", "plan", "--passages", "1e6", *options])
    lines = {line["name"]: line for line in json.loads(found.stdout)["lines"]}
    assert "corpus.jsonl" in lines["read_rate"]["how"]
    assert lines["read_rate"]["value"] != CONSTANTS["read_rate"].value
