"""The checker: a BERT encoder with three classes, its loss on labels that allow several of them, and its batches."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from webbrain.training.checker.rows import CLASSES, Flat, Rows, flatten, rows_of
from webbrain.training.checker.weights import WORDS

DROPOUT = 0.1
SPREAD = 0.02  # of weights that the base does not have
LEAST = 1e-6  # a chance of less than this teaches nothing
EIGHT = 8  # widths of batches are multiples of it


class Checker(nn.Module):
    """Parameters are named as transformers' BertForSequenceClassification names them; word embeddings stay as they
    are."""

    def __init__(self, sizes: Mapping[str, Any], vocabulary: int, positions: int) -> None:
        super().__init__()
        width, wide = int(sizes["hidden_size"]), int(sizes["intermediate_size"])
        self.heads = int(sizes["num_attention_heads"])
        eps = float(sizes["layer_norm_eps"])
        embeddings = nn.ModuleDict({
            "word_embeddings": nn.Embedding(vocabulary, width),
            "position_embeddings": nn.Embedding(positions, width),
            "token_type_embeddings": nn.Embedding(2, width),
            "LayerNorm": nn.LayerNorm(width, eps),
        })  # fmt: skip
        layers = nn.ModuleList(_layer(width, wide, eps) for _ in range(int(sizes["num_hidden_layers"])))
        encoder = nn.ModuleDict({"layer": layers})
        pooler = nn.ModuleDict({"dense": nn.Linear(width, width)})
        self.bert = nn.ModuleDict({"embeddings": embeddings, "encoder": encoder, "pooler": pooler})
        self.classifier = nn.Linear(width, len(CLASSES))
        self.get_parameter(WORDS).requires_grad_(False)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        """Logits (n, 3) of padded rows; `mask` is true where a token is."""
        table: Any = self.bert["embeddings"]
        places = torch.arange(ids.shape[1], device=ids.device)
        total = table["word_embeddings"](ids) + table["position_embeddings"](places)
        hidden = self._drop(table["LayerNorm"](total + table["token_type_embeddings"](types)))
        seen = mask[:, None, None, :]
        layers: Any = self.bert["encoder"]
        for layer in layers["layer"]:
            hidden = self._through(layer, hidden, seen)
        pooler: Any = self.bert["pooler"]
        logits: Tensor = self.classifier(self._drop(torch.tanh(pooler["dense"](hidden[:, 0]))))
        return logits

    def _through(self, layer: Any, hidden: Tensor, seen: Tensor) -> Tensor:
        attention = layer["attention"]
        rows, length, width = hidden.shape
        shape = (rows, length, self.heads, width // self.heads)
        query, key, value = (
            attention["self"][name](hidden).view(shape).transpose(1, 2) for name in ("query", "key", "value")
        )
        dropped = DROPOUT if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=dropped)
        hidden = self._add(attention["output"], mixed.transpose(1, 2).reshape(rows, length, width), hidden)
        return self._add(layer["output"], functional.gelu(layer["intermediate"]["dense"](hidden)), hidden)

    def _add(self, output: Any, change: Tensor, hidden: Tensor) -> Tensor:
        found: Tensor = output["LayerNorm"](self._drop(output["dense"](change)) + hidden)
        return found

    def _drop(self, values: Tensor) -> Tensor:
        return functional.dropout(values, DROPOUT, self.training)


def _layer(width: int, wide: int, eps: float) -> nn.ModuleDict:
    def output(size: int) -> nn.ModuleDict:
        return nn.ModuleDict({"dense": nn.Linear(size, width), "LayerNorm": nn.LayerNorm(width, eps)})

    own = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
    return nn.ModuleDict({
        "attention": nn.ModuleDict({"self": own, "output": output(width)}),
        "intermediate": nn.ModuleDict({"dense": nn.Linear(width, wide)}),
        "output": output(wide),
    })  # fmt: skip


def start(weights: Mapping[str, NDArray[Any]], sizes: Mapping[str, Any], seed: int) -> Checker:
    """The checker with a base's weights; those that it lacks are drawn."""
    positions = weights["bert.embeddings.position_embeddings.weight"]
    model = Checker(sizes, len(weights[WORDS]), len(positions))
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name in weights:
                value.copy_(torch.from_numpy(weights[name]))
            elif value.ndim == 2:
                value.normal_(0, SPREAD, generator=drawn)
            else:
                value.zero_()
    return model


