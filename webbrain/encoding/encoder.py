"""The encoder an index carries: `model.onnx`, `tokenizer.json` and `encoder.json`, run by ONNX Runtime."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.onnx_bert import export, pooling_of
from webbrain.errors import IndexDamaged
from webbrain.models import ModelFiles, sha256_file
from webbrain.protocols import Vectors


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """What `encoder.json` says: enough to know whether two indexes share a vector space."""

    name: str
    weights_sha256: str
    onnx_sha256: str
    dim: int
    pooling: str
    max_tokens: int
    precision: str


def package_encoder(model: ModelFiles, folder: Path, precision: str = "int8") -> EncoderCard:
    """Write the self-contained encoder folder of a model; returns its card."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model.folder / "tokenizer.json", folder / "tokenizer.json")
    if model.static:
        return _package_static(model, folder)
    export(model, folder / "model.onnx", precision)
    config = model.read_json("config.json")
    limit = model.read_json("sentence_bert_config.json").get("max_seq_length") or config["max_position_embeddings"]
    card = EncoderCard(
        name=model.name,
        weights_sha256=model.weights_sha256,
        onnx_sha256=sha256_file(folder / "model.onnx"),
        dim=int(config["hidden_size"]),
        pooling=pooling_of(model),
        max_tokens=min(int(limit), int(config["max_position_embeddings"])),
        precision=precision,
    )
    _write_card(card, folder)
    return card


def _package_static(model: ModelFiles, folder: Path) -> EncoderCard:
    from webbrain.encoding.static import MAX_TOKENS, export_static

    dim = export_static(model, folder / "model.onnx")
    digest = sha256_file(folder / "model.onnx")
    card = EncoderCard(model.name, model.weights_sha256, digest, dim, "mean", MAX_TOKENS, "int8")
    _write_card(card, folder)
    return card


def _write_card(card: EncoderCard, folder: Path) -> None:
    (folder / "encoder.json").write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")


def read_card(folder: Path) -> EncoderCard:
    try:
        return EncoderCard(**json.loads((folder / "encoder.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise IndexDamaged(f"{folder / 'encoder.json'} cannot be read ({error}); rebuild the index") from error


class OnnxEncoder:
    """Implements `webbrain.protocols.Encoder`, one text a run, `threads` runs side by side."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.folder = folder
        self.threads = threads
        self.card = read_card(folder)
        self._session: Any = None
        self._tokenizer: Any = None

    @property
    def dim(self) -> int:
        return self.card.dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = list(self.encode_each(texts))
        return np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)

    def encode_each(self, texts: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        """One unit vector of shape (dim,) per text, in order."""
        return self._map("sentence", texts)

    def encode_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Per text the unnormalised token vectors, shape (tokens, dim), with those of [CLS] and [SEP] left out."""
        return [rows[1:-1] for rows in self._map("tokens", texts)]

    def encode_ids(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """The token vectors of ids as they are, shape (n, dim): for who puts texts together himself."""
        self._load()
        states: NDArray[np.float32] = self._session.run(["tokens"], {"ids": np.array([ids], np.int64)})[0][0]
        return states

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids that a text is run with, [CLS] and [SEP] among them."""
        self._load()
        return [self._tokenizer.encode(text).ids for text in texts]

    def _map(self, output: str, texts: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        self._load()
        batch = [np.array([one.ids], np.int64) for one in self._tokenizer.encode_batch_fast(list(texts))]

        def run(ids: NDArray[np.int64]) -> NDArray[np.float32]:
            values: NDArray[np.float32] = self._session.run([output], {"ids": ids})[0][0]
            return values

        if self.threads == 1 or len(batch) < 2:
            yield from map(run, batch)
            return
        with ThreadPoolExecutor(self.threads) as pool:  # a share each: a task a text costs more than a static text
            shares = [batch[at :: self.threads] for at in range(self.threads)]
            done = list(pool.map(lambda share: [run(ids) for ids in share], shares))
        yield from (done[at % self.threads][at // self.threads] for at in range(len(batch)))

    def _load(self) -> None:
        if self._session is not None:
            return
        if self.threads > 1:
            os.environ["TOKENIZERS_PARALLELISM"] = "true"  # before the library reads it
        try:
            tokenizer = open_tokenizer(self.folder, self.card.max_tokens)
            session = open_session(self.folder / "model.onnx")
        except Exception as error:  # neither library has a narrower one
            raise IndexDamaged(
                f"the encoder in {self.folder} cannot be loaded ({error}); run `webbrain index verify DIR --full`"
            ) from error
        self._tokenizer, self._session = tokenizer, session


def open_tokenizer(folder: Path, max_tokens: int | None) -> Any:
    """The tokenizer of a packaged model; it cuts off what is longer than `max_tokens` (None: never)."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    if max_tokens is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_tokens)
    # Control tokens such as "[SEP]" in a page are words like any other.
    tokenizer.encode_special_tokens = True
    return tokenizer


def open_session(path: Path) -> Any:
    """An ONNX graph on one thread, so that its numbers are the same every time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    unwanted = ["SkipLayerNormFusion", "BiasSkipLayerNormFusion"]  # see `onnx_bert.dense_add_norm`
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=unwanted
    )
