"""The tokenizer of a packing, and the ids of the tokens that are structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webbrain.errors import ConfigError, ModelNotFound
from webbrain.models import resolve, sha256_file
from webbrain.training.packed import TokenMap

# Names of one token in the vocabularies of BERT, BART and T5.
_PAD, _BEGIN, _END = ("[PAD]", "<pad>"), ("[CLS]", "<s>"), ("[SEP]", "</s>")
_SPARE = ("[unused{}]", "<extra_id_{}>")
MAX_VOCABULARY = 1 << 16


@dataclass(frozen=True, slots=True)
class PackTokenizer:
    """Texts to ids; nothing in a text becomes a token that is structure."""

    name: str
    sha256: str
    tokens: TokenMap
    _inner: Any

    @classmethod
    def load(cls, name: str, references: int) -> PackTokenizer:
        """`name` is a tokenizer.json, a folder that holds one, or a model. Raises ModelNotFound, ConfigError."""
        from tokenizers import Tokenizer

        path = _file(name)
        inner = Tokenizer.from_file(str(path))
        inner.no_truncation()
        inner.no_padding()
        inner.encode_special_tokens = True
        if inner.get_vocab_size() > MAX_VOCABULARY:
            raise ConfigError(f"{path} has {inner.get_vocab_size():,} tokens; packed data holds {MAX_VOCABULARY:,}")
        return cls(name, sha256_file(path), token_map(inner, references, path), inner)

    @property
    def vocabulary(self) -> int:
        return int(self._inner.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text as it stands inside a sequence (after a space), without special tokens."""
        found = self._inner.encode_batch([f" {text}" for text in texts], add_special_tokens=False)
        return [one.ids for one in found]


def token_map(inner: Any, references: int, path: Path) -> TokenMap:
    """Ids of `[title] [ref] [0] .. [n]`: the tokenizer's own, else spare ones of its vocabulary in order."""
    names = ["[title]", "[ref]", *(f"[{mark}]" for mark in range(references + 1))]
    own = [inner.token_to_id(name) for name in names]
    ids = own if None not in own else _spare_ids(inner, len(names))
    pad, end = (_first(inner, names) for names in (_PAD, _END))
    if ids is None or pad is None or end is None:
        raise ConfigError(
            f"{path} has neither the tokens {' '.join(names)} nor spare ones, or no padding or end; "
            "add them with `add_tokens` and save the tokenizer"
        )
    return TokenMap(pad, _first(inner, _BEGIN), end, ids[0], ids[1], tuple(ids[2:]))


def _spare_ids(inner: Any, count: int) -> list[int] | None:
    for pattern in _SPARE:
        ids = [inner.token_to_id(pattern.format(number)) for number in range(1, count + 1)]
        if None not in ids:
            return ids
    return None


def _first(inner: Any, names: Sequence[str]) -> int | None:
    return next((found for name in names if (found := inner.token_to_id(name)) is not None), None)


def _file(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        path = path / "tokenizer.json"
    if not path.is_file() and not path.suffix and path.name != "tokenizer.json":
        path = resolve(name).folder / "tokenizer.json"
    if not path.is_file():
        raise ModelNotFound(f"{path} does not exist; name a tokenizer.json, a folder that holds one, or a model")
    return path
