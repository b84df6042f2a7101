"""What `writer.json` says of a compact writer: enough to run it and to know which encoder it reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from webbrain.errors import ModelNotFound
from webbrain.models import sha256_file

CARD = "writer.json"
STEP, CROSS, TOKENIZER, OWN_ENCODER = "step.onnx", "cross.onnx", "tokenizer.json", "encoder"


@dataclass(frozen=True, slots=True)
class WriterCard:
    """`encoder` and `encoder_sha256` name the weights whose states it reads; `start` and `pad` are token ids."""

    encoder: str
    encoder_sha256: str
    layers: int
    heads: int
    dim: int
    copy: bool
    start: int
    pad: int
    source_tokens: int
    target_tokens: int
    precision: str
    step_sha256: str = ""
    cross_sha256: str = ""


def write_card(card: WriterCard, folder: Path) -> None:
    (folder / CARD).write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")


def read_card(folder: Path) -> WriterCard:
    """Raises ModelNotFound when the folder holds no compact writer, or its files are not those it was written with."""
    try:
        card = WriterCard(**json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelNotFound(
            f"{folder} holds no compact writer ({error}); name a folder that `webbrain train writer` exported"
        ) from error
    for name, digest in ((STEP, card.step_sha256), (CROSS, card.cross_sha256)):
        if not (folder / name).is_file() or sha256_file(folder / name) != digest:
            raise ModelNotFound(f"{folder / name} is missing or altered; copy the writer's folder again")
    return card
