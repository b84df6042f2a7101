"""A growth curve as SVG: a measure against the number of passages, both on logarithmic axes, one line an engine."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 420, 70, 50, 20, 210
COLOURS = ("#0b5394", "#b45f06", "#38761d", "#990000", "#674ea7", "#134f5c", "#7f6000", "#a64d79", "#444444", "#3d85c6")


def growth(results: Mapping[str, Mapping[str, Any]], measure: str, label: str, path: Path) -> None:
    """Draw `measure` of every "engine|size" with at least two sizes."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for key, found in results.items():
        engine, size = key.split("|")
        lines.setdefault(engine, []).append((int(size), float(found[measure])))
    lines = {engine: sorted(points) for engine, points in lines.items() if len(points) > 1}
    if not lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_svg(lines, label), encoding="utf-8")


def _svg(lines: Mapping[str, list[tuple[int, float]]], label: str) -> str:
    points = [point for line in lines.values() for point in line]
    x = _scale([size for size, _ in points], LEFT, WIDTH - RIGHT)
    y = _scale([value for _, value in points], HEIGHT - BOTTOM, TOP)
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *_axes(points, x, y, label)]
    for place, (engine, line) in enumerate(sorted(lines.items(), key=lambda item: -item[1][-1][1])):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in line)
        width = 3 if engine.startswith("webbrain") else 1.5
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        at = TOP + 12 + 20 * place
        parts.append(f'<text x="{WIDTH - RIGHT + 30}" y="{at}" fill="{colour}">{html.escape(engine)}</text>')
        begin, end = WIDTH - RIGHT + 8, WIDTH - RIGHT + 26
        parts.append(f'<path d="M{begin} {at - 4}H{end}" stroke="{colour}" stroke-width="{width}"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" style="font:13px sans-serif">'
    return f"{head}{''.join(parts)}</svg>\n"


def _axes(points: list[tuple[int, float]], x: Any, y: Any, label: str) -> list[str]:
    parts = [f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#444"/>']
    for size in sorted({size for size, _ in points}):
        parts.append(f'<text x="{x(size):.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,}</text>')
    values = [value for _, value in points]
    for power in range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1):
        if min(values) * 0.7 <= 10.0**power <= max(values) * 1.4:
            parts.append(f'<text x="{LEFT - 8}" y="{y(10.0**power) + 4:.0f}" text-anchor="end">{10.0**power:,g}</text>')
            parts.append(f'<path d="M{LEFT} {y(10.0**power):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 10}">passages; {html.escape(label)}</text>')
    return parts


def _scale(values: list[Any], start: float, end: float) -> Any:
    low, high = math.log(min(values)), math.log(max(values))
    return lambda value: start + (math.log(value) - low) / max(high - low, 1e-9) * (end - start)
