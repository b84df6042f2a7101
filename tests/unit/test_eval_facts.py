"""`evaluate facts|citations`: what is scored, what does not apply, what is missing, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from eval.facts import evaluate_citations, evaluate_facts
from webbrain.errors import ConfigError, CorpusError

BORN = "Ada Lovelace was born in London in 1815."
OTHER = "The bakery opens at nine and sells rye bread."


def _row(query_id: str, text: str) -> dict[str, Any]:
    return {"query_id": query_id, "text": text, "references": [BORN, OTHER]}


def _file(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = [
        _row("right", f"{BORN}[1]"),
        _row("wrong mark", f"{BORN}[2]"),
        _row("false", "Ada Lovelace was born in Paris in 1799 [1]."),
        _row("silent", ""),
    ]
    return _file(tmp_path / "run.jsonl", rows)


def _values(found: Any, name: str) -> dict[str, float | None]:
    return dict(next(scores.values for scores in found.scores if scores.name == name))


def test_support_is_of_the_evidence_and_citation_recall_of_the_mark(run: Path) -> None:
    """A true sentence with the wrong mark: true to its evidence, but cited wrongly."""
    facts, citations = evaluate_facts(run, scorer="exact"), evaluate_citations(run, scorer="exact")
    assert _values(facts, "support_rate") == {"right": 1.0, "wrong mark": 1.0, "false": 0.0, "silent": None}
    assert _values(citations, "citation_recall") == {"right": 1.0, "wrong mark": 0.0, "false": 0.0, "silent": None}
    assert _values(facts, "number precision")["false"] == 0.0


def test_copying_silence_and_length_stand_beside_the_scores(run: Path) -> None:
    for found in (evaluate_facts(run, scorer="exact"), evaluate_citations(run, scorer="exact")):
        assert _values(found, "coverage")["right"] == 1.0
        assert _values(found, "abstained")["silent"] == 1.0
        assert _values(found, "words")["right"] == 8
        assert found.settings == {"support scorer": "exact"}


def test_a_query_that_the_run_lacks_scores_the_default_and_is_counted(run: Path, tmp_path: Path) -> None:
    queries = _file(tmp_path / "queries.jsonl", [{"id": name, "text": "x"} for name in ("right", "lacking")])
    found = evaluate_facts(run, scorer="exact", queries=queries)
    assert _values(found, "support_rate") == {"right": 1.0, "lacking": 0.0}
    assert found.missing == ("lacking",)
    assert found.left_out == ("wrong mark", "false", "silent")


def test_a_run_of_nothing_or_on_other_queries_is_an_error(tmp_path: Path, run: Path) -> None:
    with pytest.raises(CorpusError, match="no article"):
        evaluate_facts(_file(tmp_path / "empty.jsonl", []))
    with pytest.raises(ConfigError, match="no article"):
        evaluate_facts(run, queries=_file(tmp_path / "q.jsonl", [{"id": "x", "text": "x"}]))
    with pytest.raises(ConfigError, match=r"known are: .*exact"):
        evaluate_facts(run, scorer="nobody")


@pytest.mark.parametrize("command", ["facts", "citations"])
def test_command_prints_json_and_a_table(command: str, run: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", command, str(run), "--scorer", "exact", "--json", "--per-query"])
    found = json.loads(result.stdout)
    name = "support_rate" if command == "facts" else "citation_recall"
    assert found["measures"][name]["n"] == 3
    assert found["measures"][name]["n_excluded"] == 1
    assert 0 <= found["measures"][name]["interval"]["low"] <= found["measures"][name]["value"]
    assert found["per_query"]["silent"][name] is None
    assert found["settings"] == {"support scorer": "exact"}
    table = CliRunner().invoke(app, ["evaluate", command, str(run), "--scorer", "exact"]).stdout
    assert "support scorer: exact" in table
    assert name in table


@pytest.mark.parametrize(("least", "code"), [("0.5", 0), ("0.9", 4)])
def test_fail_under(least: str, code: int, run: Path) -> None:
    result = CliRunner().invoke(
        app, ["evaluate", "facts", str(run), "--scorer", "exact", "--fail-under", f"support_rate={least}"]
    )
    assert result.exit_code == code
