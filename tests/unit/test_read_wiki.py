from __future__ import annotations

import bz2
from collections import Counter
from pathlib import Path

import pytest

from indexing.read import Reject, clean, scan
from indexing.read.wiki import wikitext_to_text
from webbrain.types import Document

SITE = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11"><siteinfo>
<base>https://de.wiki.example/wiki/Hauptseite</base>
<namespaces><namespace key="0" /><namespace key="6">Datei</namespace>
<namespace key="14">Kategorie</namespace></namespaces></siteinfo>"""


def page(number: int, title: str, text: str, namespace: int = 0, extra: str = "") -> str:
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>{number}</id>{extra}"
        f"<revision><id>9{number}</id><text>{text}</text></revision></page>\n"
    )


def items(path: Path, skipped: Counter[str] | None = None) -> list[Document | Reject]:
    return [item for record in scan(path, None, skipped) for item in clean(record)]


def test_a_dump(tmp_path: Path) -> None:
    dump = SITE + page(1, "Tee &amp; Kuchen", "'''Tee''' ist [[Datei:x.jpg|mini|Bild]] ein [[Getränk|Heißgetränk]].")
    dump += page(2, "Diskussion:Tee", "talk", 1) + page(3, "Thee", "", 0, '<redirect title="Tee" />')
    dump += page(4, "Leer", "{{Vorlage}}[[Kategorie:X]]") + "</mediawiki>"
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(dump.encode()))
    skipped: Counter[str] = Counter()
    assert items(path, skipped) == [
        Document("1", "Tee & Kuchen", "Tee ist ein Heißgetränk.", "https://de.wiki.example/wiki/Tee_%26_Kuchen", {}),
        Reject("dump.xml.bz2", 3, "3", "redirect", "to Tee"),
        Reject("dump.xml.bz2", 4, "4", "empty_text"),
    ]
    assert skipped == {"wiki page of namespace 1": 1}


def test_a_dump_that_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "dump.xml"
    path.write_text(SITE + page(1, "Tea", "Tea is a drink.") + page(2, "Coffee", "Coffee")[:60])
    found = items(path)
    assert isinstance(found[0], Document)
    assert isinstance(found[1], Reject)
    assert (found[1].line, found[1].reason) == (2, "bad_xml")


def test_packed_dump_that_breaks_off(tmp_path: Path) -> None:
    # bzip2 gives whole blocks: two streams, the second one cut.
    first, second = (SITE + page(1, "Tea", "Tea is a drink.") + " " * 100_000), page(2, "Coffee", "Coffee is, too.")
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(first.encode()) + bz2.compress(second.encode())[:-20])
    found = items(path)
    assert isinstance(found[0], Document)
    assert [item.reason for item in found[1:] if isinstance(item, Reject)] == ["truncated_bz2"]


def test_other_xml_and_entity_bombs(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text("<rss><channel/></rss>")
    bomb = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "/etc/hostname">]>'
    (tmp_path / "x.xml").write_text(bomb + SITE + page(1, "T", "before &b;&f; after") + "</mediawiki>")
    found = items(tmp_path)
    assert found[0] == Reject("feed.xml", 1, "", "not_mediawiki", "of XML only MediaWiki dumps are read")
    assert "aaaa" not in str(found[1])
    assert Path("/etc/hostname").read_text().strip() not in str(found[1:])


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("'''Ada''' ([[London]], {{IPA|x}}) was<ref name=a>a [[book]]</ref> a [[Mathematics|mathematician]].",
         "Ada (London, ) was a mathematician."),
        ("an area of {{convert|10|km2|sqmi}} and {{lang|fr|café}}", "an area of 10 km2 and café"),
        ("born ({{birth|1815}}) in", "born in"),
        ("a\n== History ==\nb", "a\n\nHistory\n\nb"),
        ("{| class=wikitable\n|-\n| cell\n|}\nafter", "\nafter"),
        ("[[File:a.jpg|thumb|A [[nested]] caption]][[Category:X]][[fr:Ada]][[:Category:Y]]", "Category:Y"),
        ("[https://x.example a label] [https://y.example]", "a label "),
        ("a&nbsp;b <!-- c --><small>d</small> <math>x^2</math>", "a\u00a0b d "),
        ("__NOTOC__ text ''unclosed", " text unclosed"),
    ],
)  # fmt: skip
def test_wikitext(wikitext: str, text: str) -> None:
    assert wikitext_to_text(wikitext) == text


@pytest.mark.parametrize("unit", ["[[", "{{", "{|", "'''", "<ref>", "(", " "])
def test_broken_wikitext_is_survived(unit: str) -> None:
    wikitext_to_text(unit * 2000 + "words")
