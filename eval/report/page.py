"""The report as one HTML file that needs nothing else: no network, no outside style, script, font or image."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from ..core import Scores
from . import plots
from .article import KIND_NAMES, article_html
from .gather import Report
from .highlight import visible
from .summary import measure_name, number, summary_html, words

HERE = Path(__file__).parent
PLOTTED_AT_LEAST = 2  # distinct values; a measure that is the same for every query needs no plot


def render_page(report: Report) -> str:
    """HTML with a content policy that allows this file's own style and script and nothing else."""
    style = (HERE / "page.css").read_text(encoding="utf-8")
    script = (HERE / "page.js").read_text(encoding="utf-8")
    allowed = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    parts = (_head(report), summary_html(report), _sentences(report), *_plots(report), *_queries(report))
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="no-referrer"><title>{words(report.run.name)} · WebBrain report</title>'
        f"<style>{style}</style></head>\n<body><main>\n{body}\n</main>\n<script>{script}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _head(report: Report) -> str:
    facts = {
        "evidence": str(report.run.mode).removesuffix(" evidence") or "not stated",
        "support scorer": report.scorer,
        "held against": report.against.name if report.against else "",
        **{name: str(report.provenance.get(name) or "") for name in ("writer", "retriever", "index", "webbrain")},
    }
    rows = "".join(
        f"<div><dt>{name}</dt><dd>{escape(visible(value))}</dd></div>" for name, value in facts.items() if value
    )
    links = [("summary", "Scores"), ("sentences", "Sentences"), ("spread", "Distributions")]
    links += [("gaps", "Differences")] if report.against else []
    links += [("reliability", "Reliability")] if report.reliability else []
    links += [("queries", "Queries"), ("articles", "Articles")]
    nav = "".join(f'<a href="#{key}">{label}</a>' for key, label in links)
    return (
        f'<header><h1>{words(report.run.name)}</h1><p class="lead">{_lead(report)}</p><dl>{rows}</dl>'
        f'<nav aria-label="Sections">{nav}</nav></header>'
    )


def _lead(report: Report) -> str:
    """The run in a sentence or two."""
    articles = [item.article for item in report.items if item.article is not None]
    written = sum(bool(article.sentences) for article in articles)
    counts = report.kinds()
    total = sum(counts.values())
    carried = counts["supported"] + counts["joint"]
    missing = len(report.run.evaluation.missing)
    return (
        f"{written} of {len(report.items)} queries have an article"
        + (f", {len(articles) - written} were answered with “no evidence”" if len(articles) > written else "")
        + (f", {missing} are missing" if missing else "")
        + f". Of {total:,} sentences, {carried / max(total, 1):.1%} are supported by what they cite."
    )


def _sentences(report: Report) -> str:
    """How many sentences are of each kind: the legend of everything below."""
    counts = report.kinds()
    total = sum(counts.values())
    legend = "".join(
        f'<li><span class="swatch k-{kind}">{kind.replace("_", " ")}</span> {count:,} '
        f"({count / max(total, 1):.1%}): {KIND_NAMES[kind]}</li>"
        for kind, count in counts.items()
    )
    return (
        f'<section id="sentences"><h2>How {total:,} sentences stand</h2>{plots.shares(counts)}'
        f'<ul class="legend">{legend}</ul><p class="note">By the support scorer <code>{escape(report.scorer)}</code>. '
        "A passage copied word for word is always supported: read support beside coverage, density and length.</p>"
        "</section>"
    )


