"""The sparse encoder an index carries: `document.onnx`, `tokenizer.json`, `sparse.json`, and for queries `query.npy`
(one weight a term) or `query.onnx` (a second encoder)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.encoder import open_session, open_tokenizer
from webbrain.encoding.onnx_heads import export_splade, export_terms
from webbrain.errors import ConfigError, IndexDamaged, ModelNotFound
from webbrain.models import ModelFiles, resolve, sha256_file

CARD = "sparse.json"
SCALE = 4.0 / 127  # a weight is log(1 + x): 4 stands for a logit of 54
MOST_TERMS = 256  # of a passage, the heaviest
Codes = tuple[NDArray[np.uint32], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class SparseCard:
    """What `sparse.json` says. A stored byte is a weight of `(byte >> 1) * scale`, and odd
    where the term is one of the passage's own; `terms` is the size of the vocabulary; `kind` is
    "terms" (queries by one weight a term) or "splade" (queries by an encoder)."""

    name: str
    kind: str
    base: str
    weights_sha256: str
    terms: int
    query_tokens: int
    passage_tokens: int
    precision: str
    scale: float = SCALE


def package_sparse(name: str, folder: Path, precision: str = "int8") -> SparseCard:
    """Write the self-contained folder of a trained sparse model; raises ModelNotFound where `name` is none."""
    source = sparse_folder(name)
    facts = json.loads((source / CARD).read_text(encoding="utf-8"))
    model = resolve(str(source / facts["encoder"]) if "encoder" in facts else facts["base"])
    folder.mkdir(parents=True, exist_ok=True)
    head = _read_head(source / "head.safetensors")
    if facts["kind"] == "terms":
        query = head.pop("query")
        np.save(folder / "query.npy", np.maximum(query, 0))
        export_terms(model, _with_embeddings(model, head), folder / "document.onnx", precision)
    else:
        export_splade(model, _with_embeddings(model, head), folder / "document.onnx", precision)
        asked = resolve(str(source / facts["query_encoder"]))
        query_head = _with_embeddings(asked, _read_head(source / "query-head.safetensors"))
        export_splade(asked, query_head, folder / "query.onnx", precision)
    shutil.copyfile(model.folder / "tokenizer.json", folder / "tokenizer.json")
    card = SparseCard(
        name=Path(name).resolve().name,
        kind=facts["kind"],
        base=facts["base"],
        weights_sha256=weights_digest(name),
        terms=len(head["bias"]) if "bias" in head else int(model.read_json("config.json")["vocab_size"]),
        query_tokens=facts["query_tokens"],
        passage_tokens=facts["passage_tokens"],
        precision=precision,
    )
    (folder / CARD).write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")
    return card


def sparse_folder(name: str) -> Path:
    """The folder of a trained sparse model; raises ModelNotFound for another."""
    if (Path(name) / CARD).is_file():
        return Path(name)
    raise ModelNotFound(f"sparse model {name!r} is no folder with a {CARD}; make one with `webbrain train retriever`")


def weights_digest(name: str) -> str:
    """One digest over the files of a sparse model."""
    source = sparse_folder(name)
    names = sorted(path for path in source.rglob("*") if path.is_file() and path.suffix != ".md")
    digests = [f"{path.relative_to(source).as_posix()} {sha256_file(path)}" for path in names]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def read_sparse_card(folder: Path) -> SparseCard:
    try:
        return SparseCard(**json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise IndexDamaged(f"{folder / CARD} cannot be read ({error}); rebuild the index") from error


class SparseEncoder:
    """Term weights of passages and queries; terms are ids of the tokenizer's vocabulary."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.folder, self.threads = folder, threads
        self.card = read_sparse_card(folder)

    def documents(self, texts: Sequence[str]) -> Iterator[Codes]:
        """Per text its terms, ascending, and a byte for each (see `SparseCard`), whatever the other texts are."""
        if self.threads == 1 or len(texts) < 2:
            yield from map(self.document, texts)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(self.document, texts)

    def document(self, text: str) -> Codes:
        ids = self._ids(text, self.card.passage_tokens)
        outputs = [value.name for value in self._documents.get_outputs()]
        values = dict(zip(outputs, self._documents.run(outputs, {"ids": np.array([ids], np.int64)}), strict=True))
        logits = values["expansion"][0] if "expansion" in values else np.zeros(self.card.terms, np.float32)
        found = np.maximum(logits, 0)
        if "own" in values:
            np.add.at(found, ids[1:-1], np.maximum(values["own"][0][1:-1], 0))
        return _packed(np.log1p(found), np.unique(ids[1:-1]), self.card.scale)

    def query(self, text: str) -> dict[int, float]:
        """Term -> weight, heaviest first; only those above zero. Of kind "terms" they are to be multiplied by idf."""
        ids = self._ids(text, self.card.query_tokens)
        if self.card.kind == "terms":
            terms = np.unique(np.array(ids[1:-1], np.int64))
            weights = self._query_weights[terms]
        else:
            logits = self._queries.run(["expansion"], {"ids": np.array([ids], np.int64)})[0][0]
            found = np.log1p(np.maximum(logits, 0))
            terms = np.flatnonzero(found)
            weights = found[terms]
        order = np.argsort(-weights, kind="stable")
        return {int(terms[place]): float(weights[place]) for place in order if weights[place] > 0}

    def term(self, number: int) -> str:
        """The word piece of a term."""
        return str(self._tokenizer.id_to_token(number) or "")

    def _ids(self, text: str, limit: int) -> list[int]:
        return cut_tokens(self._tokenizer.encode(text).ids, limit)

    @cached_property
    def _documents(self) -> Any:
        return onnx_session(self.folder / "document.onnx")

    @cached_property
    def _queries(self) -> Any:
        return onnx_session(self.folder / "query.onnx")

    @cached_property
    def _query_weights(self) -> NDArray[np.float32]:
        from webbrain.store.arrays import open_array

        return open_array(self.folder / "query.npy", "<f4")

    @cached_property
    def _tokenizer(self) -> Any:
        return plain_tokenizer(self.folder)


