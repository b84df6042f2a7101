from __future__ import annotations

import json
from pathlib import Path

from indexing.datasets.lead import TargetSentence
from indexing.datasets.pages import EvidenceDocument, Page, Read
from indexing.datasets.settings import DatasetSettings, Kind
from indexing.datasets.sources import read_record
from indexing.read import scan
from webbrain.analysis import Analyzer

NOTES = (
    "Ada Lovelace wrote notes on the Analytical Engine, and one of them is often called the first published program."
)
LIFE = "She was born in London in 1815, and she died there in 1852 after a long illness that nobody could cure at all."


def _read(folder: Path, kind: Kind) -> list[Read]:
    return [read_record(record, DatasetSettings(kind=kind), Analyzer()) for record in scan(folder)]


def _reasons(read: Read) -> list[tuple[str, str]]:
    return [(reject.doc_id, reject.reason) for reject in read.rejects]


def test_a_webbrain_raw_page(tmp_path: Path) -> None:
    row = {
        "url": "https://wiki.example/Ada",
        "title": "Ada Lovelace",
        "text": '<a href="/wiki/A">Ada</a> Lovelace was a mathematician.[1][2] She wrote the [SPLIT] notes. '
        "<h2>Life</h2>No.",
        "references": [
            {"cite_id": "[1]", "title": "Notes", "url": "https://a.example", "text": f"<b>{NOTES}</b> [1]"},
            {"cite_id": "[2]", "title": "Short", "url": "", "text": "Too short."},
            {"cite_id": "[1]", "title": "Twice", "url": "", "text": LIFE},
        ],
    }
    (tmp_path / "chunk.jsonl").write_text(json.dumps(row))
    (read,) = _read(tmp_path, "raw")
    page_id = "https://wiki.example/Ada"
    assert read.page == Page(
        page_id,
        "Ada Lovelace",
        page_id,
        (
            TargetSentence("Ada Lovelace was a mathematician.", (1, 2)),
            TargetSentence("She wrote the (SPLIT) notes.", ()),
        ),
        (EvidenceDocument(f"{page_id}#ref1", "Notes", f"{NOTES} (1)", "https://a.example", 1),),
    )
    assert _reasons(read) == [(f"{page_id}#ref2", "reference_too_short"), (f"{page_id}#ref1", "duplicate_cite_id")]


def test_plain_articles(tmp_path: Path) -> None:
    lead = "Ada Lovelace (; born 1815) was an English mathematician."
    text = (
        f"{lead}\nWriting.\n{NOTES}\nReferences.\nSome book and another one that nobody has ever read to its end, ever."
    )
    begin, last = text.index(NOTES), text.index("Some")
    sections = [
        {"heading": "", "start": 0, "end": len(lead)},
        {"heading": "Writing", "start": begin, "end": begin + len(NOTES)},
        {"heading": "References", "start": last, "end": len(text)},
    ]
    rows = [
        {"id": 7, "title": "Ada Lovelace", "text": text, "sections": sections},
        {"id": 8, "title": "Stub", "text": "Stub is a town in a country.", "sections": sections[:1]},
        {"id": 9, "title": "Broken", "text": "No sections here."},
        {"id": 10, "title": " ", "text": text, "sections": sections},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    good, stub, broken, untitled, junk = _read(tmp_path, "articles")
    sentence = TargetSentence("Ada Lovelace (born 1815) was an English mathematician.")
    assert good.page == Page("7", "Ada Lovelace", "", (sentence,), (EvidenceDocument("7", "Ada Lovelace", NOTES),))
    assert good.rejects == []
    assert stub.page == Page("8", "Stub", "", (), ())
    assert _reasons(stub) == [("8", "lead_too_short")]
    assert (broken.page, _reasons(broken)) == (None, [("", "not_an_article")])
    assert untitled.page is not None
    assert untitled.page.documents != ()  # still evidence for others
    assert _reasons(untitled) == [("10", "title_missing")]
    assert (junk.page, _reasons(junk)) == (None, [("", "bad_json")])


def test_a_mediawiki_dump(tmp_path: Path) -> None:
    wikitext = (
        "'''Ada Lovelace''' was an [[England|English]] mathematician of the 19th century."
        "&lt;ref&gt;A book&lt;/ref&gt; {{citation}}\n"
        f"== Life ==\n{LIFE}\n=== Writing ===\n{NOTES}\n== See also ==\n* [[Charles Babbage]]\n"
    )
    pages = [("Ada Lovelace", "", wikitext), ("Ada", '<redirect title="Ada Lovelace"/>', "#REDIRECT [[Ada Lovelace]]")]
    body = "".join(
        f"<page><title>{title}</title><ns>0</ns><id>{number}</id>{redirect}"
        f"<revision><text>{text}</text></revision></page>"
        for number, (title, redirect, text) in enumerate(pages, 1)
    )
    (tmp_path / "dump.xml").write_text(f"<mediawiki>{body}</mediawiki>")
    page, redirect = _read(tmp_path, "wiki")
    assert page.page == Page(
        "1",
        "Ada Lovelace",
        "",
        (TargetSentence("Ada Lovelace was an English mathematician of the 19th century."),),
        (EvidenceDocument("1", "Ada Lovelace", f"{LIFE}\n\n{NOTES}"),),
    )
    assert _reasons(redirect) == [("2", "redirect")]


def test_a_source_of_another_kind_is_told_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": 1, "text": "Plain text."}))
    assert [_reasons(read) for read in _read(tmp_path, "raw")] == [[("", "not_a_raw_page")]]
    assert [_reasons(read) for read in _read(tmp_path, "wiki")] == [[("", "not_mediawiki")]]
