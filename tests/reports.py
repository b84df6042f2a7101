"""A small run with every kind of sentence in it, hostile text included, for the tests of the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.report import Report, gather, write_report

BRIDGE = (
    "The Marlow viaduct was opened in 1871 by the engineer Ida Brandt. It has eleven arches of grey stone. "
    "Trains crossed it until 1964, when the line was closed."
)
TOLL = "Until 1902 every traveller on the Marlow viaduct paid a toll of two pence at the eastern end."
GARDEN = "The walled garden of Thorne House was laid out in 1820 and grows pears, quinces and medlars."
XSS = '<script>window.hacked = 1</script><img src="https://evil.example/x.png" onerror="window.hacked = 1">'
ARABIC = "الجسر الحجري في المدينة القديمة بني سنة 1871."


def _reference(marker: int, text: str, title: str, url: str = "") -> dict[str, Any]:
    return {
        "marker": marker,
        "text": text,
        "title": title,
        "url": url,
        "doc_id": f"doc-{marker}",
        "passage_id": f"doc-{marker}#0",
    }


def rows(source: str = "retrieved") -> list[dict[str, Any]]:
    """Rows of text with inline marks; the run of `source` "gold" is right where the other one is wrong."""
    wrong = "It was opened in 1971 by the engineer Ida Brandt [1]." if source == "retrieved" else f"{TOLL}[2]"
    viaduct = (
        f"The Marlow viaduct was opened in 1871 by the engineer Ida Brandt.[1] {wrong} "
        f"Trains crossed it until 1964 and travellers paid a toll until 1902 [1][2]. "
        "It has eleven arches of grey stone [2]. It is the finest bridge of the county. The valley is deep [9]. "
        "Water runs downhill [0]."
    )
    viaduct_references = [
        _reference(1, BRIDGE, "Viaducts", "https://bridges.example/marlow"),
        _reference(2, TOLL, "Tolls"),
    ]
    hostile_references = [
        _reference(1, f"{XSS} {GARDEN}", XSS, "javascript:window.hacked=1"),
        _reference(2, f"\u202eevil\u202c {ARABIC}", "الجسر", 'https://x.example/"onmouseover="window.hacked=1'),
        _reference(3, "", "An empty page"),
    ]
    hostile = f"{XSS} grows pears, quinces and medlars [1]. {ARABIC}[2] The page is empty [3]."
    found = [
        ("viaduct", "Marlow viaduct", viaduct, viaduct_references),
        ("hostile", f"Garden {XSS}", hostile, hostile_references),
        ("silent", "Nothing known", "", []),
    ]
    found += [(f"garden-{n}", f"Garden {n}", f"{GARDEN}[1]", [_reference(1, GARDEN, "Gardens")]) for n in range(6)]
    provenance = {"writer": "by hand", "evidence": {"source": source, "references_used": None}}
    return [
        {"query_id": key, "query": query, "text": text, "references": references, "provenance": provenance}
        for key, query, text, references in found
    ]


def write_run(path: Path, source: str = "retrieved") -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(source)), encoding="utf-8")
    return path


def make_report(folder: Path, *, whole: bool = True) -> Report:
    """A report of the run; `whole`: with references, judgements, another run and labels."""
    run = write_run(folder / "run.jsonl")
    if not whole:
        return gather(run, scorer="exact")
    references = folder / "references.jsonl"
    references.write_text(
        "".join(json.dumps({"id": row["query_id"], "text": BRIDGE}) + "\n" for row in rows()), encoding="utf-8"
    )
    qrels = folder / "qrels.tsv"
    qrels.write_text("viaduct\tdoc-1\t1\nhostile\tdoc-9\t1\n", encoding="utf-8")
    labels = folder / "labels.jsonl"
    labelled = [{"query_id": "viaduct", "sentence": at, "label": at in (1, 3)} for at in range(1, 8)]
    labels.write_text("".join(json.dumps(row) + "\n" for row in labelled), encoding="utf-8")
    against = write_run(folder / "gold.jsonl", "gold")
    return gather(run, references=references, qrels=qrels, against=against, labels=labels, scorer="exact")


def page_of(folder: Path, *, whole: bool = True) -> Path:
    path = folder / "report.html"
    write_report(make_report(folder, whole=whole), path)
    return path
