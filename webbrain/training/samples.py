"""Articles for development examples, written by the exported writer from packed data: to read, and to score."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.models import ModelFiles
from webbrain.training.packed import PackedSet
from webbrain.training.settings import TrainSettings
from webbrain.types import Passage
from webbrain.writing.compact.card import OWN_ENCODER
from webbrain.writing.compact.writer import CompactWriter
from webbrain.writing.fid.vocabulary import Vocabulary
from webbrain.writing.fid.writer import FidWriter

SAMPLE_TOKENS = 200
Score = Callable[[list[str], list[str]], dict[str, float]]


def write_samples(
    folder: Path, files: ModelFiles | None, data: Path, settings: TrainSettings, output: Path, score: Score | None
) -> dict[str, float]:
    """Write `output`, one example a line with its references, its target and what was written; returns the scores."""
    with tempfile.TemporaryDirectory() as temporary:
        writer = _writer(folder, files, Path(temporary))
        rows = [_sample(writer, example) for example in _examples(data, writer.load().vocabulary, settings)]
    with output.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if score is None or not rows:
        return {}
    return score([row["written"] for row in rows], [row["target"] for row in rows])


def _writer(folder: Path, files: ModelFiles | None, temporary: Path) -> CompactWriter | FidWriter:
    if files is None:
        return FidWriter(model=str(folder))
    encoder = None
    if not (folder / OWN_ENCODER).exists():
        package_encoder(files, temporary)
        encoder = OnnxEncoder(temporary)
    return CompactWriter(encoder, str(folder))


def _examples(data: Path, vocabulary: Vocabulary, settings: TrainSettings) -> list[dict[str, Any]]:
    """The first development examples as text, read back from their ids."""
    packed = PackedSet.open(data, settings.stages["full"].dev)
    tokens, found = packed.tokens, []
    for number in range(min(settings.write_examples, len(packed))):
        example = packed.example(number)
        rows = [row.tolist() for row in example.references]
        if not rows:
            continue
        bodies = [row[row.index(tokens.ref) + 2 : -1] for row in rows]
        found.append(
            {
                "id": example.example_id,
                "query": vocabulary.decode(rows[0][rows[0].index(tokens.title) + 1 : rows[0].index(tokens.ref)]),
                "references": [vocabulary.decode(body) for body in bodies],
                "target": vocabulary.decode([i for i in example.target.tolist() if i not in tokens.marks]),
            }
        )
    return found


def _sample(writer: CompactWriter | FidWriter, example: dict[str, Any]) -> dict[str, Any]:
    passages = [
        Passage(f"{number}", f"{number}", "", text, 0, len(text))
        for number, text in enumerate(example["references"], 1)
    ]
    written = writer.generate(example["query"], passages)
    marks = [list(sentence.marks) for sentence in written]
    return {**example, "written": " ".join(sentence.text for sentence in written), "marks": marks}
