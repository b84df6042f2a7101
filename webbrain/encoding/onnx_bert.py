"""A BERT encoder's safetensors as an ONNX graph, int8 for the CPU, written without torch.

The graph takes one text at a time (no padding, no mask), so that a text's vector cannot depend on its batch, which
would give the same passage another vector in another shard.

In int8 the inputs of a product are quantised with a scale for each token, the weights with one for each output. A
weight has seven bits: on processors without VNNI two products of eight bits overflow the 16 bits in which they are
added (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html), and vectors would differ.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import ConfigError
from webbrain.models import ModelFiles

Array = NDArray[Any]
Shapes = dict[str, list[int | str]]
_IDS = frozenset({"ids", "position", "numbers", "input_ids", "token_type_ids"})
_CONTRIB = "com.microsoft"
_BLOCK = 128  # weights that share one scale where few rows are multiplied; their inputs are quantised in such blocks
_MOST = 63  # of a weight in seven bits
PRECISIONS = ("int8", "fp32")


def export(model: ModelFiles, target: Path, precision: str = "int8", *, batch: int | str = 1) -> None:
    """Write `model` as ONNX: input `ids` int64 (batch, n); outputs `tokens` (batch, n, dim), `sentence` (batch, dim).

    `batch` may be a name, for texts of one length together: quicker only for texts of a few tokens, and in int8 their
    vectors are not what each has alone (docs/decisions.md).
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"unknown precision {precision!r}; known are: {', '.join(PRECISIONS)}")
    check_supported(model)
    graph = Graph(int8=precision == "int8")
    add_bert(graph, model)
    save_encoder(graph, int(model.read_json("config.json")["hidden_size"]), target, batch=batch)


def save_encoder(graph: Graph, dim: int, target: Path, *, batch: int | str = 1) -> None:
    """Write a graph that has the values `tokens` and `sentence`."""
    import onnx

    outputs: Shapes = {"tokens": [batch, "n", dim], "sentence": [batch, dim]}
    onnx.save(graph.finish("encoder", {"ids": [batch, "n"]}, outputs), str(target))


def check_supported(model: ModelFiles) -> None:
    config = model.read_json("config.json")
    kind, activation = config.get("model_type"), config.get("hidden_act")
    if kind != "bert" or activation != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise ConfigError(
            f"encoder {model.name!r} is a {kind}/{activation} model; this build reads BERT encoders with gelu "
            "(MiniLM, BGE, E5, GTE): name one of those"
        )


