"""A corpus made up on the spot: cheap text with repeated ids, repeated and nearly repeated texts, and broken rows."""

from __future__ import annotations

import json
import random
from pathlib import Path

FILES = 3


def write(folder: Path, documents: int, *, seed: int = 1) -> Path:
    """`documents` rows in three `.jsonl` files."""
    draw = random.Random(seed)
    words = ["".join(draw.choice("aeioulmnrst") for _ in range(draw.randint(3, 9))) for _ in range(3000)]
    folder.mkdir(parents=True, exist_ok=True)
    texts: list[str] = []
    for part in range(FILES):
        with (folder / f"part-{part}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(part, documents, FILES):
                file.write(_row(number, draw, words, texts) + "\n")
    return folder


def _row(number: int, draw: random.Random, words: list[str], texts: list[str]) -> str:
    kind = draw.random()
    if kind < 0.01:
        return '{"id": "broken'
    if kind < 0.02:
        return json.dumps({"id": f"page {number}", "text": " "})
    if kind < 0.04 and texts:
        return json.dumps({"id": f"page {draw.randrange(number + 1)}", "text": _text(draw, words)})
    if kind < 0.07 and texts:
        return json.dumps({"id": f"page {number}", "title": "copy", "text": draw.choice(texts)})
    if kind < 0.10 and texts:
        return json.dumps({"id": f"page {number}", "title": "near copy", "text": draw.choice(texts) + " Read more."})
    texts.append(_text(draw, words))
    return json.dumps({"id": f"page {number}", "title": draw.choice(words), "text": texts[-1]})


def _text(draw: random.Random, words: list[str]) -> str:
    return " ".join(
        " ".join(draw.choice(words) for _ in range(draw.randint(5, 12))).capitalize() + "."
        for _ in range(draw.randint(2, 20))
    )
