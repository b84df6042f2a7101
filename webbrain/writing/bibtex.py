"""The references of an article as BibTeX; corpus text is escaped, never interpreted."""

from __future__ import annotations

import re

from webbrain.types import Article, Reference
from webbrain.writing.render import safe_url

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def bibtex(article: Article) -> str:
    """One @misc entry per reference, keyed by the query and its marker: `ada-lovelace-1`."""
    slug = "-".join(re.findall(r"[a-z0-9]+", article.query.lower())[:6]) or "webbrain"
    return "\n".join(_entry(f"{slug}-{reference.marker}", reference) for reference in article.references)


def _entry(key: str, reference: Reference) -> str:
    passage = reference.passage
    fields = {"title": f"{{{_escape(passage.title or passage.doc_id)}}}"}
    url = safe_url(passage.url)  # holds no brace, so that it cannot end its field
    if url:
        fields["url"] = url
    fields["note"] = f"passage {_escape(passage.passage_id)}"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@misc{{{key},", *lines, "}", ""])


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in " ".join(text.split()))
