"""The curves of a run: one CSV, and one SVG drawn from it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from html import escape
from pathlib import Path

COLUMNS = ("stage", "step", "examples", "loss", "dev_loss", "learning_rate", "seconds")
WIDTH, HEIGHT, MARGIN = 720, 320, 48
COLOURS = {"loss": "#3b6ea5", "dev_loss": "#c2552d"}
Row = dict[str, str]


class Curve:
    """Appends rows to a CSV; `keep` rows of an earlier life of the run stay, later ones are cut off."""

    def __init__(self, path: Path, keep: int) -> None:
        self.path = path
        rows = read_curve(path)[:keep] if path.exists() else []
        self.rows = len(rows)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, **values: object) -> None:
        """One row, on disk when this returns."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS, restval="").writerow(values)
        self.rows += 1


def read_curve(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def draw_curve(source: Path, target: Path) -> None:
    """Training and development loss over all stages, a line at each stage's beginning."""
    rows = read_curve(source)
    lines = {name: [(at, float(row[name])) for at, row in enumerate(rows) if row[name]] for name in COLOURS}
    values = [value for line in lines.values() for _, value in line] or [0.0, 1.0]
    low, high = min(values), max(max(values), min(values) + 1e-9)
    right = max(len(rows) - 1, 1)

    def x(at: float) -> float:
        return MARGIN + at / right * (WIDTH - 2 * MARGIN)

    def y(value: float) -> float:
        return HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN)

    parts = [_stage_mark(x(at), row["stage"]) for at, row in enumerate(rows) if _begins(rows, at)]
    for value in (low, (low + high) / 2, high):
        parts.append(f'<text x="4" y="{y(value):.1f}">{value:.2f}</text>')
    for place, (name, line) in enumerate(lines.items()):
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line)
        parts.append(f'<polyline fill="none" stroke="{COLOURS[name]}" stroke-width="1.5" points="{points}"/>')
        parts.append(f'<text x="{MARGIN + 90 * place}" y="{HEIGHT - 12}" fill="{COLOURS[name]}">{escape(name)}</text>')
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect width="100%" height="100%" fill="white"/>'
    target.write_text("\n".join([head, *parts, "</svg>\n"]), encoding="utf-8")


def _begins(rows: Sequence[Row], at: int) -> bool:
    return at == 0 or rows[at]["stage"] != rows[at - 1]["stage"]


def _stage_mark(x: float, stage: str) -> str:
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{MARGIN}" y2="{HEIGHT - MARGIN}" stroke="#ccc"/>'
    return f'{line}<text x="{x + 3:.1f}" y="{MARGIN - 6}">{escape(stage)}</text>'
