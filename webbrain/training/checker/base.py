"""Packs the default encoder's weights as what the checker starts from.

python -m webbrain.training.checker.base --output .bench/checker/base.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from webbrain.models import DEFAULT_ENCODER, ModelFiles, resolve
from webbrain.training.checker.weights import pack


def pack_base(model: ModelFiles, path: Path) -> None:
    from safetensors.numpy import load_file

    held = load_file(model.folder / "model.safetensors")
    weights = {f"bert.{name.removeprefix('bert.')}": value for name, value in held.items() if value.dtype.kind == "f"}
    pack(weights, model.read_json("config.json"), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    output = parser.parse_args().output
    pack_base(resolve(DEFAULT_ENCODER), output)
    print(f"{output}: {output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
