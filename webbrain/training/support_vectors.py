"""Builds `grounding/weights/vectors.npz`: what MiniLM makes of each word piece alone, in fewer dimensions, as int8.

    python -m webbrain.training.support_vectors

The distillation of model2vec (Tulkens and van Dongen 2024): one forward pass a piece, principal components, no corpus.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.models import DEFAULT_ENCODER, resolve

DIM = 96
OUTPUT = Path(__file__).parents[1] / "grounding/weights/vectors.npz"


def piece_vectors(folder: Path) -> tuple[list[str], NDArray[np.float32]]:
    """(vocabulary, what the encoder makes of each piece alone, shape (pieces, width))."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].__getitem__)
    encoder = OnnxEncoder(folder)
    first, last = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    return vocabulary, np.stack([encoder.encode_ids([first, row, last])[1] for row in range(len(vocabulary))])


def compress(vectors: NDArray[np.float32], dim: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Centred, unit length, first `dim` principal components, one int8 scale a row."""
    centred = vectors - vectors.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    _, _, directions = np.linalg.svd(centred[::3], full_matrices=False)
    small = centred @ directions[:dim].T
    scales = np.maximum(np.abs(small).max(axis=1), 1e-9) / 127
    return np.round(small / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def save(path: Path, vocabulary: list[str], codes: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
    pieces = np.frombuffer("\n".join(vocabulary).encode("utf-8"), np.uint8)
    np.savez_compressed(path, pieces=pieces, codes=codes, scales=scales)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package_encoder(resolve(DEFAULT_ENCODER), Path(folder))
        vocabulary, vectors = piece_vectors(Path(folder))
    save(options.output, vocabulary, *compress(vectors, DIM))
    print(f"{len(vocabulary):,} pieces, {options.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
