"""Static embeddings: what an encoder makes of each word piece alone, averaged over a text; thousands of texts a second.

The distillation of model2vec (Tulkens and van Dongen 2024): one forward pass a piece, no corpus, then principal
components, and weights from the ranks that Zipf's law puts in the place of frequencies. The table is written as an ONNX
graph with the full encoder's inputs and outputs, so `OnnxEncoder` runs it and an index carries it like any other.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.encoder import open_session
from webbrain.encoding.onnx_bert import Graph, check_supported, export, pool, save_encoder
from webbrain.models import ModelFiles, cache_folder

DIM = 256
MAX_TOKENS = 512
WHITENING = 0.5  # 0 leaves the principal components as wide as they are, 1 makes them equally wide
_BATCH = 256
_REST = 1e-3  # share of a vector that [CLS] adds, so that a text without a known piece has a direction too

Table = NDArray[np.float32]


def export_static(model: ModelFiles, target: Path) -> int:
    """Write the static table of `model` as ONNX, in int8; returns its width."""
    check_supported(model)
    table = _cached_table(model)
    graph = Graph(int8=True)
    pool(graph, graph.embedding("ids", "pieces", table), "mean")
    save_encoder(graph, table.shape[1], target)
    return int(table.shape[1])


def distill(model: ModelFiles) -> Table:
    """float32 of shape (pieces, dim <= DIM): a text's vector is the mean of its pieces' rows, made unit length."""
    states = piece_states(model)
    centred = states - states.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = slice(-1, -1 - min(DIM, len(variances)), -1)
    table = centred @ directions[:, kept] / np.maximum(variances[kept], 1e-9) ** (WHITENING / 2)
    return np.asarray(table * piece_weights(vocabulary_of(model))[:, None], np.float32)


def piece_states(model: ModelFiles) -> Table:
    """float32 of shape (pieces, width): the mean of a piece's own state and the mean state of `[CLS] piece [SEP]`.

    In fp32, since there a piece's states do not depend on its batch.
    """
    vocabulary = vocabulary_of(model)
    first, last = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    with tempfile.TemporaryDirectory() as folder:
        export(model, Path(folder) / "model.onnx", "fp32", batch="batch")
        session = open_session(Path(folder) / "model.onnx")
        found = []
        for begin in range(0, len(vocabulary), _BATCH):
            rows = np.arange(begin, min(begin + _BATCH, len(vocabulary)))
            ids = np.stack([np.full_like(rows, first), rows, np.full_like(rows, last)], axis=1)
            states = session.run(["tokens"], {"ids": ids})[0]
            found.append((states[:, 1] + states.mean(axis=1)) / 2)
    return np.concatenate(found)


def piece_weights(vocabulary: list[str]) -> Table:
    """log(1 + rank) per piece, ranks counted from the first whole word: BERT vocabularies go by frequency.

    Control tokens weigh nothing, but for the little that `[CLS]` gives every text.
    """
    first = next((row for row, piece in enumerate(vocabulary) if len(piece) > 1 and piece.isalpha()), 1)
    weights = np.log1p(np.maximum(np.arange(len(vocabulary)) - first + 1, 1)).astype(np.float32)
    control = [piece.startswith("[") and piece.endswith("]") and len(piece) > 2 for piece in vocabulary]
    weights[control] = 0
    weights[vocabulary.index("[CLS]")] = _REST
    return weights


def vocabulary_of(model: ModelFiles) -> list[str]:
    """The model's word pieces, by id."""
    numbers = json.loads((model.folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return sorted(numbers, key=numbers.__getitem__)


def _cached_table(model: ModelFiles) -> Table:
    """Distilling takes half a minute, so the table is kept in the user's cache folder where that can be written."""
    kept = cache_folder() / f"static-{model.weights_sha256[:16]}.npy"
    try:
        table = np.load(kept, allow_pickle=False)
    except (OSError, ValueError):
        table = distill(model)
        _keep(table, kept)
    return np.asarray(table, np.float32)


def _keep(table: Table, target: Path) -> None:
    beside = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix="static-", dir=target.parent))
        np.save(beside / "table.npy", table)
        (beside / "table.npy").replace(target)
    except OSError:
        return  # it is made again next time
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
