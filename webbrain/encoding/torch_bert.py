"""The encoder on a GPU, for building large indexes: torch in bf16, batches of texts of about one length.

Only passages are encoded here. Queries go through the ONNX encoder that the index carries, so the two must agree
(`check_agreement`). In bf16 a text's vector depends on its batch by rounding noise, a cosine of 0.999 or more with what
it has alone, where the ONNX encoder gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from webbrain.encoding.encoder import OnnxEncoder, open_tokenizer, read_card
from webbrain.errors import ConfigError
from webbrain.models import ModelFiles
from webbrain.protocols import Vectors

BATCH_TOKENS = 1 << 15  # with padding
LEAST_COSINE = 0.97  # int8 against bf16 on MiniLM has 0.99
SAMPLES = (
    "Who built the lighthouse?",
    "The lighthouse was built of granite in 1847 and stands on a rock at the mouth of the harbour.",
    "Deep learning methods represent a word by a vector; words with like meanings have vectors that are close.",
)


class TorchEncoder:
    """Implements `webbrain.protocols.Encoder`; `folder` is the packaged encoder of the same model."""

    def __init__(
        self, model: ModelFiles, folder: Path, device: str, dtype: Literal["bfloat16", "float32"] = "bfloat16"
    ) -> None:
        self.model, self.folder, self.device, self.dtype = model, folder, device, dtype
        self.card = read_card(folder)
        self._bert: Any = None
        self._tokenizer: Any = None

    @property
    def dim(self) -> int:
        return self.card.dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        self._load()
        ids = [self._tokenizer.encode(text).ids for text in texts]
        found = np.zeros((len(ids), self.dim), np.float32)
        for rows in batches([len(one) for one in ids], BATCH_TOKENS):
            found[rows] = self._run([ids[row] for row in rows])
        return found

    def _run(self, ids: list[list[int]]) -> Vectors:
        import torch

        lengths = torch.tensor([len(one) for one in ids], device=self.device)
        padded = torch.zeros((len(ids), int(lengths.max())), dtype=torch.long)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = torch.tensor(one)
        mask = torch.arange(padded.shape[1], device=self.device)[None] < lengths[:, None]
        with torch.inference_mode():
            states = self._bert(input_ids=padded.to(self.device), attention_mask=mask.long()).last_hidden_state.float()
            if self.card.pooling == "cls":
                pooled = states[:, 0]
            else:
                pooled = (states * mask[..., None]).sum(1) / lengths[:, None]
            vectors: Vectors = torch.nn.functional.normalize(pooled, dim=-1).cpu().numpy()
        return vectors

    def _load(self) -> None:
        if self._bert is not None:
            return
        torch = _torch(self.device)
        from transformers import BertModel

        bert = BertModel.from_pretrained(self.model.folder, add_pooling_layer=False, local_files_only=True)
        move: Any = bert.to  # its annotation misses the arguments
        self._bert = move(device=self.device, dtype=getattr(torch, self.dtype)).eval()
        self._tokenizer = open_tokenizer(self.folder, self.card.max_tokens)


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of texts, longest first, in batches whose padded size stays within `most` tokens (or of one text)."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def check_agreement(passages: TorchEncoder, queries: OnnxEncoder) -> float:
    """The lowest cosine between the two encoders' vectors of a few texts; raises ConfigError where that is too low."""
    pairs = zip(passages.encode(SAMPLES), queries.encode(SAMPLES), strict=True)
    lowest = min(float(one @ two) for one, two in pairs)
    if lowest < LEAST_COSINE:
        raise ConfigError(
            f"on {passages.device} {passages.model.name!r} gives other vectors than the encoder that the index carries "
            f"(cosine {lowest:.3f}); build with --device cpu"
        )
    return lowest


def gpu_encoder(model: ModelFiles, folder: Path) -> TorchEncoder:
    """The encoder on the first GPU, checked; raises ConfigError where there is none, or no torch."""
    if model.static:
        raise ConfigError("static embeddings are made on the processor; leave --device cuda out")
    encoder = TorchEncoder(model, folder, "cuda")
    check_agreement(encoder, OnnxEncoder(folder))
    return encoder


def _torch(device: str) -> Any:
    try:
        import torch
        import transformers  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(f'--device cuda needs {error.name}; run `pip install "webbrain[train]"`') from error
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f"--device cuda: torch {torch.__version__} sees no GPU here; install a torch made for yours, "
            "or leave --device out"
        )
    return torch