class Graph:
    """Collects nodes and weights; each method adds one operation and returns the name of its output.

    `few_rows` is for graphs that multiply one row or a few at a time, as a decoder does: int8 in blocks, which takes
    fewer steps and reads no more memory.
    """

    def __init__(self, int8: bool, *, few_rows: bool = False) -> None:
        self.int8, self.few_rows = int8, few_rows
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def weight(self, name: str, values: Array) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        outputs = output.split()
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def matmul(self, x: str, name: str, weight: Array) -> str:
        """`x @ weight`, weight of shape (in, out)."""
        if not self.int8:
            return self.node("MatMul", [x, self.weight(f"{name}.w", weight)], f"{name}.out")
        return self._matmul_blocks(x, name, weight) if self.few_rows else self._matmul_rows(x, name, weight)

    def _matmul_rows(self, x: str, name: str, weight: Array) -> str:
        codes, scales = quantize_outputs(weight)
        axis = self._shared("rows.axis", np.array([-1], np.int64))
        zero, step = self._shared("rows.zero", np.uint8(128)), self._shared("rows.step", np.float32(1 / 127))
        high = self.node("ReduceMax", [x, axis], f"{name}.high", keepdims=1)
        low = self.node("Neg", [self.node("ReduceMin", [x, axis], f"{name}.low", keepdims=1)], f"{name}.depth")
        least = self._shared("rows.least", np.float32(1e-12))
        size = self.node("Max", [high, low, least], f"{name}.size")
        rows = self.node("QuantizeLinear", [self.node("Div", [x, size], f"{name}.unit"), step, zero], f"{name}.rows")
        scale, none = self.weight(f"{name}.scale", scales), self.weight(f"{name}.zero", np.zeros_like(codes[0]))
        inputs = [rows, self.weight(f"{name}.q", codes), step, scale, zero, none]
        product = self.node("MatMulIntegerToFloat", inputs, f"{name}.product", _CONTRIB)
        return self.node("Mul", [product, size], f"{name}.out")

    def _matmul_blocks(self, x: str, name: str, weight: Array) -> str:
        codes, scales = quantize_blocks(weight.T)
        rows = [x, self.weight(f"{name}.q", codes), self.weight(f"{name}.scale", scales)]
        size = {"K": weight.shape[0], "N": weight.shape[1], "bits": 8, "block_size": _BLOCK, "accuracy_level": 4}
        return self.node("MatMulNBits", rows, f"{name}.out", _CONTRIB, **size)

    def _shared(self, name: str, value: Any) -> str:
        """A constant that is there once."""
        if all(weight.name != name for weight in self.weights):
            self.weight(name, np.asarray(value))
        return name

    def embedding(self, ids: str, name: str, table: Array) -> str:
        if not self.int8:
            return self.node("Gather", [self.weight(name, table), ids], f"{name}.out")
        from onnx import TensorProto

        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
        codes = np.round(table / scale).astype(np.int8)
        picked = self.node("Gather", [self.weight(f"{name}.q", codes), ids], f"{name}.picked")
        real = self.node("Cast", [picked], f"{name}.real", to=TensorProto.FLOAT)
        scales = self.node("Gather", [self.weight(f"{name}.scale", scale.astype(np.float32)), ids], f"{name}.scales")
        return self.node("Mul", [real, scales], f"{name}.out")

    def finish(self, name: str, inputs: Shapes, outputs: Shapes) -> Any:
        """The model; a shape is the sizes or names of the axes, and inputs without decimals are named in `_IDS`."""
        from onnx import TensorProto, helper

        def values(shapes: Shapes) -> list[Any]:
            kinds = {key: TensorProto.INT64 if key in _IDS else TensorProto.FLOAT for key in shapes}
            return [helper.make_tensor_value_info(key, kinds[key], shape) for key, shape in shapes.items()]

        graph = helper.make_graph(self.nodes, name, values(inputs), values(outputs), self.weights)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="webbrain")


def quantize_outputs(weight: Array) -> tuple[Array, Array]:
    """Symmetric seven bits with one scale per output: (in, out) -> int8 and float32 scales (out,)."""
    scales = np.maximum(np.abs(weight).max(axis=0), 1e-12) / _MOST
    return np.round(weight / scales).astype(np.int8), scales.astype(np.float32)


