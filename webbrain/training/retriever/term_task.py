"""The training of learned term weights: data to tensors, loss, and the folder that an index takes with `--sparse`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

from webbrain.encoding.encoder import OnnxEncoder
from webbrain.training.retriever.loop import Loss
from webbrain.training.retriever.loss import contrast, distil, flops, l1
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.states import StateCache
from webbrain.training.retriever.terms import TermHead
from webbrain.training.retriever.triples import Triple

SAMPLED = 1024  # terms drawn for the regulariser, beside those of the batch's queries


class TermTask:
    """Implements `loop.Task` for a `TermHead` on cached states."""

    def __init__(self, settings: RetrieverSettings, head: TermHead, states: StateCache, encoder: OnnxEncoder) -> None:
        self.settings, self.module, self.states, self.encoder = settings, head, states, encoder
        self.terms = len(head.bias)

    def loss(self, batch: Sequence[Triple]) -> Loss:
        """LCE, distillation where there are scores, and the regularisers; FLOPS over a sample of the terms."""
        queries = self._query_ids(batch)
        asked = torch.unique(torch.cat(queries))
        drawn = torch.randint(0, self.terms, (SAMPLED,))
        columns = torch.unique(torch.cat([asked, drawn]))
        documents = self._documents(batch, columns)
        weights = self.module.queries(queries, columns)
        scores = weights @ documents.T
        ranking = contrast(scores, batch)
        if batch[0].scores and self.settings.distil:
            ranking = ranking + self.settings.distil * distil(scores, batch, self.settings.teacher_scale)
        sparsity = self.settings.sparsity
        sample = documents[:, torch.searchsorted(columns, torch.unique(drawn))]
        norm = flops if sparsity.document_norm == "flops" else l1
        documents_loss = norm(sample) * (self.terms / sample.shape[1])
        total = ranking + sparsity.documents * documents_loss + sparsity.queries * l1(weights)
        return Loss(total, ranking)

    def save(self, folder: Path) -> None:
        weights = {name: value.detach().numpy() for name, value in self.module.named_parameters()}
        save_file({name: value.astype(np.float16) for name, value in weights.items()}, folder / "head.safetensors")
        facts = {
            "kind": "terms",
            "base": self.settings.base,
            "expand": self.settings.expand,
            "query_tokens": 512,
            "passage_tokens": self.settings.passage_tokens,
        }
        (folder / "sparse.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    def _query_ids(self, batch: Sequence[Triple]) -> list[Tensor]:
        """Each query's distinct terms, without [CLS] and [SEP]."""
        return [
            torch.unique(torch.tensor(ids[1:-1] or [0])) for ids in self.encoder.token_ids([one.query for one in batch])
        ]

    def _documents(self, batch: Sequence[Triple], columns: Tensor) -> Tensor:
        padded = self.states.batch([passage_id for triple in batch for passage_id in triple.passages])
        arrays = (torch.from_numpy(array) for array in (padded.states, padded.ids, padded.mask))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.settings.precision == "bf16"):
            found: Tensor = self.module.documents(*arrays, columns)
        return found.float()
