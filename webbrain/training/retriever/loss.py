"""What retrievers are trained to lower."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

from webbrain.training.retriever.triples import Triple


def contrast(scores: Tensor, batch: Sequence[Triple]) -> Tensor:
    """LCE over in-batch and mined negatives (Gao et al. 2021): scores (queries, passages of the whole batch).

    Passages stand in the batch's order, a query's positive first among its own. A passage that is another query's but
    the same as this one's positive is no negative.
    """
    names = [passage_id for triple in batch for passage_id in triple.passages]
    own = torch.tensor([first for first, _ in spans(batch)], device=scores.device)
    same = torch.tensor([[name == triple.passages[0] for name in names] for triple in batch], device=scores.device)
    same[torch.arange(len(batch), device=scores.device), own] = False
    return cross_entropy(scores.masked_fill(same, float("-inf")), own)


def distil(scores: Tensor, batch: Sequence[Triple], teacher_scale: float) -> Tensor:
    """Mean KL divergence of each query's own list from the teacher's, whose scores are scaled by `teacher_scale`."""
    parts = []
    for row, (triple, (first, last)) in enumerate(zip(batch, spans(batch), strict=True)):
        teacher = softmax(torch.tensor(triple.scores, device=scores.device) * teacher_scale, dim=0)
        parts.append(kl_div(log_softmax(scores[row, first:last], dim=0), teacher, reduction="sum"))
    return torch.stack(parts).mean()


def spans(batch: Sequence[Triple]) -> list[tuple[int, int]]:
    """Where each triple's passages lie in the passages of the batch."""
    found, at = [], 0
    for triple in batch:
        found.append((at, at + len(triple.passages)))
        at += len(triple.passages)
    return found


def flops(weights: Tensor) -> Tensor:
    """Sum over terms of the squared mean weight (Paria et al. 2020): the expected cost of a query."""
    return weights.mean(dim=0).square().sum()


def l1(weights: Tensor) -> Tensor:
    """Mean over texts of the summed weights."""
    return weights.abs().sum(dim=1).mean()
