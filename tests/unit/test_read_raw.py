from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from indexing.read import Reject, clean, scan
from indexing.read.references import clean_reference, non_english_ratio
from webbrain.types import Document

GOOD = "Ada Lovelace wrote notes on the Analytical Engine, and one of them is often called the first published program."


def test_a_page_and_its_references(tmp_path: Path) -> None:
    row = {
        "url": "https://wiki.example/Ada",
        "title": "Ada Lovelace",
        "text": '<h2>Life</h2>Ada was a <a href="/wiki/M">mathematician</a>.[1] She was born in London.[2][3]',
        "references": [
            {"cite_id": "[1]", "title": "Ada", "url": "https://a.example", "text": GOOD + " https://x.example/more"},
            {"cite_id": "[2]", "title": "Short", "url": "", "text": "Too short."},
            {"cite_id": "[3]", "title": "Russe", "url": "", "text": "Ада Лавлейс была математиком " * 10},
            {"cite_id": None, "text": "<div><img></div>"},
            {"cite_id": "[5]", "text": None},
        ],
    }
    (tmp_path / "chunk.jsonl").write_text(json.dumps(row))
    (record,) = scan(tmp_path)
    assert record.kind == "raw_page"
    page, first, *dropped = clean(record)
    text = "Life\nAda was a mathematician. She was born in London."
    assert page == Document("https://wiki.example/Ada", "Ada Lovelace", text, "https://wiki.example/Ada", {})
    metadata = {"cited_by": "https://wiki.example/Ada", "cite_id": "[1]"}
    assert first == Document("https://wiki.example/Ada#ref1", "Ada", GOOD, "https://a.example", metadata)
    assert [(item.doc_id[-5:], item.reason) for item in dropped if isinstance(item, Reject)] == [
        ("#ref2", "reference_too_short"),
        ("#ref3", "reference_not_english"),
        ("#ref4", "reference_only_markup"),
        ("#ref5", "reference_empty"),
    ]


def test_a_row_whose_references_are_something_else(tmp_path: Path) -> None:
    lines = [
        {"id": 1, "text": "Row [1] one", "references": ["a", "b"]},
        {"id": 2, "contents": "Row two", "references": [{"text": "x"}]},
        {"id": 3, "text": 'He said "references": [ and left [1]'},
        {"id": 4, "text": "Page [1] four", "references": []},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = [item for record in scan(tmp_path) for item in clean(record)]
    assert [item.text for item in found if isinstance(item, Document)] == [
        "Row [1] one",
        "Row two",
        'He said "references": [ and left [1]',
        "Page four",
    ]


def test_tables_tags_and_long_sentences_are_cut_out() -> None:
    table = "<table><tr><td>1815</td></tr></table>"
    long = "word " * 300 + "end."
    cleaned = clean_reference(f"<p>{GOOD}</p>{table}\na | b | c\n{long} {GOOD} &amp; <b>more</b>.")
    assert cleaned.rule == ""
    assert cleaned.text == f"{GOOD}\n\n{GOOD} & more."


@pytest.mark.parametrize(("words", "rule"), [(15, "reference_too_short"), (16, "")])
def test_the_limit_of_words(words: int, rule: str) -> None:
    assert clean_reference("word " * words).rule == rule


def test_ratio_of_other_languages() -> None:
    assert non_english_ratio("one two three 1815") == 0.0
    assert non_english_ratio("one два три four") == 0.5
    assert non_english_ratio("1815") == 0.0


def test_hostile_references_take_no_time() -> None:
    start = time.perf_counter()
    for unit in ("<table>", "<table></table", "|", "a.", "\t", "<", "&amp;"):
        clean_reference(unit * 30_000)
    assert time.perf_counter() - start < 3
