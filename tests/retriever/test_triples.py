"""WebBrain-R files: read as `dataset build` writes them, and a wrong line is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.retriever.made import QUERIES, write_triples
from webbrain.errors import CorpusError
from webbrain.testing import TEXTS
from webbrain.training.retriever.triples import PassageTexts, TripleSet


def load(folder: Path) -> TripleSet:
    return TripleSet(folder, "train", PassageTexts(folder / "corpus.jsonl"))


def replace_line(path: Path, number: int, line: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[number - 1] = line
    path.write_text("".join(lines), encoding="utf-8")


def test_triples_with_their_texts_and_scores(tmp_path: Path) -> None:
    triples = load(write_triples(tmp_path, scores=True))
    assert len(triples) == len(QUERIES)
    third = triples.triple(2)
    assert (third.query_id, third.query, third.passages) == ("q2", QUERIES[2], ("p2", "p3", "p4", "p5"))
    assert third.scores == (0.9, 0.2, 0.2, 0.2)
    assert third.pick([0, 2]).passages == ("p2", "p4")
    assert triples.texts["p2"] == f"Aldmouth. {TEXTS[2]}"


@pytest.mark.parametrize("field", ["contents", "content", "text"])
def test_the_names_that_corpora_give_their_text(tmp_path: Path, field: str) -> None:
    (tmp_path / "corpus.jsonl").write_text(f'{{"id": 7, "{field}": "A text."}}\n', encoding="utf-8")
    assert PassageTexts(tmp_path / "corpus.jsonl")["7"] == "A text."


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("q4\tno passage\n", "a positive are needed"),
        ("q4\t\tp1\n", "a positive are needed"),
        ("no columns at all\n", "no line of WebBrain-R"),
        ("q4\tquery\tp99\n", "'p99' is not in corpus.jsonl"),
        ("q4\tquery\tp1\tp2\t\n", "'' is not in corpus.jsonl"),
    ],
)
def test_a_wrong_line_is_reported_by_its_number(tmp_path: Path, line: str, cause: str) -> None:
    folder = write_triples(tmp_path)
    replace_line(folder / "train.tsv", 5, line)
    with pytest.raises(CorpusError, match=cause) as caught:
        load(folder)
    assert caught.value.line == 5
    assert str(folder / "train.tsv:5") in str(caught.value)


@pytest.mark.parametrize("name", ["train.tsv", "corpus.jsonl"])
def test_a_file_that_was_cut_off(tmp_path: Path, name: str) -> None:
    folder = write_triples(tmp_path)
    path = folder / name
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CorpusError, match="cut off") as caught:
        load(folder)
    assert caught.value.line == 8


@pytest.mark.parametrize(
    "line", ["q4\t0.5\t0.1\t0.1\n", "q4\t0.5\t0.1\t0.1\tx\n", "q5\t0.5\t0.1\t0.1\t0.1\n", "q4\t0.5\t0.1\t0.1\tnan\n"]
)
def test_scores_that_do_not_fit(tmp_path: Path, line: str) -> None:
    folder = write_triples(tmp_path, scores=True)
    replace_line(folder / "train.scores.tsv", 5, line)
    with pytest.raises(CorpusError) as caught:
        load(folder)
    assert caught.value.line == 5


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"corpus\.jsonl: cannot be read"):
        load(tmp_path)
