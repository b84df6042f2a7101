"""A BERT encoder with a head as an ONNX graph (see `onnx_bert`): sparse encoders, cross-encoders; one text a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from webbrain.encoding.onnx_bert import Array, Graph, Shapes, add_bert, check_supported
from webbrain.errors import ConfigError
from webbrain.models import ModelFiles

Head = Mapping[str, Array]
BLOCK = 3072  # terms whose logits are made at once, so that they stay in the cache while their maximum is taken


def export_terms(model: ModelFiles, head: Head, target: Path, precision: str) -> None:
    """The head of `training.retriever.terms`: input `ids` (1, n); outputs `expansion` (1, V) and `own` (1, n) logits.

    `head` has own.weight and own.bias and, for expansion, transform.*, bias and embeddings (V, width).
    """
    graph = _started(model, precision)
    own = graph.node("MatMul", ["tokens", graph.weight("own.w", head["own.weight"].T)], "own.out")
    own = graph.node("Add", [own, graph.weight("own.b", head["own.bias"])], "own.biased")
    graph.node("Squeeze", [own, graph.weight("own.axis", np.array([2], np.int64))], "own")
    outputs: Shapes = {"own": [1, "n"]}
    if "transform.weight" in head:
        hidden = graph.matmul("tokens", "transform", head["transform.weight"].T)
        hidden = graph.node("Add", [hidden, graph.weight("transform.b", head["transform.bias"])], "transformed")
        _largest(graph, hidden, head["embeddings"], head["bias"], "expansion")
        outputs["expansion"] = [1, len(head["bias"])]
    _save(graph, outputs, target)


def export_splade(model: ModelFiles, head: Head, target: Path, precision: str) -> None:
    """A BERT masked-LM head: input `ids` (1, n); output `expansion` (1, V), the largest logit of each term.

    `head` has transform.*, norm.*, bias and embeddings (V, dim).
    """
    graph = _started(model, precision)
    hidden = graph.matmul("tokens", "transform", head["transform.weight"].T)
    bias = graph.weight("transform.b", head["transform.bias"])
    hidden = graph.node("BiasGelu", [hidden, bias], "transformed", "com.microsoft")
    scale = [hidden, graph.weight("norm.w", head["norm.weight"]), graph.weight("norm.b", head["norm.bias"])]
    epsilon = float(model.read_json("config.json")["layer_norm_eps"])
    hidden = graph.node("LayerNormalization", scale, "normed", axis=-1, epsilon=epsilon)
    _largest(graph, hidden, head["embeddings"], head["bias"], "expansion")
    _save(graph, {"expansion": [1, len(head["bias"])]}, target)


def export_cross_encoder(model: ModelFiles, target: Path, precision: str) -> None:
    """A BERT classifier of one label: inputs `ids` and `numbers` (token types), both (1, n); output `score` (1, 1)."""
    graph = Graph(int8=precision == "int8")
    _classify(graph, model, "score")
    _save(graph, {"score": [1, 1]}, target, ("ids", "numbers"))


def export_classifier(model: ModelFiles, classes: int, target: Path, precision: str) -> None:
    """A BERT classifier by transformers' names: inputs `input_ids` and `token_type_ids`, both (1, n); output `logits`
    (1, classes)."""
    graph = Graph(int8=precision == "int8")
    graph.node("Identity", ["input_ids"], "ids")
    graph.node("Identity", ["token_type_ids"], "numbers")
    _classify(graph, model, "logits")
    _save(graph, {"logits": [1, classes]}, target, ("input_ids", "token_type_ids"))


def _classify(graph: Graph, model: ModelFiles, output: str) -> None:
    """Add a BERT encoder of pairs, its pooler and its last layer."""
    from safetensors import safe_open

    check_supported(model)
    with safe_open(str(model.folder / "model.safetensors"), framework="np") as tensors:
        names = ("bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias")
        if any(name not in tensors.keys() for name in names):  # noqa: SIM118
            raise ConfigError(f"{model.folder} is no BERT cross-encoder; name a folder that `train retriever` wrote")
        pool, pool_bias, last, last_bias = (np.asarray(tensors.get_tensor(name)).astype(np.float32) for name in names)
    add_bert(graph, model, pairs=True)
    first = graph.weight("pair.first", np.array(0, np.int64))
    hidden = graph.node("Gather", ["tokens", first], "pair.mark", axis=1)
    hidden = graph.node("Gemm", [hidden, graph.weight("pool.w", pool.T), graph.weight("pool.b", pool_bias)], "pool")
    hidden = graph.node("Tanh", [hidden], "pool.tanh")
    graph.node("Gemm", [hidden, graph.weight("last.w", last.T), graph.weight("last.b", last_bias)], output)


def _started(model: ModelFiles, precision: str) -> Graph:
    check_supported(model)
    graph = Graph(int8=precision == "int8")
    add_bert(graph, model)
    return graph


def _largest(graph: Graph, hidden: str, embeddings: Array, bias: Array, output: str) -> None:
    """Per term its largest logit over the tokens, block by block."""
    axis = graph.weight("terms.axis", np.array([1], np.int64))
    blocks = []
    for number, begin in enumerate(range(0, len(embeddings), BLOCK)):
        logits = graph.matmul(hidden, f"terms.{number}", embeddings[begin : begin + BLOCK].T)
        blocks.append(graph.node("ReduceMax", [logits, axis], f"terms.{number}.max", keepdims=0))
    logits = graph.node("Concat", blocks, "terms.max", axis=1)
    graph.node("Add", [logits, graph.weight("terms.b", bias)], output)


def _save(graph: Graph, outputs: Shapes, target: Path, inputs: tuple[str, ...] = ("ids",)) -> None:
    import onnx

    onnx.save(graph.finish("head", {name: [1, "n"] for name in inputs}, outputs), str(target))
