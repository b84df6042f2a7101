"""Classifiers of (passage, claim): what shares they give to "entailed" and "contradicted".

A name is loaded from the hub by transformers; so is a folder, unless it holds an ONNX graph, which needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from webbrain.encoding.encoder import open_session, open_tokenizer
from webbrain.errors import ConfigError, ModelNotFound
from webbrain.extras import needs

DEFAULT_MODEL = "MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli"
MAX_TOKENS = 512
INPUTS = {"input_ids", "attention_mask", "token_type_ids", "position_ids"}
LEAST_ROOM = 4  # a passage must have this part of the tokens, 1 / LEAST_ROOM, beside the claim
GRAPHS = ("model.onnx", "onnx/model.onnx")
Logits = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Classes:
    """The index of each class; one of them may be missing (None), and is then all that the other one is not."""

    licence: str
    supported: int | None
    contradicted: int | None


# Class order from each model's own card. Weights under a non-commercial licence are not listed.
MODELS = {
    "MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli": Classes("MIT", 0, 2),
    "cross-encoder/nli-deberta-v3-base": Classes("Apache-2.0", 1, 0),
    "cross-encoder/nli-MiniLM2-L6-H768": Classes("Apache-2.0", 1, 0),
    "lytang/MiniCheck-RoBERTa-Large": Classes("MIT", 1, None),
    "lytang/MiniCheck-DeBERTa-v3-Large": Classes("MIT", 1, None),
}


class Backend(Protocol):
    """What runs a classifier: at most `limit` tokens, `special` of them around passage and claim. `names` are those by
    which it may be known."""

    limit: int
    special: int
    labels: Mapping[int, str]
    names: tuple[str, ...]

    def length(self, text: str) -> int: ...

    def logits(self, passage: str, claim: str) -> Logits: ...


@dataclass(frozen=True, slots=True)
class Opinion:
    """Logarithms of the shares of "entailed" and "contradicted"."""

    supported: float
    contradicted: float

    @property
    def lean(self) -> float:
        """Log-odds of entailed against contradicted. What is neutral is near 0 where the model has a class for it."""
        return self.supported - self.contradicted


class EntailmentModel:
    """A classifier with the meaning of its classes."""

    def __init__(self, name: str, backend: Backend) -> None:
        self.name, self.backend = name, backend
        known = (MODELS[one] for one in (name, *backend.names) if one in MODELS)
        self.classes = next(known, None) or classes_of(name, backend.labels)

    def room(self, claim: str) -> int:
        """Tokens left for a passage beside the claim."""
        return self.backend.limit - self.backend.length(claim) - self.backend.special

    def can_read(self, claim: str) -> bool:
        """Whether a passage of some length fits beside the claim."""
        return self.room(claim) >= self.backend.limit // LEAST_ROOM

    def opinion(self, passage: str, claim: str) -> Opinion:
        """Of one pair; a passage that is too long is cut."""
        logits = self.backend.logits(passage, claim)
        logs = logits - np.logaddexp.reduce(logits)
        at = self.classes
        supported = _rest(logs, at.contradicted) if at.supported is None else logs[at.supported]
        contradicted = _rest(logs, at.supported) if at.contradicted is None else logs[at.contradicted]
        return Opinion(float(supported), float(contradicted))


def require_folder(name: str) -> None:
    """Raises ModelNotFound where a name is plainly a path, and nothing is there: before any work is done."""
    if name.startswith(("/", "./", "../", "~")) and not Path(name).is_dir():
        raise ModelNotFound(f"there is no folder {name} with a support model; name another, or a model of the hub")


def open_model(name: str) -> EntailmentModel:
    """Raises ModelNotFound when it cannot be loaded, ConfigError when its classes say nothing of support."""
    require_folder(name)
    graph = next((Path(name) / path for path in GRAPHS if (Path(name) / path).is_file()), None)
    return EntailmentModel(name, OnnxBackend(Path(name), graph) if graph else TorchBackend(name))


def classes_of(model: str, labels: Mapping[int, str]) -> Classes:
    """The classes by their names in the model's configuration."""
    if not labels:
        raise ConfigError(f"support model {model!r} does not name its classes; add `id2label` to its config.json")
    named = {label.lower(): index for index, label in labels.items()}
    supported = next((named[label] for label in ("entailment", "supported", "consistent") if label in named), None)
    contradicted = next((named[label] for label in ("contradiction", "refuted") if label in named), None)
    if None in (supported, contradicted) and (len(labels) > 2 or supported == contradicted):
        raise ConfigError(
            f"support model {model!r} has the classes {', '.join(labels.values())}; it is not known which of them says "
            f"that a claim is supported, and which that it is contradicted; name one of {', '.join(MODELS)}"
        )
    return Classes("unknown", supported, contradicted)


