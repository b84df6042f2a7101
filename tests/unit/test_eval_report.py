"""The report: its numbers are those of the evaluations, and nothing of the corpus takes effect."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import app
from eval.cited import CitedDocuments
from eval.compare import compare_runs
from eval.core import Item
from eval.facts import evaluate_citations
from eval.inputs import article_from_json
from eval.reliability import measure_reliability, read_labelled, roc_auc
from eval.report import Report, render, write_report
from eval.report.highlight import WINDOW, pieces, visible
from eval.report.plots import differences, histogram
from eval.runs import load_scorer
from tests.reports import XSS, make_report, write_run
from webbrain.errors import ConfigError, CorpusError
from webbrain.types import Qrel


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render(report, ".html")


class _Tags(HTMLParser):
    """Every tag with its attributes, and the ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_every_kind_of_sentence_is_counted(report: Report) -> None:
    counts = {"supported": 9, "joint": 1, "elsewhere": 1, "not_supported": 1, "not_checked": 1, "unresolved": 1}
    assert report.kinds() == {**counts, "uncited": 2}


def test_its_numbers_are_those_of_the_other_commands(report: Report, tmp_path: Path) -> None:
    run, gold = write_run(tmp_path / "run.jsonl"), write_run(tmp_path / "gold.jsonl", "gold")
    alone = {scores.name: scores.values for scores in evaluate_citations(run, scorer="exact").scores}
    ours = {scores.name: dict(scores.values) for scores in report.run.evaluation.scores}
    assert all(ours[name] == values for name, values in alone.items())
    compared = {
        one.measure: one.difference
        for one in compare_runs([gold, run], measures="grounding:scorer=exact").against_first
    }
    shown = {one.measure: one.difference for one in report.differences}
    assert all(shown[name] == difference for name, difference in compared.items())
    assert shown["support_rate"].mean < 0


def test_nothing_of_the_corpus_takes_effect(page: str) -> None:
    tags = _Tags(page).tags
    assert sum(tag == "script" for tag, _ in tags) == 1
    assert not [tag for tag, _ in tags if tag in ("img", "iframe", "object", "link", "form", "base")]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]
    links = [attributes.get("href") or "" for tag, attributes in tags if tag == "a"]
    assert {link.split(":")[0] for link in links if not link.startswith("#")} == {"https"}
    assert not re.search(r"https?://", " ".join(str(a.get("src")) for _, a in tags))
    assert "\u202e" not in page
    assert "<script>window" not in page
    assert "<img" not in page


def test_every_link_inside_the_page_leads_somewhere_and_no_id_comes_twice(page: str) -> None:
    tags = _Tags(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = {str(a["href"])[1:] for tag, a in tags if tag == "a" and str(a.get("href")).startswith("#")}
    assert inside <= set(ids)
    assert len(inside) > 20


def test_a_page_without_the_other_files_has_no_section_for_them(tmp_path: Path) -> None:
    page = render(make_report(tmp_path, whole=False), ".html")
    assert 'id="gaps"' not in page
    assert 'id="reliability"' not in page
    assert "Against the reference texts" not in page


def test_json_and_markdown_hold_the_scores(report: Report, tmp_path: Path) -> None:
    for name in ("report.json", "report.md"):
        write_report(report, tmp_path / name)
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert found["run"]["measures"]["citation_recall"]["interval"]["seed"] == found["settings"]["seed"]
    assert found["articles"]["viaduct"][1]["reasons"][0] == "the number 1971 is not in the passage"
    assert found["provenance"]["writer"] == "by hand"
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| support_rate | 0.8" in text
    assert XSS not in text


def test_command_writes_all_forms_and_stops_below_a_bound(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.jsonl")
    outputs = [tmp_path / f"r{form}" for form in (".html", ".md", ".json")]
    arguments = [
        "evaluate",
        "report",
        str(run),
        "--scorer",
        "exact",
        *(part for path in outputs for part in ("--output", str(path))),
    ]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert all(path.stat().st_size > 500 for path in outputs)
    assert CliRunner().invoke(app, [*arguments, "--fail-under", "support_rate=0.99"]).exit_code == 4
    refused = CliRunner().invoke(app, ["evaluate", "report", str(run), "--output", str(tmp_path / "r.pdf")])
    assert isinstance(refused.exception, ConfigError)


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=60), st.text(max_size=40))
def test_pieces_are_the_whole_visible_passage(passage: str, sentence: str, evidence: str) -> None:
    assert "".join(piece.text for piece in pieces(passage, sentence, evidence)) == visible(passage)


