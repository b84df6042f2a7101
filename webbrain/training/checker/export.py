"""The trained checker as an ONNX folder that `webbrain.grounding.entailment` reads: `joint:FOLDER`, `nli:FOLDER`.

python -m webbrain.training.checker.export --weights RUN --base .bench/checker/base.safetensors --output checker
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webbrain.encoding.onnx_bert import PRECISIONS
from webbrain.encoding.onnx_heads import export_classifier
from webbrain.models import DEFAULT_ENCODER, resolve
from webbrain.training.checker.rows import CLASSES, MAX_TOKENS
from webbrain.training.checker.weights import WORDS, Array, load_parts


def export_checker(weights: Path, base: Path, output: Path, tokenizer: Path, precision: str = "int8") -> None:
    """Write `model.onnx`, `config.json` and `tokenizer.json`."""
    output.mkdir(parents=True, exist_ok=True)
    held, sizes = load_parts(weights, base)
    with tempfile.TemporaryDirectory() as folder:
        write_transformers(held, sizes, Path(folder), tokenizer)
        export_classifier(resolve(folder), len(CLASSES), output / "model.onnx", precision)
        shutil.copyfile(Path(folder) / "config.json", output / "config.json")
    shutil.copyfile(tokenizer, output / "tokenizer.json")


def write_transformers(held: Mapping[str, Array], sizes: Mapping[str, Any], folder: Path, tokenizer: Path) -> None:
    """The same as `BertForSequenceClassification.save_pretrained` writes, and the tokenizer."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(held), folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        **sizes,
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "vocab_size": len(held[WORDS]),
        "type_vocab_size": len(held["bert.embeddings.token_type_embeddings.weight"]),
        "max_position_embeddings": MAX_TOKENS,
        "id2label": {str(at): name for at, name in enumerate(CLASSES)},
        "label2id": {name: at for at, name in enumerate(CLASSES)},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="Folder of a run, or its planted.safetensors.")
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--precision", choices=PRECISIONS, default="int8")
    options = parser.parse_args()
    tokenizer = resolve(DEFAULT_ENCODER).folder / "tokenizer.json"
    export_checker(options.weights, options.base, options.output, tokenizer, options.precision)
    print(f"{options.output}: {(options.output / 'model.onnx').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
