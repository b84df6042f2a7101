from __future__ import annotations

import re

from webbrain.types import Article, Passage, Reference
from webbrain.writing.bibtex import bibtex


def article(title: str, url: str = "", query: str = "Ada Lovelace") -> Article:
    passage = Passage("doc#0", "doc", title, "text", 0, 4, url)
    return Article(query, (), (Reference(1, passage), Reference(2, passage)), "ok")


def test_one_entry_per_reference() -> None:
    first, second = bibtex(article("The Analytical Engine", "https://a.example/x%20y?z=1")).split("\n\n")
    assert first.splitlines() == [
        "@misc{ada-lovelace-1,",
        "  title = {{The Analytical Engine}},",
        "  url = {https://a.example/x%20y?z=1},",
        r"  note = {passage doc\#0},",
        "}",
    ]
    assert second.startswith("@misc{ada-lovelace-2,")


def test_a_title_cannot_leave_its_field() -> None:
    text = bibtex(article("}},\n note = {\\input{/etc/passwd}} @misc{x, 50% & $1_000 #1 ~ ^", "javascript:alert(1)"))
    assert r"\input" not in text
    assert "javascript" not in text
    assert "url" not in text
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")
    assert len(re.findall(r"(?m)^@misc", text)) == 2
    assert r"50\% \& \$1\_000 \#1" in text


def test_a_query_without_letters_still_names_its_entries() -> None:
    assert bibtex(article("x", query="!?")).startswith("@misc{webbrain-1,")
