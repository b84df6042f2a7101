"""Tasks that train whole encoders: dense bi-encoder, cross-encoder, SPLADE. All results are safetensors folders.

The dense and the cross-encoder folder are what sentence-transformers loads too.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from webbrain.encoding.onnx_bert import pooling_of
from webbrain.models import ModelFiles
from webbrain.training.retriever.loop import Loss
from webbrain.training.retriever.loss import contrast, distil, flops, l1, spans
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.triples import PassageTexts, Triple

COSINE_SCALE = 20.0  # of sentence-transformers' losses: a temperature of 0.05


class EncoderTask(ABC):
    """What the three have in common: the batch as token tensors, autocast, ranking loss."""

    module: Any  # of transformers, which mypy knows too well

    def __init__(self, settings: RetrieverSettings, files: ModelFiles, texts: PassageTexts) -> None:
        from transformers import AutoTokenizer

        self.settings, self.files, self.texts = settings, files, texts
        self.tokenizer = AutoTokenizer.from_pretrained(str(files.folder))
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def loss(self, batch: Sequence[Triple]) -> Loss:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            return self._loss(batch)

    @abstractmethod
    def _loss(self, batch: Sequence[Triple]) -> Loss: ...

    @abstractmethod
    def save(self, folder: Path) -> None: ...

    def _ranking(self, scores: Tensor, batch: Sequence[Triple]) -> Tensor:
        scores = scores.float()
        ranking = contrast(scores, batch)
        if batch[0].scores and self.settings.distil:
            ranking = ranking + self.settings.distil * distil(scores, batch, self.settings.teacher_scale)
        return ranking

    def _queries(self, batch: Sequence[Triple]) -> Any:
        return self._tokens([triple.query for triple in batch], self.settings.query_tokens)

    def _passages(self, batch: Sequence[Triple]) -> Any:
        texts = [self.texts[passage_id] for triple in batch for passage_id in triple.passages]
        return self._tokens(texts, self.settings.passage_tokens)

    def _tokens(self, texts: Sequence[str], limit: int) -> Any:
        found = self.tokenizer(list(texts), padding=True, truncation=True, max_length=limit, return_tensors="pt")
        return found.to(self.device)


class DenseTask(EncoderTask):
    """A bi-encoder: cosines of pooled token states, contrasted at a temperature of 0.05 (as in DPR)."""

    def __init__(self, settings: RetrieverSettings, files: ModelFiles, texts: PassageTexts) -> None:
        from transformers import AutoModel

        super().__init__(settings, files, texts)
        self.module = AutoModel.from_pretrained(str(files.folder)).to(self.device)
        self.pooling = pooling_of(files)

    def _loss(self, batch: Sequence[Triple]) -> Loss:
        scores = COSINE_SCALE * self._vectors(self._queries(batch)) @ self._vectors(self._passages(batch)).T
        ranking = self._ranking(scores, batch)
        return Loss(ranking, ranking)

    def _vectors(self, tokens: Any) -> Tensor:
        states = self.module(**tokens).last_hidden_state
        if self.pooling == "cls":
            return normalize(states[:, 0].float(), dim=-1)
        mask = tokens["attention_mask"][..., None]
        return normalize((states * mask).sum(dim=1).float() / mask.sum(dim=1), dim=-1)

    def save(self, folder: Path) -> None:
        save_model(self.module, self.tokenizer, folder)
        dim = int(self.module.config.hidden_size)
        pooling = {"word_embedding_dimension": dim, "pooling_mode_cls_token": self.pooling == "cls",
                   "pooling_mode_mean_tokens": self.pooling == "mean"}  # fmt: skip
        _write(folder / "1_Pooling" / "config.json", pooling)
        _write(folder / "sentence_bert_config.json", {"max_seq_length": self.settings.passage_tokens})
        kinds = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
        modules = [
            {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for at, (kind, path) in enumerate(kinds)
        ]
        _write(folder / "modules.json", modules)
        _write(folder / "2_Normalize" / "config.json", {})


class RerankerTask(EncoderTask):
    """A cross-encoder of one label, contrasted over each query's own list (LCE, Gao et al. 2021)."""

    def __init__(self, settings: RetrieverSettings, files: ModelFiles, texts: PassageTexts) -> None:
        from transformers import AutoModelForSequenceClassification

        super().__init__(settings, files, texts)
        model = AutoModelForSequenceClassification.from_pretrained(str(files.folder), num_labels=1)
        self.module = model.to(self.device)

    def scores(self, batch: Sequence[Triple]) -> list[Tensor]:
        """Per triple the logits of its passages."""
        asked = [triple.query for triple in batch for _ in triple.passages]
        texts = [self.texts[passage_id] for triple in batch for passage_id in triple.passages]
        options = {"padding": True, "truncation": "only_second", "return_tensors": "pt", "return_token_type_ids": True}
        tokens = self.tokenizer(asked, texts, max_length=self.settings.passage_tokens, **options)
        logits = self.module(**tokens.to(self.device)).logits[:, 0].float()
        return [logits[first:last] for first, last in spans(batch)]

    def _loss(self, batch: Sequence[Triple]) -> Loss:
        losses = []
        for triple, scores in zip(batch, self.scores(batch), strict=True):
            losses.append(self._ranking(scores[None], [triple]))
        ranking = torch.stack(losses).mean()
        return Loss(ranking, ranking)

    def save(self, folder: Path) -> None:
        save_model(self.module, self.tokenizer, folder)