class Batches:
    """Rows on a device; a batch is made there from a list of claims."""

    def __init__(self, rows: Rows, device: str) -> None:
        flat: Flat = flatten(rows)
        self.rows, self.device, self.lengths = rows, device, flat.lengths
        self.ids = torch.from_numpy(flat.ids.astype(np.int32)).to(device)
        self.first = torch.from_numpy(flat.first).to(device)
        self.second = torch.from_numpy(flat.second).to(device)

    def inputs(self, claims: NDArray[Any]) -> tuple[Tensor, Tensor, Tensor]:
        """(ids, types, mask) of all rows of some claims."""
        rows = rows_of(self.rows, claims)
        width = -(-int(self.lengths[rows].max()) // EIGHT) * EIGHT
        at = torch.from_numpy(rows).to(self.device)
        place = torch.arange(width, device=self.device)
        begin, size = self.first[at, None], (self.first[at + 1] - self.first[at])[:, None]
        mask = place < size
        ids = self.ids[(begin + place).clamp_(max=len(self.ids) - 1)].long() * mask
        return ids, ((place >= self.second[at, None]) & mask).long(), mask

    def targets(self, claims: NDArray[Any]) -> tuple[Tensor, Tensor]:
        """(label, number of rows) of each claim."""
        label, counts = self.rows.label[claims].astype(np.int64), self.rows.counts[claims]
        return torch.from_numpy(label).to(self.device), torch.from_numpy(counts).to(self.device)


def claim_losses(logits: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    """-log of the chance of each claim's label, which is a sum of 1, 2 and 4 for the classes that it allows.

    A claim is entailed when all its sentences are; else one of them, nobody knows which, is of a class that is allowed.
    """
    logs = functional.log_softmax(logits.float(), dim=-1)
    bits = torch.tensor([1 << at for at in range(len(CLASSES))], device=logits.device)
    owner = torch.repeat_interleave(torch.arange(len(labels), device=logits.device), counts, output_size=len(logits))
    allowed = (labels[owner, None] & bits) > 0
    inside = torch.logsumexp(logs.masked_fill(~allowed, -torch.inf), dim=-1)
    outside = torch.logsumexp(logs.masked_fill(allowed, -torch.inf), dim=-1)
    zero = torch.zeros(len(labels), device=logits.device)
    every, none = zero.index_add(0, owner, inside), zero.index_add(0, owner, outside)
    some = torch.log1p(-torch.exp(none.clamp(max=-LEAST)))
    return -torch.where((labels == 1) | (counts == 1), every, some)


def precision(device: str) -> AbstractContextManager[Any]:
    return torch.autocast(device.split(":")[0], torch.bfloat16, enabled=device != "cpu")


def log_shares(model: Checker, batches: Batches, made: list[NDArray[Any]]) -> NDArray[np.float16]:
    """Logarithms of the shares of CLASSES, for each row in order; rows of claims that are not asked for have 0."""
    found = torch.zeros((len(batches.lengths), len(CLASSES)), device=batches.device)
    model.eval()
    with torch.inference_mode(), precision(batches.device):
        for claims in made:
            at = torch.from_numpy(rows_of(batches.rows, claims)).to(batches.device)
            found[at] = functional.log_softmax(model(*batches.inputs(claims)).float(), dim=-1)
    model.train()
    return found.cpu().numpy().astype(np.float16)