def cut_tokens(ids: list[int], limit: int) -> list[int]:
    """At most `limit` tokens, the closing mark kept."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]


def _packed(weights: NDArray[np.float32], own: NDArray[Any], scale: float) -> Codes:
    codes = np.minimum(np.round(weights / scale), 127).astype(np.uint8)
    terms = np.flatnonzero(codes)
    if len(terms) > MOST_TERMS:  # ties at the edge go to the lower id
        terms = np.sort(terms[np.argsort(-codes[terms].astype(np.int16), kind="stable")[:MOST_TERMS]])
    return terms.astype(np.uint32), (codes[terms] << 1 | np.isin(terms, own)).astype(np.uint8)


def _read_head(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load_file

    try:
        return {name: value.astype(np.float32) for name, value in load_file(path).items()}
    except Exception as error:  # safetensors' own, and NumPy's for a type of numbers that it lacks
        raise ModelNotFound(f"{path} cannot be read ({error}); train the model again") from error


def _with_embeddings(model: ModelFiles, head: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The head with the encoder's word embeddings, in the head's principal components where it has some."""
    from safetensors import safe_open

    with safe_open(str(model.folder / "model.safetensors"), framework="np") as tensors:
        names = [name for name in tensors.keys() if name.endswith("embeddings.word_embeddings.weight")]  # noqa: SIM118
        if not names:
            raise ConfigError(f"model {model.name!r} has no word embeddings to tie; name a BERT encoder")
        embeddings = np.asarray(tensors.get_tensor(names[0])).astype(np.float32)
    if "projection" in head:
        embeddings = embeddings @ head.pop("projection")
    return {**head, "embeddings": embeddings}


def plain_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder, which neither pads nor cuts; raises IndexDamaged."""
    try:
        return open_tokenizer(folder, None)
    except Exception as error:  # the library has no narrower one
        raise _unloadable(folder, error) from error


def onnx_session(path: Path) -> Any:
    """A graph on ONNX Runtime, one thread; raises IndexDamaged."""
    try:
        return open_session(path)
    except Exception as error:  # onnxruntime has no narrower one
        raise _unloadable(path.parent, error) from error


def _unloadable(folder: Path, error: Exception) -> IndexDamaged:
    return IndexDamaged(
        f"the model in {folder} cannot be loaded ({error}); run `webbrain index verify DIR --full`, or train it again"
    )