class SpladeTask(EncoderTask):
    """SPLADE with an encoder for queries and one for passages (paper.md): max over tokens of log(1 + ReLU(logit)).

    A checkpoint without a masked-LM head gets a fresh transform whose decoder is tied to its word embeddings.
    """

    def __init__(self, settings: RetrieverSettings, files: ModelFiles, texts: PassageTexts) -> None:
        from transformers import AutoModelForMaskedLM

        super().__init__(settings, files, texts)
        torch.manual_seed(settings.seed)
        parts = {name: AutoModelForMaskedLM.from_pretrained(str(files.folder)) for name in ("query", "document")}
        if "query" in parts:  # both begin as one
            parts["query"].load_state_dict(parts["document"].state_dict())
        self.module = nn.ModuleDict(parts).to(self.device)

    def _loss(self, batch: Sequence[Triple]) -> Loss:
        queries = self._weights("query", self._queries(batch))
        documents = self._weights("document", self._passages(batch))
        ranking = self._ranking(queries @ documents.T, batch)
        sparsity = self.settings.sparsity
        norm = flops if sparsity.document_norm == "flops" else l1
        return Loss(ranking + sparsity.queries * l1(queries) + sparsity.documents * norm(documents), ranking)

    def _weights(self, part: str, tokens: Any) -> Tensor:
        logits = self.module[part](**tokens).logits.float()
        logits = logits.masked_fill(tokens["attention_mask"][..., None] == 0, float("-inf"))
        return torch.log1p(torch.relu(logits.amax(dim=1)))

    def save(self, folder: Path) -> None:
        for part, encoder, head in (("document", "encoder", "head"), ("query", "query_encoder", "query-head")):
            model = self.module[part]
            save_model(model.bert, self.tokenizer, folder / encoder)
            save_file(mlm_head(model), folder / f"{head}.safetensors")
        facts: dict[str, Any] = {"kind": "splade", "base": self.files.name}
        facts |= {"encoder": "encoder", "query_encoder": "query_encoder"}
        facts |= {"query_tokens": self.settings.query_tokens, "passage_tokens": self.settings.passage_tokens}
        _write(folder / "sparse.json", facts)


def mlm_head(model: Any) -> dict[str, Tensor]:
    """The masked-LM head of a BERT model, whose decoder is tied to the word embeddings."""
    head = model.cls.predictions
    found = {
        "transform.weight": head.transform.dense.weight,
        "transform.bias": head.transform.dense.bias,
        "norm.weight": head.transform.LayerNorm.weight,
        "norm.bias": head.transform.LayerNorm.bias,
        "bias": head.bias if hasattr(head, "bias") else head.decoder.bias,
    }
    return {name: value.detach().float().cpu().contiguous() for name, value in found.items()}


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
