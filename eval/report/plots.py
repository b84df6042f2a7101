"""Plots as SVG text: no library, no script, colours by class so that the page's light and dark styles hold."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence

from ..reliability import Reliability
from ..significance import Interval

WIDTH, HEIGHT = 300, 150
LEFT, RIGHT, TOP, BOTTOM = 38, 8, 10, 24
BINS = 20
Scale = Callable[[float], float]


def histogram(name: str, series: Mapping[str, Sequence[float]]) -> str:
    """How the queries' scores are spread: one set of bars, and the first series' mean as a line.

    A second series is drawn as an outline over the bars of the first.
    """
    low, high = value_range([value for values in series.values() for value in values])
    counts = {label: _counts(values, low, high) for label, values in series.items()}
    most = max((max(found) for found in counts.values()), default=1) or 1
    x, y = _scale(low, high, LEFT, WIDTH - RIGHT), _scale(0, most, HEIGHT - BOTTOM, TOP)
    parts = [_x_axis(x, low, high), _y_axis(y, [0, most])]
    for place, (label, found) in enumerate(counts.items()):
        parts.append(_bars(found, x, y, low, high, label) if place == 0 else _outline(found, x, y, low, high))
    for place, values in enumerate(series.values()):
        if values:
            at = x(math.fsum(values) / len(values))
            parts.append(f'<line class="mean s{place}" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    return _figure(f"Distribution of {name} over queries", parts)


def differences(name: str, values: Sequence[tuple[str, str, float]]) -> str:
    """Each query's difference, (link, label, value), sorted from the greatest loss to the greatest gain."""
    ordered = sorted(values, key=lambda one: one[2])
    low, high = min(0.0, ordered[0][2]), max(0.0, ordered[-1][2])
    y = _scale(low, high, HEIGHT - BOTTOM, TOP)
    step = (WIDTH - LEFT - RIGHT) / max(len(ordered), 1)
    parts = [_y_axis(y, sorted({low, 0.0, high}))]
    for place, (link, label, value) in enumerate(ordered):
        x, top, tall = LEFT + place * step, min(y(0), y(value)), max(abs(y(value) - y(0)), 0.75)
        sign = "gain" if value > 0 else "loss" if value < 0 else "tie"
        title = html.escape(f"{label}: {value:+.3f}")
        parts.append(
            f'<a href="{html.escape(link)}" tabindex="-1"><rect class="{sign}" x="{x:.2f}" y="{top:.1f}"'
            f' width="{max(step * 0.85, 0.5):.2f}" height="{tall:.1f}"><title>{title}</title></rect></a>'
        )
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    return _figure(f"Difference in {name} per query, sorted", parts, role="group")


def interval(value: float, span: Interval | None, low: float, high: float) -> str:
    """A mean and its interval on one line, for a table's cell."""
    x = _scale(low, high, 4, 116)
    parts = ['<line class="axis" x1="4" x2="116" y1="8" y2="8"/>']
    if span is not None:
        parts.append(f'<line class="span" x1="{x(span.low):.1f}" x2="{x(span.high):.1f}" y1="8" y2="8"/>')
    parts.append(f'<circle class="dot" cx="{x(value):.1f}" cy="8" r="3.5"/>')
    return (
        f'<svg class="interval" viewBox="0 0 120 16" width="120" height="16" aria-hidden="true">{"".join(parts)}</svg>'
    )


