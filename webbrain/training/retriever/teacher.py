"""Distillation: a cross-encoder's scores of triples, written beside them for any student to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from webbrain.models import resolve
from webbrain.training.retriever.encoders import RerankerTask
from webbrain.training.retriever.loop import Note
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.triples import TripleSet, write_scores


def score_triples(
    output: Path, splits: Mapping[str, TripleSet], teacher: Path, settings: RetrieverSettings, note: Note
) -> None:
    """`<split>.scores.tsv` in the folder `output`, unless they stand there; the teacher is a cross-encoder's folder."""
    output.mkdir(parents=True, exist_ok=True)
    todo = [name for name in splits if not (output / f"{name}.scores.tsv").exists()]
    if not todo:
        return
    task = RerankerTask(settings, resolve(str(teacher)), splits[todo[0]].texts)
    task.module.eval()
    for name in todo:
        note(f"scoring {len(splits[name])} triples of {name} with {teacher}")
        write_scores(output, name, _scored(task, splits[name], settings.batch))


@torch.no_grad()
def _scored(task: RerankerTask, triples: TripleSet, size: int) -> Iterator[tuple[str, list[float]]]:
    for begin in range(0, len(triples), size):
        batch = [triples.triple(row) for row in range(begin, min(begin + size, len(triples)))]
        for triple, scores in zip(batch, task.scores(batch), strict=True):
            yield triple.query_id, scores.tolist()
