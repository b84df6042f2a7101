"""Sources and targets as padded tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from webbrain.writing.fid.model import IGNORED


def pad_sources(sources: Sequence[Sequence[Sequence[int]]], pad: int) -> tuple[Tensor, Tensor]:
    """Ids and mask (b, k, n) of each example's references; an absent reference is a row of padding."""
    count = max(len(rows) for rows in sources)
    length = max(len(row) for rows in sources for row in rows)
    ids = torch.full((len(sources), count, length), pad)
    mask = torch.zeros_like(ids)
    for example, rows in enumerate(sources):
        for place, row in enumerate(rows):
            ids[example, place, : len(row)] = torch.tensor(row)
            mask[example, place, : len(row)] = 1
    return ids, mask


def pad_labels(targets: Sequence[Sequence[int]]) -> Tensor:
    """Labels (b, t), padded with IGNORED."""
    labels = torch.full((len(targets), max(map(len, targets))), IGNORED)
    for example, target in enumerate(targets):
        labels[example, : len(target)] = torch.tensor(target)
    return labels
