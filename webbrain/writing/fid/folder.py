"""A writer's folder: what `save_pretrained` writes, and `fid.json` and `fid.safetensors` for what FiD adds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.utils import logging

from webbrain.errors import ModelNotFound
from webbrain.writing.fid.model import FusionInDecoder
from webbrain.writing.fid.vocabulary import Vocabulary

CARD, HEADS = "fid.json", "fid.safetensors"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to write; `pad` is its padding id, `target_tokens` the most it can write."""

    model: FusionInDecoder
    vocabulary: Vocabulary
    pad: int
    numbered: bool
    target_tokens: int


def load_model(name: str) -> LoadedModel:
    """A folder of ours, or any seq2seq of the hub, whose vocabulary gets the marks; raises ModelNotFound."""
    try:
        with quiet():
            seq2seq = AutoModelForSeq2SeqLM.from_pretrained(name, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelNotFound(
            f"writer model {name!r} cannot be loaded ({reason}); name a folder that `webbrain train writer` made, or a "
            "seq2seq model of the hub"
        ) from error
    vocabulary = Vocabulary(tokenizer.backend_tokenizer)
    prepare(seq2seq, vocabulary)
    path = Path(name) / CARD
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    model = FusionInDecoder(seq2seq, copy=card.get("copy", False), numbered=card.get("numbered", False))
    if (Path(name) / HEADS).exists():
        _load_heads(model, Path(name) / HEADS)
    return ready(model.eval(), vocabulary)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the reports and bars of `transformers`: what is new in a model is new on purpose."""
    library: Any = logging
    before = library.get_verbosity()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(before)
        library.enable_progress_bar()


def ready(model: FusionInDecoder, vocabulary: Vocabulary) -> LoadedModel:
    """A model with what a writer must know of it."""
    config = model.seq2seq.config
    decoder = getattr(config, "decoder", config)
    limit = getattr(decoder, "max_position_embeddings", None) or getattr(
        decoder, "max_decoder_position_embeddings", None
    )
    return LoadedModel(
        model, vocabulary, int(config.pad_token_id or 0), model.numbers is not None, int(limit or 1024) - 1
    )


def prepare(seq2seq: Any, vocabulary: Vocabulary) -> None:
    """Make room for the marks, and let no setting of the model's own decoding get in the way of them."""
    current = seq2seq.get_input_embeddings().num_embeddings
    if vocabulary.size > current:
        _resize(seq2seq, vocabulary.size)
    generation = seq2seq.generation_config
    generation.forced_bos_token_id = generation.forced_eos_token_id = generation.max_length = None
    generation.min_length = 0


def _resize(seq2seq: Any, size: int) -> None:
    parts = (seq2seq.encoder, seq2seq.decoder) if seq2seq.config.model_type == "encoder-decoder" else (seq2seq,)
    for part in parts:
        part.resize_token_embeddings(size)


def save_model(model: FusionInDecoder, vocabulary: Vocabulary, folder: Path) -> None:
    """Write the folder that `load_model` reads."""
    model.seq2seq.save_pretrained(folder)
    vocabulary.tokenizer.save(str(folder / "tokenizer.json"))
    control = {"pad_token": model.seq2seq.config.pad_token_id, "eos_token": vocabulary.end[0]}
    names = {key: vocabulary.tokenizer.id_to_token(token) for key, token in control.items()}
    _write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})
    heads = {key: value.contiguous() for key, value in model.state_dict().items() if not key.startswith("seq2seq.")}
    if heads:
        save_file(heads, folder / HEADS)
    _write_json(folder / CARD, {"copy": model.copy is not None, "numbered": model.numbers is not None})


def _load_heads(model: FusionInDecoder, path: Path) -> None:
    missing = model.load_state_dict(load_file(path), strict=False).missing_keys
    if any(not key.startswith("seq2seq.") for key in missing):
        raise ModelNotFound(f"{path} lacks {missing[0]}; train the writer again or take the folder whole")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
