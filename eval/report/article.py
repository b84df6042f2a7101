"""One article of a report: sentences coloured by how they stand, and behind each mark the passage and what decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from webbrain.types import Passage, Verdict
from webbrain.writing.render import safe_url

from ..checks import CheckedArticle, CheckedSentence
from ..core import Item
from .highlight import Piece, pieces, visible

KIND_NAMES = {
    "supported": "supported by a passage it cites",
    "joint": "supported by its passages together only",
    "elsewhere": "supported by a reference it does not cite",
    "not_supported": "not supported by what it cites",
    "not_checked": "not checked: nothing could be decided",
    "unresolved": "its marks point to nothing",
    "uncited": "no mark",
}


def article_html(number: int, item: Item, checked: CheckedArticle | None, scores: str) -> str:
    """A closed `<details>`; `scores` is HTML, shown when asked for."""
    title = escape(visible(item.title))
    body = _body(number, item, checked) if checked is not None else "<p>The run has no article for this query.</p>"
    strip = "" if checked is None else _strip(checked)
    return (
        f'<details class="article" id="a{number}"><summary><h3 dir="auto">{title}</h3>{strip}'
        f'<span class="id">{escape(visible(item.query_id))}</span></summary>{body}'
        f'<details class="scores"><summary>Scores of this query</summary><p>{scores}</p></details></details>\n'
    )


def _body(number: int, item: Item, checked: CheckedArticle) -> str:
    if not checked.sentences:
        return '<p class="none">The article has no sentence: nothing in the corpus bore on the query.</p>'
    prose = " ".join(_sentence(f"e{number}-{at}", one) for at, one in enumerate(checked.sentences, 1))
    evidence = "".join(
        block for at, one in enumerate(checked.sentences, 1) for block in _evidence(f"e{number}-{at}", one, checked)
    )
    references = "".join(
        f'<section class="reference"><h4>Reference text</h4><p dir="auto">{escape(visible(text))}</p></section>'
        for text in item.references
    )
    hint = '<p class="hint">Choose a mark or a sentence’s sign to see what it rests on.</p>'
    return (
        f'<div class="reading"><div class="prose"><p>{prose}</p>{references}</div>'
        f'<div class="evidence" aria-live="polite">{hint}{evidence}</div></div>'
    )


def _sentence(key: str, one: CheckedSentence) -> str:
    """The sentence, a sign that opens why it stands as it does, and its marks."""
    name = KIND_NAMES[one.kind]
    marks = "".join(_mark(f"{key}-{mark.marker}", mark.marker, mark.passage, mark.precise) for mark in one.marks)
    score = "–" if one.verdict.label == "not_checked" else f"{one.verdict.score:.2f}"
    sign = f'<a class="sign" href="#{key}-why" aria-label="{score}: {name}" title="{name}">{score}</a>'
    return f'<span class="k-{one.kind}" dir="auto">{escape(visible(one.sentence.text))}</span>{marks}{sign}'


def _mark(target: str, marker: int, passage: Passage | None, precise: bool) -> str:
    if passage is None:
        return f'<span class="mark broken" title="points to nothing">[{marker}]</span>'
    title = "" if precise else ' title="this passage does not carry the sentence, or could be left out"'
    return f'<a class="mark{"" if precise else " idle"}" href="#{target}"{title}>[{marker}]</a>'


def _evidence(key: str, one: CheckedSentence, checked: CheckedArticle) -> Iterator[str]:
    """A hidden block a mark, and one that gives the reasons."""
    passages = {reference.marker: reference.passage for reference in checked.article.references}
    yield _reasons(key, one)
    for mark in one.marks:
        if mark.passage is not None and mark.verdict is not None:
            yield _passage(f"{key}-{mark.marker}", mark.marker, mark.passage, one, mark.verdict)
    for marker in one.elsewhere:
        yield _passage(f"{key}-{marker}", marker, passages[marker], one, one.verdict)


def _reasons(key: str, one: CheckedSentence) -> str:
    others = "".join(f' <a class="mark" href="#{key}-{marker}">[{marker}]</a>' for marker in one.elsewhere)
    elsewhere = f"<p>Supported by{others}, which it does not cite.</p>" if one.elsewhere else ""
    label = one.verdict.label.replace("_", " ")
    origin = "" if one.sentence.origin == "written" else f" The sentence was {one.sentence.origin}."
    return (
        f'<section class="block" id="{key}-why" tabindex="-1"><h4>{KIND_NAMES[one.kind].capitalize()}</h4>'
        f"<p>Verdict: {label}, score {one.verdict.score:.2f}.{origin}</p>{_list(one.verdict)}{elsewhere}</section>"
    )


def _list(verdict: Verdict) -> str:
    return "<ul>" + "".join(f"<li>{escape(visible(reason))}</li>" for reason in verdict.reasons) + "</ul>"


def _passage(key: str, marker: int, passage: Passage, one: CheckedSentence, verdict: Verdict) -> str:
    name = escape(visible(passage.title or passage.doc_id))
    url = escape(safe_url(passage.url))
    link = f'<a href="{url}" rel="noreferrer nofollow">{name}</a>' if url else name
    text = "".join(_marked(pieces(passage.text, one.sentence.text, verdict.evidence)))
    label = verdict.label.replace("_", " ")
    return (
        f'<section class="block" id="{key}" tabindex="-1"><h4>[{marker}] <span dir="auto">{link}</span></h4>'
        f'<p class="verdict">This passage alone: {label}, score {verdict.score:.2f} · '
        f'<code>{escape(visible(passage.passage_id))}</code></p><p class="passage" dir="auto">{text}</p>'
        f"{_list(verdict)}</section>"
    )


def _marked(found: Sequence[Piece]) -> Iterator[str]:
    for deciding, group in groupby(found, key=lambda piece: piece.deciding):
        inner = "".join(f"<b>{escape(piece.text)}</b>" if piece.shared else escape(piece.text) for piece in group)
        yield f"<mark>{inner}</mark>" if deciding else inner


def _strip(checked: CheckedArticle) -> str:
    """A small bar of the sentences' kinds, in reading order, so that a weak article shows before it is opened."""
    cells = "".join(
        f'<rect class="k-{one.kind}" x="{8 * at}" y="0" width="7" height="10"/>'
        for at, one in enumerate(checked.sentences)
    )
    wide = 8 * len(checked.sentences)
    return f'<svg class="strip" viewBox="0 0 {wide} 10" width="{wide}" height="10" aria-hidden="true">{cells}</svg>'
