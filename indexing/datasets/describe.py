"""`webbrain dataset describe`: a finished dataset in numbers, with plots."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from webbrain.errors import CorpusError

from .publish import MANIFEST, STATISTICS

WIDTH, HEIGHT, MARGIN = 480, 240, 36


def describe(folder: Path) -> dict[str, Any]:
    """The manifest of a dataset (without its list of files) and its statistics. Raises CorpusError when it is none."""
    if not (folder / MANIFEST).is_file():
        raise CorpusError("no finished dataset; run `webbrain dataset build SOURCE --output DIR`", folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    files = manifest.pop("files")
    found = json.loads((folder / STATISTICS).read_text(encoding="utf-8"))
    return {**manifest, "bytes": sum(entry["bytes"] for entry in files.values()), "sets": found}


def write_plots(found: dict[str, Any], folder: Path) -> list[Path]:
    """A histogram a statistic, as SVG, of each set; returns the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, one in found["sets"].items():
        for statistic, bins in one["histograms"].items():
            if bins:
                path = folder / f"{name}.{statistic}.svg"
                path.write_text(histogram_svg(bins, f"{name}: {statistic.replace('_', ' ')}"), encoding="utf-8")
                written.append(path)
    return written


def histogram_svg(bins: dict[str, int], title: str) -> str:
    """Bars of a histogram, lower edge of a bin -> count, in the order given."""
    most, wide = max(bins.values()), (WIDTH - 2 * MARGIN) / len(bins)
    bars = []
    for place, (edge, count) in enumerate(bins.items()):
        high = (HEIGHT - 2 * MARGIN) * count / most
        left, top = MARGIN + place * wide, HEIGHT - MARGIN - high
        bars.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(wide - 1, 0.5):.1f}" height="{high:.1f}">'
            f"<title>{escape(edge)}: {count:,}</title></rect>"
        )
        if place % max(len(bins) // 8, 1) == 0:
            bars.append(f'<text x="{left:.1f}" y="{HEIGHT - MARGIN + 14}">{escape(f"{float(edge):g}")}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    label = f'<text x="{MARGIN}" y="20" font-size="13">{escape(title)} (highest bar: {most:,})</text>'
    return "\n".join([f'{head} font-size="10" fill="#356">', label, *bars, "</svg>", ""])
