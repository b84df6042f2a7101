"""Learned term weights on frozen token states: a document encoder whose queries need no encoder at all.

A passage's weight of term j is  log(1 + ReLU(max over tokens of expansion) + sum over its tokens j of ReLU(own))  with

- expansion: (A h + a) . e_j + b_j, e_j the encoder's word embedding of j in its first principal components: SPLADE's
  head (Formal et al. 2021) with tied embeddings and a linear transform, since MiniLM comes without a masked-LM head.
  A and a start as the ridge regression of word embeddings on token states, which alone already gives the words near a
  token's meaning; with 128 of 384 components it costs a third and keeps them;
- own: v . h + c at each token that is j: uniCOIL's weight (Lin and Ma 2021), summed so that repetition counts.

A query is its set of terms, each with one learned factor for all queries, starting at 1, times the term's idf in the
index that is searched, over the passages that have it themselves (inference-free sparse retrieval, Geng et al. 2024).
Terms are the encoder's word pieces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from webbrain.training.retriever.states import Padded, StateCache

WIDTH = 128  # principal components of the word embeddings
RIDGE = 10.0
INITIAL_SCALE = 6.0  # of the expansion's logits: a token's own term then lies near 2
INITIAL_OWN = 2.0  # of a token for its own term
INITIAL_QUANTILE = 0.995  # of a passage's terms, so many start at no weight


class TermHead(nn.Module):
    """Everything that is trained. The word embeddings, float32 (V, dim), and their `projection` stay as they are."""

    embeddings: Tensor
    projection: Tensor
    idf: Tensor

    def __init__(self, embeddings: Tensor, idf: Tensor, *, width: int = WIDTH, expand: bool = True) -> None:
        super().__init__()
        terms, dim = embeddings.shape
        self.expand = expand
        projection = principal_components(embeddings, min(width, dim))
        self.register_buffer("projection", projection, persistent=False)
        self.register_buffer("embeddings", embeddings @ projection, persistent=False)
        self.transform = nn.Linear(dim, projection.shape[1])
        self.bias = nn.Parameter(torch.zeros(terms))
        self.own = nn.Linear(dim, 1)
        self.register_buffer("idf", idf, persistent=False)
        self.query = nn.Parameter(torch.ones(terms))

    def documents(self, states: Tensor, ids: Tensor, mask: Tensor, columns: Tensor) -> Tensor:
        """Weights of shape (n, len(columns)) of the terms `columns` (ascending ids) in n passages."""
        found = self.own_weights(states, ids, mask, columns)
        if self.expand:
            logits = self.transform(states) @ self.embeddings[columns].T
            logits = logits.masked_fill(~mask[..., None], float("-inf")).amax(dim=1) + self.bias[columns]
            found = found + torch.relu(logits)
        return torch.log1p(found)

    def own_weights(self, states: Tensor, ids: Tensor, mask: Tensor, columns: Tensor) -> Tensor:
        """What the tokens that are one of `columns` give to it, summed; 0 where it has none."""
        places = torch.searchsorted(columns, ids).clamp_max(len(columns) - 1)
        held = mask & (columns[places] == ids)
        values = torch.where(held, torch.relu(self.own(states)[..., 0]), 0.0)
        return values.new_zeros(len(states), len(columns)).scatter_add(1, places, values)

    def queries(self, ids: Sequence[Tensor], columns: Tensor) -> Tensor:
        """Weights of shape (len(ids), len(columns)); `ids` are each query's terms, all of them in `columns`."""
        rows = torch.cat([torch.full_like(one, row) for row, one in enumerate(ids)])
        terms = torch.cat(list(ids))
        found = self.query.new_zeros(len(ids), len(columns))
        weights = torch.relu(self.query[terms]) * self.idf[terms]
        return found.index_put((rows, torch.searchsorted(columns, terms)), weights)


def principal_components(embeddings: Tensor, width: int) -> Tensor:
    """The first `width` directions of the centred embeddings, shape (dim, width)."""
    centred = (embeddings - embeddings.mean(dim=0)).double()
    vectors: Tensor = torch.linalg.eigh(centred.T @ centred)[1]
    return vectors[:, -width:].flip(1).float()


def start(head: TermHead, sample: Padded, banned: Sequence[int]) -> None:
    """Set the head to where training begins, from a sample of passages; `banned` are terms that no text has."""
    states = torch.from_numpy(sample.states[sample.mask])
    ids = torch.from_numpy(sample.ids[sample.mask])
    weight, bias = ridge(states, head.embeddings[ids] - head.embeddings.mean(dim=0))
    with torch.no_grad():
        head.transform.weight.copy_(INITIAL_SCALE * weight)
        head.transform.bias.copy_(INITIAL_SCALE * bias)
        head.own.weight.zero_()
        head.own.bias.fill_(INITIAL_OWN)
        head.query[list(banned)] = 0.0
        head.bias.copy_(-_threshold(head, sample))
        head.bias[list(banned)] = -100.0


def ridge(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """(weight, bias) of the linear map from inputs (n, dim) to targets (n, dim) with a small penalty."""
    wide = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1).double()
    gram = wide.T @ wide + RIDGE * torch.eye(wide.shape[1], dtype=torch.float64)
    solved = torch.linalg.solve(gram, wide.T @ targets.double()).float()
    return solved[:-1].T.contiguous(), solved[-1]


def _threshold(head: TermHead, sample: Padded) -> Tensor:
    """The logit over which a passage has only its best few terms, median over the sample."""
    found = []
    for states, mask in zip(sample.states, sample.mask, strict=True):
        logits = head.transform(torch.from_numpy(states[mask])) @ head.embeddings.T
        found.append(torch.quantile(logits.amax(dim=0), INITIAL_QUANTILE))
    return torch.stack(found).median()


def inverse_frequencies(states: StateCache, terms: int) -> Tensor:
    """BM25's idf of each of `terms` word pieces over the passages of a cache."""
    held = np.zeros(terms)
    for row in range(states.done):
        held[np.unique(states.tokens(row))] += 1
    return torch.from_numpy(np.log(1 + (states.done - held + 0.5) / (held + 0.5))).float()
