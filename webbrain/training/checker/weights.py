"""The checker's weights as files: a small base to start from, and what training changed in parts of a few MiB.

Word embeddings are not trained: the base has them in int8, with the scales that `encoding.onnx_bert` gives them, and
the parts leave them out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
WORDS = "bert.embeddings.word_embeddings.weight"
CODES, SCALES = ".codes", ".scales"
PART_BYTES = 15 << 20
READABLE = 0o644  # safetensors writes for the owner alone
SIZES = ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size", "layer_norm_eps")


def pack(weights: Mapping[str, Array], config: Mapping[str, Any], path: Path, *, words: bool = True) -> None:
    """Write matrices as int8 with a scale a row, the rest as float16; `config` is the model's. Without `words` what
    training changed alone."""
    from safetensors.numpy import save_file

    held: dict[str, Array] = {}
    for name, value in weights.items():
        if name == WORDS and not words:
            continue
        if value.ndim == 2:
            held[name + CODES], held[name + SCALES] = quantize_rows(value)
        else:
            held[name] = value.astype(np.float16)
    save_file(held, path, metadata={"config": json.dumps({name: config[name] for name in SIZES})})
    path.chmod(READABLE)


def unpack(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """(weights as float32, sizes) of a packed base."""
    from safetensors import safe_open

    with safe_open(str(path), framework="np") as held:
        sizes = json.loads(held.metadata()["config"])
        tensors = {name: np.asarray(held.get_tensor(name)) for name in held.keys()}  # noqa: SIM118
    weights = {name: value.astype(np.float32) for name, value in tensors.items() if not name.endswith((CODES, SCALES))}
    for name in [name.removesuffix(CODES) for name in tensors if name.endswith(CODES)]:
        weights[name] = tensors[name + CODES].astype(np.float32) * tensors[name + SCALES]
    return weights, sizes


def quantize_rows(table: Array) -> tuple[Array, Array]:
    """Symmetric int8 with one float32 scale a row."""
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
    return np.round(table / scales).astype(np.int8), scales.astype(np.float32)


def save_parts(weights: Mapping[str, Array], folder: Path, limit: int = PART_BYTES) -> list[Path]:
    """All but the word embeddings as float16, in files of at most `limit` bytes of weights."""
    from safetensors.numpy import save_file

    parts: list[dict[str, Array]] = [{}]
    used = 0
    for name, value in weights.items():
        if name == WORDS:
            continue
        small = np.ascontiguousarray(value.astype(np.float16))
        if parts[-1] and used + small.nbytes > limit:
            parts.append({})
            used = 0
        parts[-1][name] = small
        used += small.nbytes
    paths = [folder / f"weights-{number}.safetensors" for number in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        save_file(part, path)
        path.chmod(READABLE)
    return paths


def load_parts(folder: Path, base: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """(weights as float32, sizes): a base with what training changed put in; `folder` may be a packed file, too."""
    from safetensors.numpy import load_file

    weights, sizes = unpack(base)
    if folder.is_file():
        return weights | unpack(folder)[0], sizes
    for path in sorted(folder.glob("weights-*.safetensors")):
        weights |= {name: value.astype(np.float32) for name, value in load_file(path).items()}
    return weights, sizes
