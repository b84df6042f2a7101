"""The training of learned term weights: data to tensors, loss, and the folder that an index takes with `--sparse`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.encoding.sparse import plain_tokenizer
from webbrain.errors import ConfigError
from webbrain.models import ModelFiles
from webbrain.training.retriever.loop import Bar, Loss
from webbrain.training.retriever.loss import contrast, distil, flops, l1
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.states import StateCache
from webbrain.training.retriever.terms import TermHead, inverse_frequencies, start
from webbrain.training.retriever.triples import PassageTexts, Triple, TripleSet

SAMPLED = 1024  # terms drawn for the regulariser, beside those of the batch's queries
SCORE_SCALE = 0.25  # of scores while training: sums of idf differ by tens, too far for a softmax to learn from
START_PASSAGES = 300  # of which the head's start is made
_MARK = re.compile(r"\[(CLS|SEP|PAD|UNK|MASK|unused\d+)\]")
QUERY_TOKENS = 512  # each costs a look-up only


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
        scores = SCORE_SCALE * weights @ documents.T
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
        held = {**dict(self.module.named_parameters()), "projection": self.module.projection}
        if not self.settings.expand:
            held = {name: held[name] for name in ("own.weight", "own.bias", "query")}
        # In C order: safetensors writes an array's memory as it lies, and eigenvectors lie by columns.
        weights = {name: value.detach().numpy().astype(np.float16, order="C") for name, value in held.items()}
        save_file(weights, folder / "head.safetensors")
        facts: dict[str, Any] = {"kind": "terms", "base": self.settings.base}
        facts |= {"query_tokens": QUERY_TOKENS, "passage_tokens": self.settings.passage_tokens}
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
            states, ids, mask = arrays
            return self.module.documents(states, ids, mask, columns).float()


def make_term_task(
    settings: RetrieverSettings,
    files: ModelFiles,
    texts: PassageTexts,
    splits: Sequence[TripleSet],
    output: Path,
    bar: Bar,
) -> TermTask:
    """The task at its start; encodes the passages of the triples into `output/states` first, where they are not yet."""
    folder = output / "encoder"
    if not (folder / "encoder.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        package_encoder(files, folder)
    encoder = OnnxEncoder(folder, settings.threads or 1)
    ids = sorted({name for split in splits for triple in split.triples() for name in triple.passages})
    states = StateCache(output / "states", ids, encoder.dim)
    for _ in bar(states.fill(texts, encoder, settings.passage_tokens), len(ids) - states.done, "passages encoded"):
        pass
    embeddings = _word_embeddings(files)
    head = TermHead(embeddings, inverse_frequencies(states, len(embeddings)), expand=settings.expand)
    drawn = np.random.default_rng(settings.seed).permutation(len(ids))[:START_PASSAGES]
    tokenizer = plain_tokenizer(folder)
    marks = [at for at in range(len(embeddings)) if _MARK.fullmatch(tokenizer.id_to_token(at) or "")]
    start(head, states.batch([ids[place] for place in drawn]), marks)
    return TermTask(settings, head, states, encoder)


def _word_embeddings(files: ModelFiles) -> Tensor:
    from safetensors import safe_open

    with safe_open(str(files.folder / "model.safetensors"), framework="pt") as tensors:
        names = [name for name in tensors.keys() if name.endswith("embeddings.word_embeddings.weight")]  # noqa: SIM118
        if not names:
            raise ConfigError(f"base {files.name!r} has no word embeddings to tie; name a BERT encoder")
        found: Tensor = tensors.get_tensor(names[0]).float()
        return found
