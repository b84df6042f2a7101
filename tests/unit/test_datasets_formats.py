from __future__ import annotations

import json

import pytest

from indexing.datasets.formats import (
    Example,
    ExampleReference,
    ExampleSentence,
    as_line,
    from_json,
    parse_line,
    warm_up,
)
from webbrain.errors import CorpusError

EXAMPLE = Example(
    "page-1",
    "Ada Lovelace",
    (
        ExampleReference(1, "Notes", "She wrote notes.", "d1", "d1@0-16", "reference"),
        ExampleReference(2, "", "Babbage built engines.", "d2", "d2#0", "distractor"),
    ),
    (
        ExampleSentence("Ada wrote notes.", (1,), 0.9),
        ExampleSentence("She lived.", (0,), 0.0),
        ExampleSentence("Engines were built.", (2, 1), 0.5),
    ),
)
LINE = (
    "[title] Ada Lovelace [ref] [1] Notes She wrote notes. [SPLIT] "
    "[title] Ada Lovelace [ref] [2] Babbage built engines. [SPLIT] "
    "Ada wrote notes. [1] She lived. [0] Engines were built. [2] [1]"
)


def test_the_paper_s_line() -> None:
    assert as_line(EXAMPLE) == LINE


def test_a_line_reads_back() -> None:
    title, references, sentences = parse_line(LINE + "\n")
    assert title == "Ada Lovelace"
    assert references == [(1, "Notes She wrote notes."), (2, "Babbage built engines.")]
    assert sentences == [("Ada wrote notes.", (1,)), ("She lived.", (0,)), ("Engines were built.", (2, 1))]


@pytest.mark.parametrize("line", ["", "only a target", "[title] T [ref] text without a mark [SPLIT] Target. [1]"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(CorpusError):
        parse_line(line)


def test_the_structured_twin() -> None:
    row = json.loads(json.dumps(EXAMPLE.as_json()))
    assert list(row) == ["id", "title", "references", "target", "sentences"]
    assert row["references"][0] == {
        "marker": 1,
        "title": "Notes",
        "text": "She wrote notes.",
        "doc_id": "d1",
        "passage_id": "d1@0-16",
        "source": "reference",
    }
    assert row["target"] == "Ada wrote notes. [1] She lived. [0] Engines were built. [2] [1]"
    assert row["sentences"][2] == {"text": "Engines were built.", "citations": [2, 1], "recall": 0.5}
    assert from_json(row) == EXAMPLE


def test_warm_up_pairs_one_reference_with_the_sentence_that_cites_it() -> None:
    assert [as_line(one) for one in warm_up(EXAMPLE)] == [
        "[title] Ada Lovelace [ref] [1] Notes She wrote notes. [SPLIT] Ada wrote notes. [1]",
        "[title] Ada Lovelace [ref] [1] Babbage built engines. [SPLIT] Engines were built. [1]",
    ]
    assert [one.example_id for one in warm_up(EXAMPLE)] == ["page-1#s0", "page-1#s2"]
