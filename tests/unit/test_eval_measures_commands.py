"""`webbrain evaluate retrieval` and `evaluate text` from outside, with files as `webbrain run` writes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RUN = "ada Q0 d1 1 3.0 t\nada Q0 d2 2 2.0 t\nada Q0 d3 3 2.0 t\nx Q0 d1 1 1.0 t\n"
QRELS = "ada 0 d2 1\nada 0 d9 2\nmoon 0 d1 1\n"


def evaluate(*arguments: str | Path, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "webbrain", "evaluate", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "run").write_text(RUN)
    (tmp_path / "qrels").write_text(QRELS)
    sentences = [{"text": "Ada Lovelace wrote a program in 1843.", "citations": [1], "support": 1.0}]
    passage = {"marker": 1, "passage_id": "p", "doc_id": "d", "title": "Ada", "url": "", "text": sentences[0]["text"]}
    ada = {"query_id": "ada", "query": "Ada", "status": "ok", "sentences": sentences, "references": [passage]}
    none = {"query_id": "moon", "query": "Moon", "status": "no_evidence", "sentences": [], "references": []}
    (tmp_path / "articles.jsonl").write_text("\n".join(map(json.dumps, [ada, none])))
    leads = {"ada": "Ada Lovelace wrote a program in 1843.", "moon": "The Moon orbits the Earth.", "sun": "A star."}
    rows = [json.dumps({"id": query_id, "lead": text}) for query_id, text in leads.items()]
    (tmp_path / "leads.jsonl").write_text("\n".join(rows))
    return tmp_path


def test_retrieval_as_json_with_a_missing_query_and_a_bound_that_is_missed(files: Path) -> None:
    bounds = ("--fail-under", "R@100=0.5", "--fail-under", "AP=0.1")
    measures = ("--measures", "nDCG@10 RR@10 R@100 AP", "--per-query", "--json")
    done = evaluate("retrieval", "-", "--qrels", files / "qrels", *measures, *bounds, stdin=RUN, code=4)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["queries"] == {"scored": 2, "missing": ["moon"], "left_out": ["x"]}
    # d3 comes before d2 in trec_eval's order of ties, so the relevant d2 is third.
    assert found["per_query"]["ada"] == pytest.approx(
        {"nDCG@10": 0.190, "RR@10": 1 / 3, "R@100": 0.5, "AP": 1 / 6}, abs=1e-3
    )
    assert found["measures"]["R@100"]["value"] == 0.25
    assert found["measures"]["R@100"]["n"] == 2
    assert done.stderr.strip() == "R@100 is 0.2500, under 0.5" + "\nAP is 0.0833, under 0.1"


def test_retrieval_as_a_table(files: Path) -> None:
    out = evaluate("retrieval", files / "run", "--qrels", files / "qrels").stdout
    assert [line.split()[0] for line in out.splitlines()[1:6]] == ["nDCG@10", "RR@10", "AP", "P@10", "R@100"]
    assert "moon" in out


def test_text_as_json_and_as_a_table(files: Path) -> None:
    arguments = ("text", files / "articles.jsonl", "--references", files / "leads.jsonl")
    measures = ("--measures", "bleu meteor rouge cider refer length abstention numbers")
    found = json.loads(evaluate(*arguments, *measures, "--per-query", "--json").stdout)
    assert found["queries"]["missing"] == ["sun"]
    assert found["measures"]["ROUGE-L"]["value"] == pytest.approx(1 / 3)
    assert found["per_query"]["moon"]["ROUGE-L"] == 0.0
    assert found["measures"]["refer"] | {"interval": None} == {
        "name": "refer",
        "value": 1.0,
        "n": 1,
        "n_excluded": 2,
        "reason": "no sentence cites a passage with words in it; the run has no article for this query",
        "interval": None,
    }
    table = evaluate(*arguments, "--measures", "rouge abstention").stdout
    assert "ROUGE-L" in table
    assert "sun" in table


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("retrieval", "run", "--qrels", "qrels", "--measures", "nDGC@10"), 2, "unknown measure 'nDGC@10'"),
        (("retrieval", "run", "--qrels", "qrels", "--measures", "NumRet"), 2, "cannot be computed here"),
        (("retrieval", "run", "--qrels", "run"), 1, "run:1: a judgement is"),
        (("retrieval", "nowhere", "--qrels", "qrels"), 1, "nowhere: cannot be read"),
        (("text", "articles.jsonl", "--references", "leads.jsonl", "--measures", "rogue"), 2, "did you mean 'rouge'?"),
        (("text", "run", "--references", "leads.jsonl", "--measures", "rouge"), 1, "run:1: not a line of JSON"),
    ],
)
def test_a_wrong_input_is_one_sentence(files: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    placed = [files / word if (files / word).exists() or word == "nowhere" else word for word in arguments]
    done = evaluate(*placed, code=code)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
