"""Runs against each other: the same queries for all, tests corrected together, gold beside retrieved evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from eval.compare import Comparisons, compare_runs
from webbrain.errors import ConfigError

FACT = "Ada Lovelace was born in London in 1815."
LIE = "Ada Lovelace was born in Paris in 1799."


def _row(query_id: str, text: str, source: str | None = None, used: int | None = None) -> dict[str, Any]:
    evidence = {"evidence": {"source": source, "references_used": used}} if source else {}
    return {"query_id": query_id, "text": f"{text}[1]", "references": [FACT], "provenance": evidence}


def _file(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Twelve queries: the first run lies in all of them, the second in none but the last, which it lacks."""
    first = [_row(str(number), LIE, "retrieved") for number in range(12)]
    second = [_row(str(number), FACT, "gold") for number in range(11)]
    return [_file(tmp_path / "liar.jsonl", first), _file(tmp_path / "honest.jsonl", second)]


def _of(found: Comparisons, measure: str) -> Any:
    return next(one for one in found.against_first if one.measure == measure)


def test_a_clear_difference_is_significant_and_counted(runs: list[Path]) -> None:
    found = compare_runs(runs, measures="support:scorer=exact")
    one = _of(found, "support_rate")
    assert one.difference.mean == pytest.approx(11 / 12)  # the query that the second run lacks counts, as 0
    assert (one.difference.wins, one.difference.ties, one.difference.losses) == (11, 1, 0)
    assert one.difference.p == pytest.approx(2 / 2**11)
    assert found.runs[1].evaluation.missing == ("11",)


def test_holm_is_over_all_tests_made(runs: list[Path], tmp_path: Path) -> None:
    """Eight comparisons, of which the four on length differ on no query: four tests."""
    third = _file(tmp_path / "third.jsonl", [_row(str(number), FACT if number % 2 else LIE) for number in range(12)])
    found = compare_runs([*runs, third], measures="support:scorer=exact length").against_first
    tested = [one for one in found if one.difference.p is not None]
    assert (len(found), len(tested)) == (8, 4)
    best = min(tested, key=lambda one: one.difference.p)
    assert best.p_holm == pytest.approx(4 * best.difference.p)
    assert all(one.p_holm >= one.difference.p for one in tested)


def test_gold_is_set_beside_retrieved_whatever_the_order(runs: list[Path]) -> None:
    for order in (runs, runs[::-1]):
        gaps = compare_runs(order, measures="support:scorer=exact").gaps
        assert [(gap.a, gap.b) for gap in gaps] == [("liar", "honest")] * 2
        assert gaps[0].difference.mean == pytest.approx(11 / 12)


def test_runs_of_other_reference_counts_are_no_partners(runs: list[Path], tmp_path: Path) -> None:
    few = _file(tmp_path / "few.jsonl", [_row(str(number), FACT, "gold", 3) for number in range(12)])
    assert compare_runs([runs[0], few], measures="support:scorer=exact").gaps == ()


def test_references_say_which_queries_count(runs: list[Path], tmp_path: Path) -> None:
    references = _file(tmp_path / "references.jsonl", [{"id": "1", "text": FACT}, {"id": "2", "text": FACT}])
    found = compare_runs(runs, references=references, measures="rouge")
    assert found.runs[0].evaluation.left_out == ("0", *map(str, range(3, 12)))
    assert {one.difference.n for one in found.against_first} == {2}


def test_rankings_are_compared_against_judgements(tmp_path: Path) -> None:
    qrels = tmp_path / "qrels.txt"
    qrels.write_text("".join(f"{q} 0 good 1\n" for q in range(8)), encoding="utf-8")
    for name, first, second in (("a", "bad", "good"), ("b", "good", "bad")):
        lines = (f"{q} Q0 {first} 1 2.0 x\n{q} Q0 {second} 2 1.0 x\n" for q in range(8))
        (tmp_path / f"{name}.run").write_text("".join(lines), encoding="utf-8")
    found = compare_runs([tmp_path / "a.run", tmp_path / "b.run"], qrels=qrels, measures="RR P@1")
    assert _of(found, "RR").difference.mean == pytest.approx(0.5)
    assert _of(found, "RR").difference.p == pytest.approx(2 / 2**8)


def test_one_run_or_two_truths_are_refused(runs: list[Path]) -> None:
    with pytest.raises(ConfigError, match="at least two"):
        compare_runs(runs[:1])
    with pytest.raises(ConfigError, match="one of them"):
        compare_runs(runs, qrels=runs[0], references=runs[0])


def test_runs_that_do_not_belong_together_are_refused(runs: list[Path], tmp_path: Path) -> None:
    empty = _file(tmp_path / "empty.jsonl", [])
    with pytest.raises(ConfigError, match=r"empty.jsonl has an article on none"):
        compare_runs([runs[0], empty])
    references = _file(tmp_path / "references.jsonl", [{"id": "elsewhere", "text": FACT}])
    with pytest.raises(ConfigError, match="belong together"):
        compare_runs(runs, references=references, measures="rouge")


def test_command_prints_tables_json_and_queries(runs: list[Path]) -> None:
    arguments = ["evaluate", "compare", *map(str, runs), "--measures", "support:scorer=exact"]
    table = CliRunner().invoke(app, [*arguments, "--per-query"]).stdout
    assert "honest: gold evidence; 1 queries missing" in table
    assert "honest - liar" in table
    assert "3\tsupport_rate\t0.0000\t1.0000" in table
    found = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert [run["name"] for run in found["runs"]] == ["liar", "honest"]
    assert found["comparisons"][0]["interval"]["level"] == 0.95
    assert found["settings"]["correction"] == "Holm"
    assert found["gaps"][0]["b"] == "honest"


@pytest.mark.parametrize(("least", "code"), [("0.9", 0), ("0.95", 4)])
def test_fail_under_bounds_the_later_runs_only(least: str, code: int, runs: list[Path]) -> None:
    arguments = ["evaluate", "compare", *map(str, runs), "--measures", "support:scorer=exact"]
    assert CliRunner().invoke(app, [*arguments, "--fail-under", f"support_rate={least}"]).exit_code == code


def test_files_of_one_name_are_told_apart(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "liar.jsonl"
    twin.write_bytes(runs[0].read_bytes())
    found = compare_runs([runs[0], twin], measures="support:scorer=exact")
    assert [run.name for run in found.runs] == [str(runs[0]), str(twin)]
    one = _of(found, "support_rate")
    assert (one.difference.mean, one.difference.p, one.p_holm) == (0.0, None, None)  # nothing differs: no test