class TorchBackend:
    """Implements `Backend` with transformers."""

    def __init__(self, name: str) -> None:
        with needs("eval-models"):
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
            self._model: Any = AutoModelForSequenceClassification.from_pretrained(name, use_safetensors=True).eval()
        except (OSError, ValueError) as error:
            raise _unloadable(name, error) from error
        self.limit = min(self._tokenizer.model_max_length, MAX_TOKENS)
        self.special = self._tokenizer.num_special_tokens_to_add(pair=True)
        self.labels: Mapping[int, str] = {int(at): label for at, label in self._model.config.id2label.items()}
        self.names = _known_as(name, self._model.config.to_dict())

    def length(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def logits(self, passage: str, claim: str) -> Logits:
        import torch

        cut = {"truncation": "only_first", "max_length": self.limit}
        inputs = self._tokenizer(passage, claim, return_tensors="pt", **cut)
        with torch.inference_mode():
            found: Logits = self._model(**inputs).logits[0].double().numpy()
        return found


class OnnxBackend:
    """Implements `Backend` for a folder with an ONNX graph, `tokenizer.json` and the classes in `config.json`."""

    def __init__(self, folder: Path, graph: Path) -> None:
        try:
            config = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
            self.labels: Mapping[int, str] = {int(at): str(name) for at, name in (config.get("id2label") or {}).items()}
            self.names = _known_as(str(folder), config)
            self._tokenizer, self._session = open_tokenizer(folder, None), open_session(graph)
            inputs = self._session.get_inputs()
            self._inputs = {one.name: np.int32 if "int32" in one.type else np.int64 for one in inputs}
            width = next((one.shape[1] for one in inputs if one.name == "input_ids"), None)
            self._output = _output(self._session, len(self.labels))
        except Exception as error:  # neither library has a narrower one
            raise _unloadable(str(folder), error) from error
        if not {"input_ids"} <= self._inputs.keys() <= INPUTS:
            raise ModelNotFound(f"the graph {graph} reads {', '.join(self._inputs)}; export one that reads input_ids")
        self.special = self._tokenizer.num_special_tokens_to_add(is_pair=True)
        self._width = width if isinstance(width, int) else None  # a graph may have been exported for one length
        self.limit = min(self._width or MAX_TOKENS, MAX_TOKENS)
        positions = config.get("max_position_embeddings")
        if isinstance(positions, int) and positions > 0:
            self.limit = min(self.limit, positions)
        self._tokenizer.enable_truncation(self.limit, strategy="only_first")

    def length(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def logits(self, passage: str, claim: str) -> Logits:
        read = self._tokenizer.encode(passage, claim)
        padding = [0] * (self._width - len(read.ids) if self._width else 0)
        known = {"input_ids": read.ids, "attention_mask": read.attention_mask, "token_type_ids": read.type_ids}
        known["position_ids"] = list(range(len(read.ids)))
        feeds = {name: np.array([known[name] + padding], kind) for name, kind in self._inputs.items()}
        found: Logits = self._session.run([self._output], feeds)[0][0].astype(np.float64)
        return found


def _output(session: Any, classes: int) -> str:
    """The output that has the logits; raises ValueError where it does not fit the classes."""
    outputs = session.get_outputs()
    found = next((one for one in outputs if one.name == "logits"), outputs[0])
    if classes and isinstance(found.shape[-1], int) and found.shape[-1] != classes:
        raise ValueError(f"output {found.name} has {found.shape[-1]} values, config.json names {classes} classes")
    return str(found.name)


def _known_as(name: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the hub that a copy may go by: what its configuration says, and its folder's."""
    return (str(config.get("_name_or_path", "")), "/".join(Path(name).parts[-2:]))


def _rest(logs: Logits, taken: int | None) -> float:
    """Logarithm of the share of all classes but one."""
    return float(np.logaddexp.reduce(np.delete(logs, [] if taken is None else taken)))


def _unloadable(name: str, error: Exception) -> ModelNotFound:
    advice = f"run `hf download {name}` where there is a network, or name a folder"
    if Path(name).is_dir():
        advice = f"it needs tokenizer.json, config.json and {' or '.join(GRAPHS)}, or what transformers saves"
    return ModelNotFound(
        f"support model {name!r} cannot be loaded ({(str(error) or type(error).__name__).splitlines()[0]}); {advice}"
    )
