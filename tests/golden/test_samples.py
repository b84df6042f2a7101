"""The sample corpus is whole: what its README promises is there, and its judgements and references name real things."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from webbrain.records import read_qrels

SAMPLES = Path(__file__).parents[2] / "corpus_samples"
PAGES = SAMPLES / "pages"
QUESTION = re.compile(r"^(?:who|what|when|where|which|how|why)\b", re.IGNORECASE)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judged() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for qrel in read_qrels(SAMPLES / "qrels.tsv"):
        found.setdefault(qrel.query_id, {})[qrel.doc_id] = qrel.relevance
    return found


def test_there_are_enough_pages_on_enough_topics(queries: dict[str, str]) -> None:
    kinds = Counter(path.parent.name for path in PAGES.rglob("*") if path.is_file())
    assert sum(kinds.values()) - kinds["hostile"] - kinds["pages"] >= 150
    assert all(kinds[kind] >= 15 for kind in "blog encyclopaedia forum hostile museum newsroom school".split())
    entries = [path.stem for path in (PAGES / "encyclopaedia").glob("*.html")]
    assert len(entries) >= 40


def test_the_wire_rows_are_documents_with_ids_of_their_own() -> None:
    wires = [row for path in sorted(PAGES.glob("wire-*.jsonl")) for row in rows(path)]
    assert len(wires) >= 40
    assert all(set(row) == {"id", "title", "text", "url"} and all(row.values()) for row in wires)
    assert len({row["id"] for row in wires}) == len(wires)


def test_queries(queries: dict[str, str]) -> None:
    assert len(queries) >= 50
    assert len(set(queries.values())) == len(queries)
    assert sum(query_id.startswith("none-") for query_id in queries) >= 6
    assert sum(bool(QUESTION.match(text)) for text in queries.values()) >= 8
    shown = {"Ada Lovelace", "Marie Curie", "Mercury", "Jaguar", "Python", "Apollo", "John Williams", "Francis Bacon"}
    assert shown <= set(queries.values())


def test_every_query_but_those_without_evidence_has_relevant_pages(queries: dict[str, str]) -> None:
    relevant = {query_id for query_id, grades in judged().items() if max(grades.values()) > 0}
    assert relevant == {query_id for query_id in queries if not query_id.startswith("none-")}


def test_every_judged_page_is_in_the_index(desk: Any) -> None:
    index = desk.index
    known = {shard.head(number).doc_id for shard in index.passages for number in range(shard.documents)}
    known |= {alias["doc_id"] for aliases in index.aliases.values() for alias in aliases}
    assert {doc_id for grades in judged().values() for doc_id in grades} <= known


def test_no_page_is_judged_twice_for_a_query() -> None:
    lines = (SAMPLES / "qrels.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [tuple(line.split()[0:3:2]) for line in lines]
    assert len(set(pairs)) == len(pairs)


def test_every_answerable_query_has_a_reference_lead(queries: dict[str, str]) -> None:
    references = rows(SAMPLES / "references.jsonl")
    assert all(set(row) == {"id", "title", "text"} for row in references)
    assert [row["id"] for row in references if not 50 <= len(row["text"].split()) <= 130] == []
    answerable = [query_id for query_id in queries if not query_id.startswith("none-")]
    assert sorted(row["id"] for row in references) == sorted(answerable)


def test_every_page_but_the_hostile_rows_is_read(desk: Any) -> None:
    rejects = next((desk.index.folder / "builds").glob("*/rejects.jsonl"))
    assert {row["path"] for row in rows(rejects)} == {"hostile/odd-rows.jsonl"}


def test_near_duplicates_are_folded_and_other_languages_kept(desk: Any) -> None:
    folded = {alias["doc_id"] for aliases in desk.index.aliases.values() for alias in aliases}
    assert {"museum/rosetta-stone-gallery-7.html", "newsroom/taj-mahal-yellowing.html"} <= folded
    text = " ".join(passage.text for passage in desk.passages(lambda doc_id: not doc_id.startswith("hostile")))
    for words in ("القهوة", "Шахматы", "Skłodowska nie mogła", "Quecksilber ist ein", "fue una matemática"):
        assert words in text
