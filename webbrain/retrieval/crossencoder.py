"""Reranking with a small cross-encoder, int8 on ONNX Runtime: query and passage are read together."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.encoding.onnx_heads import export_cross_encoder
from webbrain.encoding.sparse import onnx_session, plain_tokenizer
from webbrain.models import resolve, sha256_file
from webbrain.retrieval.rerank import PassageScoring
from webbrain.store.passages import indexed_text
from webbrain.types import ScoredPassage

MAX_TOKENS = 256
MAX_QUERY_TOKENS = 64


class CrossEncoderScorer:
    """Implements `webbrain.retrieval.rerank.PassageScorer` with a BERT sequence classifier of one label.

    Its folder gets an `onnx/` with the graph in int8, made when it is first used.
    """

    def __init__(self, folder: Path, precision: str = "int8") -> None:
        self.folder, self.precision = folder, precision

    @property
    def name(self) -> str:
        return self.folder.name

    def start(self, query: str) -> PassageScoring:
        asked = self._tokenizer.encode(query, add_special_tokens=False).ids[:MAX_QUERY_TOKENS]

        def score(hit: ScoredPassage) -> float:
            return self.score_ids(asked, indexed_text(hit.passage.title, hit.passage.text))

        return score

    def score_ids(self, asked: list[int], text: str) -> float:
        """The logit of a query, given as ids, with a passage."""
        first, last = self._marks
        left = MAX_TOKENS - len(asked) - 3
        held = self._tokenizer.encode(text, add_special_tokens=False).ids[:left]
        ids = [first, *asked, last, *held, last]
        types = [0] * (len(asked) + 2) + [1] * (len(held) + 1)
        feeds = {"ids": np.array([ids], np.int64), "numbers": np.array([types], np.int64)}
        return float(self._session.run(["score"], feeds)[0][0, 0])

    @cached_property
    def _marks(self) -> tuple[int, int]:
        return self._tokenizer.token_to_id("[CLS]"), self._tokenizer.token_to_id("[SEP]")

    @cached_property
    def _tokenizer(self) -> Any:
        return plain_tokenizer(self.folder)

    @cached_property
    def _session(self) -> Any:
        return onnx_session(self._graph())

    def _graph(self) -> Path:
        """The exported graph of these very weights."""
        digest = sha256_file(self.folder / "model.safetensors")[:16]
        target = self.folder / "onnx" / f"{digest}.{self.precision}.onnx"
        if not target.exists():
            shutil.rmtree(target.parent, ignore_errors=True)
            target.parent.mkdir()
            beside = target.with_suffix(".new")
            export_cross_encoder(resolve(str(self.folder)), beside, self.precision)
            beside.rename(target)
        return target