def test_pieces_mark_shared_words_and_the_deciding_span() -> None:
    found = pieces("The old mill burned in 1901. Nobody was hurt.", "Mills burn, 1901", "old  MILL burned")
    assert [piece.text for piece in found if piece.shared] == ["mill", "burned", "1901"]
    assert "".join(piece.text for piece in found if piece.deciding) == "old mill burned"


def test_a_long_passage_is_cut_around_what_decides() -> None:
    passage = "filler words here " * 500 + "the heron nests in May " + "more filler " * 500
    found = pieces(passage, "heron", "the heron nests in May")
    text = "".join(piece.text for piece in found)
    assert len(text) <= WINDOW + 4
    assert [piece.text for piece in found if piece.shared] == ["heron"]


def test_plots_hold_every_query_and_survive_odd_values() -> None:
    drawn = histogram("x", {"a": [0.1, 0.1, 0.9], "b": [0.5]})
    assert sum(int(n) for n in re.findall(r": (\d+)</title>", drawn)) == 3
    assert histogram("x", {"a": []}).startswith("<svg")
    assert histogram("x", {"a": [-2.0, -1.0]}).startswith("<svg")
    bars = differences("x", [("#a1", "<b>", -1.0), ("#a2", "two", 0.5), ("#a3", "three", 0.0)])
    assert re.findall(r'class="(gain|loss|tie)"', bars) == ["loss", "tie", "gain"]
    assert "<b>" not in bars


def test_reliability_by_hand() -> None:
    found = measure_reliability("x", [0.95, 0.85, 0.15, 0.05, 0.05], [True, False, False, True, False])
    assert [one.n for one in found.bins] == [2, 1, 1, 1]
    assert found.ece == pytest.approx((0.45 * 2 + 0.15 + 0.85 + 0.05) / 5)
    assert found.brier == pytest.approx((0.0025 + 0.7225 + 0.0225 + 0.9025 + 0.0025) / 5)
    assert found.auc == pytest.approx(3.5 / 6)
    assert roc_auc([0.5], [True]) is None


def test_auc_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores = [round((n * 37 % 101) / 100, 1) for n in range(200)]
    labels = [(n * 53 % 7) < 3 for n in range(200)]
    assert roc_auc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores))


def test_labels_of_pairs_and_of_sentences_are_read_and_bad_ones_named(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    good = [
        {"source": "Oslo is in Norway.", "claim": "Oslo is in Norway.", "label": 1},
        {"query_id": "viaduct", "sentence": 2, "label": "not_supported"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in good), encoding="utf-8")
    assert read_labelled(path, load_scorer("exact"), report.checked) == ([1.0, 0.3], [True, False])
    for bad in (
        {"query_id": "viaduct", "sentence": 0, "label": 1},
        {"query_id": "viaduct", "sentence": 1, "label": "?"},
    ):
        path.write_text(json.dumps(bad), encoding="utf-8")
        with pytest.raises(CorpusError, match=r"labels.jsonl:1"):
            read_labelled(path, load_scorer("exact"), report.checked)


def test_cited_documents_by_hand() -> None:
    row = {"text": "A [1]. B [2].", "references": [{"text": "a", "doc_id": "good"}, {"text": "b", "doc_id": "bad"}]}
    items = [Item("1", article_from_json(row)), Item("2", article_from_json(row)), Item("3", None)]
    qrels = [Qrel("1", "good", 1), Qrel("1", "other", 2), Qrel("1", "bad", 0), Qrel("3", "x", 1)]
    precision, recall = CitedDocuments(qrels).score(items)
    assert precision.values == {"1": 0.5, "2": None, "3": 0.0}
    assert recall.values == {"1": 0.5, "2": None, "3": 0.0}
