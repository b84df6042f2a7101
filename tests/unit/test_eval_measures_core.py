"""Scores, evaluations and the files they come from."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest

from eval.core import Evaluation, Item, Measure, Scores, cited_passages
from eval.inputs import read_articles, read_references
from eval.measures import MEASURES, make_measure
from eval.tables import evaluation_lines
from webbrain.errors import ConfigError, CorpusError
from webbrain.types import Article, Passage, Reference, Sentence
from webbrain.writing.render import as_json

PASSAGE = Passage("d#0", "d", "Ada", "Ada Lovelace wrote in 1843.", 0, 27, "https://example.org/ada")
ARTICLE = Article(
    "Ada",
    (Sentence("Ada wrote.", (1, 7, 1), 0.5), Sentence("She lived.", ())),
    (Reference(1, PASSAGE),),
    "ok",
    {"seed": 1},
    ("Ada (language)",),
)


def test_a_mean_leaves_out_what_does_not_apply_and_says_how_much() -> None:
    total = Scores("m", {"a": 0.5, "b": None, "c": 0.0, "d": None}, {"b": "no number", "d": "no number"}).summary()
    assert (total.value, total.n, total.n_excluded, total.reason) == (0.25, 2, 2, "no number")


def test_a_measure_that_applies_nowhere_has_no_value() -> None:
    total = Scores("m", {"a": None}, {"a": "one document"}).summary()
    assert (total.value, total.n, total.n_excluded, total.reason) == (None, 0, 1, "one document")
    assert Scores("m", {}).summary().value is None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_an_error_not_a_gap(value: float) -> None:
    with pytest.raises(ConfigError, match=r"m gave .* for 'b'"):
        Scores("m", {"a": 1.0, "b": value})
    with pytest.raises(ConfigError):
        Scores("m", {}, pooled=value)


def test_marks_resolve_once_and_in_order() -> None:
    assert cited_passages(ARTICLE, ARTICLE.sentences[0]) == [PASSAGE]
    assert cited_passages(ARTICLE, ARTICLE.sentences[1]) == []


def test_an_article_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    rows = [{"query_id": name, **as_json(ARTICLE)} for name in ("q1", "q 2")]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    found = list(read_articles(path))
    assert [row.query_id for row in found] == ["q1", "q 2"]
    assert found[0].article == ARTICLE
    assert Item("q1", found[0].article).text == "Ada wrote. She lived."
    assert Item("q1", None).text == ""


BROKEN = [
    ({"query_id": "q", "status": "ok", "sentences": [], "references": []}, "`query` is missing"),
    ({"query_id": "q", "query": "x", "status": "fine", "sentences": [], "references": []}, "status is 'fine'"),
    ({"query_id": "q", **as_json(ARTICLE), "sentences": [{"text": "A.", "citations": ["1"]}]}, "whole numbers"),
    ({"query_id": "q", **as_json(ARTICLE), "sentences": [{"text": None, "citations": []}]}, "`text` is not a string"),
    ({"query_id": "q", **as_json(ARTICLE), "references": [{"marker": True}]}, "`marker`"),
    ({"query_id": "q", **as_json(ARTICLE), "references": 3}, "not iterable"),
    ({"query_id": True, **as_json(ARTICLE)}, "no `query_id`"),
    (as_json(ARTICLE), "no `query_id`"),
    (["q"], "one JSON object"),
]


@pytest.mark.parametrize(("row", "message"), BROKEN)
def test_a_line_that_is_no_article_is_named(tmp_path: Path, row: object, message: str) -> None:
    path = tmp_path / "run.jsonl"
    good = json.dumps({"query_id": "first", **as_json(ARTICLE)})
    path.write_text(f"{good}\n\n{json.dumps(row)}\n")
    with pytest.raises(CorpusError, match=message) as caught:
        list(read_articles(path))
    assert (caught.value.path, caught.value.line) == (path, 3)


def test_two_articles_of_one_query_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(f"{json.dumps({'query_id': 'q', **as_json(ARTICLE)})}\n" * 2)
    with pytest.raises(CorpusError, match=r"run\.jsonl:2: query 'q' has two articles"):
        list(read_articles(path))


def test_references_in_all_their_spellings(tmp_path: Path) -> None:
    path = tmp_path / "references.jsonl"
    rows: list[dict[str, object]] = [
        {"id": "a", "title": "A", "lead": "One."},
        {"query_id": 7, "text": "Two."},
        {"id": "c", "reference": "Three."},
        {"id": "d", "references": ["Four.", "Five."], "text": None},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert read_references(path) == {"a": ("One.",), "7": ("Two.",), "c": ("Three.",), "d": ("Four.", "Five.")}


@pytest.mark.parametrize("row", ['{"id": "a"}', '{"id": "a", "references": []}', '{"id": "a", "text": " "}', "{", "1"])
def test_a_reference_without_a_text_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "references.jsonl"
    path.write_text(row)
    with pytest.raises(CorpusError, match=r"references\.jsonl:1: "):
        read_references(path)


def test_two_rows_of_references_for_one_query_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "references.jsonl"
    path.write_text('{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}')
    with pytest.raises(CorpusError, match=r":2: query 'a' comes twice"):
        read_references(path)


def test_every_measure_of_the_registry_loads_and_fits_the_protocol() -> None:
    for name in MEASURES.names():
        assert isinstance(make_measure(name), Measure), name


@pytest.mark.parametrize("text", ["rogue", "qags:answers", "qags:colour=red", "length:unit=words", "bleu:=4"])
def test_an_unknown_measure_or_option_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError):
        make_measure(text)


def test_bounds_are_missed_by_lower_and_by_absent_values() -> None:
    found = Evaluation((Scores("m", {"a": 0.4}), Scores("n", {"a": None}, {"a": "why"})))
    assert found.misses(["m=0.4"]) == []
    assert found.misses(["m=0.41", "n=0"]) == ["m is 0.4000, under 0.41", "n is not applicable, under 0"]
    for bound in ("m", "m=", "m=x", "=1", "m=nan", "other=1"):
        with pytest.raises(ConfigError):
            found.misses([bound])


def test_an_evaluation_tells_who_was_not_scored() -> None:
    found = Evaluation((Scores("m", {"a": 0.5, "b": 0.0}, pooled=0.3),), missing=("b",), left_out=("x", "y"))
    row = found.as_json(per_query=True)
    assert row["measures"]["m"]["value"] == 0.25
    assert row["measures"]["m"]["pooled"] == 0.3
    assert row["queries"] == {"scored": 2, "missing": ["b"], "left_out": ["x", "y"]}
    assert row["per_query"] == {"a": {"m": 0.5}, "b": {"m": 0.0}}
    assert "per_query" not in found.as_json()
    lines = "\n".join(evaluation_lines(found, per_query=True))
    for said in ("0.2500", "m (pooled)", "a\t0.5000", "scored at the default: b", "left out: x, y"):
        assert said in lines
