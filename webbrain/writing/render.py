"""An article as JSON, Markdown or HTML. Marks are made here; corpus text is escaped, never interpreted."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from webbrain.errors import ConfigError
from webbrain.types import Article, Sentence

FORMATS = ("md", "html", "json")
NO_EVIDENCE = "Nothing in this corpus bears on that, so no article was written."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~&])")
_SAFE_URL = re.compile(r"^https?://[^\s<>\"'`\\^{}|]+$", re.IGNORECASE)


def render(article: Article, form: str) -> str:
    """`form` is one of FORMATS; raises ConfigError for another."""
    if form == "json":
        return json.dumps(as_json(article), ensure_ascii=False, indent=1)
    if form == "md":
        return _markdown(article)
    if form == "html":
        return _html(article)
    raise ConfigError(f"unknown format {form!r}; known are: {', '.join(FORMATS)}")


def as_json(article: Article) -> dict[str, Any]:
    """The documented schema of an article."""
    return {
        "query": article.query,
        "status": article.status,
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(sentence.citations),
                "support": sentence.support,
                "origin": sentence.origin,
            }
            for sentence in article.sentences
        ],
        "references": [
            {
                "marker": reference.marker,
                "passage_id": reference.passage.passage_id,
                "doc_id": reference.passage.doc_id,
                "title": reference.passage.title,
                "url": reference.passage.url,
                "text": reference.passage.text,
            }
            for reference in article.references
        ],
        "other_senses": list(article.other_senses),
        "provenance": dict(article.provenance),
    }


def safe_url(url: str) -> str:
    """The URL if it is plain http(s), else "": `javascript:` and `data:` addresses are never linked."""
    return url if _SAFE_URL.match(url) else ""


def _marks(sentence: Sentence) -> str:
    return "".join(f"[{marker}]" for marker in sentence.citations)


def _escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is: no mark, link, heading, list or HTML of a passage takes effect."""
    flat = _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    return re.sub(r"^(\s*)([-+>=]|\d+[.)])", r"\1\\\2", flat)


def _markdown(article: Article) -> str:
    lines = [f"# {_escape_markdown(article.query)}", ""]
    if article.status == "no_evidence":
        return "\n".join([*lines, NO_EVIDENCE, ""])
    lines += [" ".join(f"{_escape_markdown(s.text)}{_marks(s)}" for s in article.sentences), ""]
    if article.other_senses:
        lines += ["*Also found under this name: " + "; ".join(map(_escape_markdown, article.other_senses)) + ".*", ""]
    lines += ["## References", ""]
    for reference in article.references:
        url = safe_url(reference.passage.url)
        title = _escape_markdown(reference.passage.title or reference.passage.doc_id)
        lines.append(
            f"\\[{reference.marker}\\] {title}{f' <{url}>' if url else ''}"
            f" ({_escape_markdown(reference.passage.passage_id)})  "
        )
    return "\n".join([*lines, ""])


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.05rem/1.6 Georgia, serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2 {{ font-family: system-ui, sans-serif; line-height: 1.25; }}
sup a {{ text-decoration: none; }}
li {{ margin-bottom: .8rem; overflow-wrap: anywhere; }}
.text {{ font-size: .9rem; opacity: .8; }}
.weak {{ text-decoration: underline dotted; }}
</style></head><body>
<article><h1>{title}</h1>
{body}
</article></body></html>
"""


def _html(article: Article) -> str:
    title = html.escape(article.query)
    if article.status == "no_evidence":
        return _PAGE.format(title=title, body=f"<p>{NO_EVIDENCE}</p>")
    parts = ["<p>" + "\n".join(map(_html_sentence, article.sentences)) + "</p>"]
    if article.other_senses:
        others = html.escape("; ".join(article.other_senses))
        parts.append(f"<p><em>Also found under this name: {others}.</em></p>")
    parts.append("<h2>References</h2>\n<ol>")
    for reference in article.references:
        passage = reference.passage
        name = html.escape(passage.title or passage.doc_id)
        url = html.escape(safe_url(passage.url))
        link = f'<a href="{url}" rel="noreferrer nofollow">{name}</a>' if url else name
        text = html.escape(passage.text)
        parts.append(f'<li id="ref-{reference.marker}" dir="auto">{link}<div class="text">{text}</div></li>')
    return _PAGE.format(title=title, body="\n".join([*parts, "</ol>"]))


def _html_sentence(sentence: Sentence) -> str:
    marks = "".join(f'<sup><a href="#ref-{marker}">[{marker}]</a></sup>' for marker in sentence.citations)
    support = "not checked" if sentence.support is None else f"support {sentence.support:.2f}"
    return f'<span dir="auto" title="{support}">{html.escape(sentence.text)}</span>{marks}'