def quantize_blocks(weight: Array) -> tuple[Array, Array]:
    """Symmetric int8 with one scale per block of `_BLOCK` inputs: (out, in) -> uint8 around 128, float32 scales."""
    rows, columns = weight.shape
    if columns % _BLOCK:
        raise ConfigError(f"an encoder of width {columns} cannot be cut into blocks of {_BLOCK}; use --precision fp32")
    blocks = weight.reshape(rows, columns // _BLOCK, _BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=-1), 1e-12) / 127
    codes = np.round(blocks / scales[..., None]) + 128
    return codes.astype(np.uint8), scales.astype(np.float32).reshape(-1)


def add_bert(graph: Graph, model: ModelFiles, *, pairs: bool = False) -> None:
    """Add the encoder of a checked model: from input `ids` the values `tokens` and `sentence`.

    With `pairs` a second input, `numbers`, gives each token's type: 0 in the first text, 1 in the second.
    """
    from safetensors import safe_open

    config = model.read_json("config.json")
    with safe_open(str(model.folder / "model.safetensors"), framework="np") as tensors:
        prefix = "bert." if "bert.embeddings.word_embeddings.weight" in tensors.keys() else ""  # noqa: SIM118
        parts = _Tensors(tensors, prefix)
        hidden = _embed(graph, parts, config, pairs=pairs)
        for layer in range(int(config["num_hidden_layers"])):
            hidden = _layer(graph, parts, config, layer, hidden)
    pool(graph, hidden, pooling_of(model))


class _Tensors:
    """The weights file under a module-name prefix, as float32."""

    def __init__(self, tensors: Any, prefix: str) -> None:
        self.tensors, self.prefix = tensors, prefix

    def __call__(self, name: str) -> Array:
        return np.asarray(self.tensors.get_tensor(self.prefix + name)).astype(np.float32)


def _embed(graph: Graph, get: _Tensors, config: dict[str, Any], *, pairs: bool) -> str:
    words = graph.embedding("ids", "words", get("embeddings.word_embeddings.weight"))
    types = get("embeddings.token_type_embeddings.weight")
    positions = get("embeddings.position_embeddings.weight") + types[0]
    if pairs:
        second = graph.node("Gather", [graph.weight("types", types - types[0]), "numbers"], "types.out")
        words = graph.node("Add", [words, second], "words.typed")
    zero = graph.weight("zero", np.array([0], np.int64))
    length = graph.node("Shape", ["ids"], "length", start=1, end=2)
    seen = graph.node("Slice", [graph.weight("positions", positions), zero, length, zero], "positions.out")
    total = graph.node("Add", [words, seen], "embeddings")
    gain = graph.weight("embeddings.gain", get("embeddings.LayerNorm.weight"))
    bias = graph.weight("embeddings.bias", get("embeddings.LayerNorm.bias"))
    epsilon = float(config["layer_norm_eps"])
    return graph.node("LayerNormalization", [total, gain, bias], "hidden.0", axis=-1, epsilon=epsilon)


def _layer(graph: Graph, get: _Tensors, config: dict[str, Any], number: int, x: str) -> str:
    source, here = f"encoder.layer.{number}.", f"layer.{number}."
    names = [f"{source}attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([get(f"{name}.weight").T for name in names], axis=1)
    bias = np.concatenate([get(f"{name}.bias") for name in names])
    qkv = graph.matmul(x, here + "qkv", weight)
    qkv = graph.node("Add", [qkv, graph.weight(here + "qkv.b", bias)], here + "qkv.biased")
    graph.node("Split", [qkv], f"{here}q {here}k {here}v", axis=-1, num_outputs=3)
    heads = int(config["num_attention_heads"])
    inputs = [here + "q", here + "k", here + "v"]
    attended = graph.node("MultiHeadAttention", inputs, here + "attended", _CONTRIB, num_heads=heads)
    x = dense_add_norm(graph, get, config, attended, x, source + "attention.output.", here + "attention")
    wide = graph.matmul(x, here + "wide", get(f"{source}intermediate.dense.weight").T)
    bias_name = graph.weight(here + "wide.b", get(f"{source}intermediate.dense.bias"))
    wide = graph.node("BiasGelu", [wide, bias_name], here + "gelu", _CONTRIB)
    return dense_add_norm(graph, get, config, wide, x, source + "output.", here + "output")


def dense_add_norm(
    graph: Graph, get: Callable[[str], Array], config: dict[str, Any], x: str, residual: str, source: str, here: str
) -> str:
    """LayerNorm(x @ W + b + residual); `get` gives the weights named after `source`."""
    projected = graph.matmul(x, here, get(f"{source}dense.weight").T)
    biased = graph.node(
        "Add", [projected, graph.weight(f"{here}.dense.bias", get(f"{source}dense.bias"))], f"{here}.biased"
    )
    inputs = [graph.node("Add", [biased, residual], f"{here}.sum")]
    for name in ("LayerNorm.weight", "LayerNorm.bias"):
        inputs.append(graph.weight(f"{here}.{name}", get(source + name)))
    # Not SkipLayerNormalization, which ONNX Runtime computes five times as slowly on a CPU.
    return graph.node("LayerNormalization", inputs, f"{here}.normed", axis=-1, epsilon=float(config["layer_norm_eps"]))


def pool(graph: Graph, hidden: str, pooling: str) -> None:
    """Add the values `tokens` and `sentence`."""
    graph.node("Identity", [hidden], "tokens")
    if pooling == "cls":
        first = graph.weight("first", np.array(0, np.int64))
        pooled = graph.node("Gather", ["tokens", first], "pooled", axis=1)
    else:
        axis = graph.weight("token_axis", np.array([1], np.int64))
        pooled = graph.node("ReduceMean", ["tokens", axis], "pooled", keepdims=0)
    graph.node("LpNormalization", [pooled], "sentence", axis=-1, p=2)


def pooling_of(model: ModelFiles) -> str:
    """ "mean" or "cls", from the model's own sentence-transformers configuration (mean when it has none)."""
    return "cls" if model.read_json("1_Pooling/config.json").get("pooling_mode_cls_token") else "mean"