def _plots(report: Report) -> Iterator[str]:
    theirs = {one.name: one for one in report.against.evaluation.scores} if report.against else {}
    figures = []
    for scores in report.run.evaluation.scores:
        series = {report.run.name: _numbers(scores)}
        if report.against and scores.name in theirs:
            series[report.against.name] = _numbers(theirs[scores.name])
        if _varies(*series.values()):
            figures.append(_figure(scores.name, plots.histogram(scores.name, series)))
    other = f' <span class="key outline-key"></span> {words(report.against.name)}.' if report.against else ""
    note = (
        f'Queries by score. <span class="key"></span> {words(report.run.name)}.{other} The upright lines are the means.'
    )
    yield _gallery("spread", "Score distributions", figures, note)
    if report.against:
        names = f"{words(report.run.name)} minus {words(report.against.name)}"
        note = f"{names}, one bar a query, sorted. A bar leads to its article."
        yield _gallery("gaps", "Differences per query", list(_gaps(report)), note)
    if report.reliability:
        yield _reliability(report)


def _gaps(report: Report) -> Iterator[str]:
    numbers = {item.query_id: at for at, item in enumerate(report.items, 1)}
    theirs = {one.name: one.values for one in report.against.evaluation.scores} if report.against else {}
    for scores in report.run.evaluation.scores:
        pairs = ((query, value, theirs.get(scores.name, {}).get(query)) for query, value in scores.values.items())
        values = [(f"#a{numbers[q]}", visible(q), a - b) for q, a, b in pairs if a is not None and b is not None]
        if any(value for _, _, value in values):
            yield _figure(scores.name, plots.differences(scores.name, values))


def _reliability(report: Report) -> str:
    found = report.reliability
    if found is None:
        return ""
    auc = "not defined (one label only)" if found.auc is None else f"{found.auc:.3f}"
    note = (
        f"{found.n:,} labels. Expected calibration error {found.ece:.3f}, Brier score {found.brier:.3f}, "
        f"ROC AUC {auc}. A dot is a tenth of the score range (its size: how many labels), with a 95% Wilson interval; "
        "on the diagonal, a score is the share that people call supported."
    )
    figure = _figure("share labelled supported, by score", plots.reliability(found))
    return _gallery("reliability", "Does the support score mean what it says?", [figure], note)


def _gallery(key: str, title: str, figures: Sequence[str], note: str) -> str:
    inner = f'<div class="gallery">{"".join(figures)}</div>' if figures else "<p>Every query scores the same.</p>"
    return f'<section id="{key}"><h2>{title}</h2><p class="note">{note}</p>{inner}</section>'


def _figure(name: str, plot: str) -> str:
    return f"<figure><figcaption>{measure_name(name)}</figcaption>{plot}</figure>"


def _queries(report: Report) -> Iterator[str]:
    """The table of queries, then the articles, each closed until it is wanted."""
    shown = [scores for scores in report.run.evaluation.scores if _varies(_numbers(scores))]
    heads = "".join(f'<th scope="col"><button type="button">{measure_name(one.name)}</button></th>' for one in shown)
    rows = []
    for at, item in enumerate(report.items, 1):
        cells = "".join(f"<td>{number(one.values.get(item.query_id))}</td>" for one in shown)
        rows.append(f'<tr><th scope="row" dir="auto"><a href="#a{at}">{words(item.title)}</a></th>{cells}</tr>')
    yield (
        '<section id="queries"><h2>Queries</h2><p class="tools"><label>Filter <input type="search" id="filter"></label>'
        '<span id="count" role="status"></span></p><div class="wide tall"><table class="numbers sortable"><thead><tr>'
        f'<th scope="col"><button type="button">query</button></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )
    yield '<section id="articles"><h2>Articles</h2>' + "".join(_articles(report)) + "</section>"


def _articles(report: Report) -> Iterator[str]:
    for at, item in enumerate(report.items, 1):
        found = ((scores.name, scores.values.get(item.query_id)) for scores in report.run.evaluation.scores)
        scores = " · ".join(f"{measure_name(name)} {number(value)}" for name, value in found if value is not None)
        yield article_html(at, item, report.checked.get(item.query_id), scores)


def _numbers(scores: Scores) -> list[float]:
    return [value for value in scores.values.values() if value is not None]


def _varies(*series: Sequence[float]) -> bool:
    return len({value for values in series for value in values}) >= PLOTTED_AT_LEAST