def shares(counts: Mapping[str, int]) -> str:
    """One bar cut by how many sentences are of each kind; its numbers stand in the legend beside it."""
    total = sum(counts.values()) or 1
    parts, at = [], 0.0
    for kind, count in counts.items():
        wide = 1000 * count / total
        title = f"<title>{kind.replace('_', ' ')}: {count}</title>"
        parts.append(
            f'<rect class="k-{kind}" x="{at:.2f}" y="0" width="{max(wide - 1.5, 0):.2f}" height="22">{title}</rect>'
        )
        at += wide
    label = html.escape("; ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counts.items()))
    return (
        f'<svg class="shares" viewBox="0 0 1000 22" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def reliability(found: Reliability) -> str:
    """Share labelled supported against the mean score of each tenth, with intervals, beside the diagonal."""
    x, y = _scale(0, 1, LEFT, WIDTH - RIGHT), _scale(0, 1, HEIGHT * 1.6 - BOTTOM, TOP)
    parts = [_x_axis(x, 0, 1, HEIGHT * 1.6), _y_axis(y, [0, 0.5, 1])]
    parts.append(f'<line class="ideal" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>')
    for one in found.bins:
        at = f"{x(one.score):.1f}"
        parts.append(f'<line class="span" x1="{at}" x2="{at}" y1="{y(one.low):.1f}" y2="{y(one.high):.1f}"/>')
        title = f"<title>score {one.score:.2f}: {one.share:.0%} of {one.n} supported</title>"
        size = 3 + 5 * math.sqrt(one.n / found.n)
        parts.append(f'<circle class="dot" cx="{at}" cy="{y(one.share):.1f}" r="{size:.1f}">{title}</circle>')
    return _figure("Share labelled supported by support score", parts, HEIGHT * 1.6)


def _figure(label: str, parts: Sequence[str], height: float = HEIGHT, role: str = "img") -> str:
    """An image to a screen reader, or a group where links stand in it."""
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {height:g}" role="{role}" aria-label="{html.escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _bars(counts: Sequence[int], x: Scale, y: Scale, low: float, high: float, label: str) -> str:
    step = (high - low) / len(counts)
    bars = []
    for place, count in enumerate(counts):
        begin, end = x(low + place * step), x(low + (place + 1) * step)
        title = f"<title>{_short(low + place * step)} to {_short(low + (place + 1) * step)}: {count}</title>"
        bars.append(
            f'<rect class="bar" x="{begin + 0.5:.1f}" y="{y(count):.1f}" width="{end - begin - 1:.1f}"'
            f' height="{y(0) - y(count):.1f}">{title}</rect>'
        )
    return f'<g aria-label="{html.escape(label)}">{"".join(bars)}</g>'


def _outline(counts: Sequence[int], x: Scale, y: Scale, low: float, high: float) -> str:
    step = (high - low) / len(counts)
    points = [f"M{x(low):.1f} {y(0):.1f}"]
    for place, count in enumerate(counts):
        points.append(f"V{y(count):.1f}H{x(low + (place + 1) * step):.1f}")
    return f'<path class="outline" d="{"".join(points)}V{y(0):.1f}"/>'


def _x_axis(x: Scale, low: float, high: float, height: float = HEIGHT) -> str:
    base = height - BOTTOM
    ticks = "".join(
        f'<text x="{x(value):.1f}" y="{base + 14:g}" text-anchor="{anchor}">{_short(value)}</text>'
        for value, anchor in ((low, "start"), ((low + high) / 2, "middle"), (high, "end"))
    )
    return f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base:g}" y2="{base:g}"/>{ticks}'


def _y_axis(y: Scale, values: Sequence[float]) -> str:
    return "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        f'<text x="{LEFT - 5}" y="{y(value) + 3.5:.1f}" text-anchor="end">{_short(value)}</text>'
        for value in values
    )


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (end - start) * (min(max(value, low), high) - low) / ((high - low) or 1.0)


def value_range(values: Sequence[float]) -> tuple[float, float]:
    """From 0 (or the least value below it) to a round number above the greatest."""
    low, top = min(0.0, min(values, default=0.0)), max(values, default=1.0)
    if top <= 0:
        return low, 0.0 if low else 1.0
    unit = 10 ** math.floor(math.log10(top))
    return low, math.ceil(top / unit * 2) / 2 * unit


def _counts(values: Sequence[float], low: float, high: float) -> list[int]:
    counts = [0] * BINS
    for value in values:
        counts[min(int((value - low) / (high - low) * BINS), BINS - 1)] += 1
    return counts


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 100 else f"{value:.2g}"
