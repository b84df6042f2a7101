"""The compact writer's decoder as two ONNX graphs: what is done once per article, and one step with a KV cache.

    cross.onnx   states (1, m, e), numbers (m,)  ->  keys (l, h, s, m), values (l, h, m, s) [, copy_keys (c, m)]
    step.onnx    ids (b, 1), position (1,), past_keys and past_values (l, b, h, t, s), keys, values [, copy_keys]
                 ->  logits (b, 1, v), new_keys, new_values (l, b, h, t + 1, s) [, copies (b, 1, m), gate (b, 1, 1)]

l layers, h heads of size s, m source positions, b beams (which share keys and values), t tokens written, v the size of
the vocabulary. Written with the onnx package, as `webbrain.encoding.onnx_bert` is; int8 weights, float32 between them.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.encoding.encoder import package_encoder
from webbrain.encoding.onnx_bert import Array, Graph, Shapes, dense_add_norm, quantize_blocks
from webbrain.models import ModelFiles, sha256_file
from webbrain.writing.compact.card import CROSS, OWN_ENCODER, STEP, TOKENIZER, WriterCard, write_card
from webbrain.writing.fid.model import FusionInDecoder
from webbrain.writing.fid.vocabulary import Vocabulary

_CONTRIB = "com.microsoft"


def export_writer(
    model: FusionInDecoder,
    vocabulary: Vocabulary,
    encoder: ModelFiles,
    folder: Path,
    *,
    precision: str = "int8",
    source_tokens: int = 256,
) -> WriterCard:
    """Write the folder that `CompactWriter` reads. An encoder that was trained goes into it; a frozen one does not."""
    import onnx

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().float().cpu().numpy() for name, value in model.state_dict().items()}
    config = model.seq2seq.config.decoder.to_dict()
    decoder = _Decoder(Graph(int8=precision == "int8", few_rows=True), weights, config, copy=model.copy is not None)
    onnx.save(decoder.step(), str(folder / STEP))
    decoder = _Decoder(Graph(int8=precision == "int8"), weights, config, copy=model.copy is not None)
    onnx.save(decoder.cross(), str(folder / CROSS))
    vocabulary.tokenizer.save(str(folder / TOKENIZER))
    if not model.frozen_encoder:
        encoder = _package_own(model, encoder, folder, precision)
    card = WriterCard(
        encoder=encoder.name,
        encoder_sha256=encoder.weights_sha256,
        layers=int(config["num_hidden_layers"]),
        heads=int(config["num_attention_heads"]),
        dim=int(config["hidden_size"]),
        copy=model.copy is not None,
        start=vocabulary.start[0],
        pad=int(model.seq2seq.config.pad_token_id),
        source_tokens=source_tokens,
        target_tokens=int(config["max_position_embeddings"]) - 1,
        precision=precision,
    )
    card = replace(card, step_sha256=sha256_file(folder / STEP), cross_sha256=sha256_file(folder / CROSS))
    write_card(card, folder)
    return card


def _package_own(model: FusionInDecoder, base: ModelFiles, folder: Path, precision: str) -> ModelFiles:
    """The trained encoder as an encoder folder like an index's."""
    saved = folder / "encoder.tmp"
    model.seq2seq.get_encoder().save_pretrained(saved)
    shutil.copyfile(base.folder / "tokenizer.json", saved / "tokenizer.json")
    files = ModelFiles(f"{base.name} (trained)", saved, "training run", sha256_file(saved / "model.safetensors"))
    package_encoder(files, folder / OWN_ENCODER, precision)
    shutil.rmtree(saved)
    return files


class _Decoder:
    """Builds the graphs from a state dict (names as in FusionInDecoder) and the decoder's configuration."""

    def __init__(self, graph: Graph, weights: dict[str, Array], config: dict[str, Any], *, copy: bool) -> None:
        self.graph, self.weights, self.config, self.copy = graph, weights, config, copy
        self.layers, self.heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        self.dim = int(config["hidden_size"])
        self.size = self.dim // self.heads
        self.epsilon = float(config["layer_norm_eps"])

    def get(self, name: str) -> Array:
        return self.weights[f"seq2seq.decoder.{name}"]

    def cross(self) -> Any:
        """The graph of what depends on the references alone."""
        graph = self.graph
        labels = graph.node("Gather", [graph.weight("labels", self.weights["numbers.weight"]), "numbers"], "labels.out")
        states = graph.node("Add", ["states", labels], "labelled")
        if f"seq2seq.{_PROJECTION}.weight" in self.weights:  # encoder and decoder of different widths
            states = self._linear(states, f"seq2seq.{_PROJECTION}", "projected")
        per_head = {"keys": [0, 2, 3, 1], "values": [0, 2, 1, 3]}
        for name, order in per_head.items():
            parts = []
            for layer in range(self.layers):
                source = f"seq2seq.decoder.bert.encoder.layer.{layer}.crossattention.self.{name[:-1]}"
                flat = self._linear(states, source, f"{name}.{layer}")
                split = self._reshape(flat, [1, -1, self.heads, self.size], f"{name}.{layer}.split")
                parts.append(graph.node("Transpose", [split], f"{name}.{layer}.turned", perm=order))
            graph.node("Concat", parts, name, axis=0)
        outputs: Shapes = {
            "keys": [self.layers, self.heads, self.size, "m"],
            "values": [self.layers, self.heads, "m", self.size],
        }
        if self.copy:
            flat = self._linear("labelled", "copy.key", "copy_key")
            graph.node("Transpose", [self._squeeze(flat, "copy_key.flat")], "copy_keys", perm=[1, 0])
            outputs["copy_keys"] = [self.weights["copy.key.weight"].shape[0], "m"]
        width = self.weights["numbers.weight"].shape[1]
        return graph.finish("cross", {"states": [1, "m", width], "numbers": ["m"]}, outputs)

    def step(self) -> Any:
        """The graph of one token for each beam."""
        hidden = self._embed()
        new: dict[str, list[str]] = {"new_keys": [], "new_values": []}
        for layer in range(self.layers):
            hidden = self._layer(layer, hidden, new)
        for name, parts in new.items():
            self.graph.node("Concat", parts, name, axis=0)
        self._head(hidden)
        size = self.size
        past: list[int | str] = [self.layers, "b", self.heads, "t", size]
        inputs: Shapes = {
            "ids": ["b", 1],
            "position": [1],
            "past_keys": past,
            "past_values": past,
            "keys": [self.layers, self.heads, size, "m"],
            "values": [self.layers, self.heads, "m", size],
        }
        grown: list[int | str] = [self.layers, "b", self.heads, "t1", size]
        outputs: Shapes = {"logits": ["b", 1, "v"], "new_keys": grown, "new_values": grown}
        if self.copy:
            inputs["copy_keys"] = [self.weights["copy.key.weight"].shape[0], "m"]
            outputs |= {"copies": ["b", 1, "m"], "gate": ["b", 1, 1]}
        return self.graph.finish("step", inputs, outputs)

    def _embed(self) -> str:
        """Word and position embeddings, (b, 1, dim). The int8 table is the output projection's own."""
        graph, name = self.graph, "bert.embeddings."
        table = self.get(f"{name}word_embeddings.weight")
        if graph.int8:
            words = self._words_from_codes(table)
        else:
            words = graph.node("Gather", [graph.weight("words", table), "ids"], "words.out")
        places = self.get(f"{name}position_embeddings.weight") + self.get(f"{name}token_type_embeddings.weight")[0]
        place = graph.node("Gather", [graph.weight("places", places), "position"], "place")
        total = graph.node("Add", [words, place], "embedded")
        return self._norm(total, f"seq2seq.decoder.{name}LayerNorm", "hidden")

    def _words_from_codes(self, table: Array) -> str:
        from onnx import TensorProto

        graph = self.graph
        codes, scales = quantize_blocks(table)
        blocks = codes.shape[1]
        self.words = [graph.weight("words.q", codes), graph.weight("words.scale", scales.reshape(len(codes), blocks))]
        picked = graph.node("Gather", [self.words[0], "ids"], "words.picked")
        real = graph.node("Cast", [picked], "words.real", to=TensorProto.FLOAT)
        centred = graph.node("Sub", [real, graph.weight("zero_point", np.array(128, np.float32))], "words.centred")
        scale = graph.node("Gather", [self.words[1], "ids"], "words.scales")
        scale = graph.node("Unsqueeze", [scale, self._axes([3])], "words.scale3")
        return self._reshape(graph.node("Mul", [centred, scale], "words.blocks"), [0, 1, table.shape[1]], "words.out")

    def _layer(self, layer: int, x: str, new: dict[str, list[str]]) -> str:
        source, here = f"bert.encoder.layer.{layer}.", f"layer.{layer}."
        attended = self._self_attention(layer, x, new)
        x = self._dense_add_norm(attended, x, f"{source}attention.output.", f"{here}attention")
        attended = self._cross_attention(layer, x)
        x = self._dense_add_norm(attended, x, f"{source}crossattention.output.", f"{here}cross")
        wide = self.graph.matmul(x, f"{here}wide", self.get(f"{source}intermediate.dense.weight").T)
        bias = self.graph.weight(f"{here}wide.b", self.get(f"{source}intermediate.dense.bias"))
        wide = self.graph.node("BiasGelu", [wide, bias], f"{here}gelu", _CONTRIB)
        return self._dense_add_norm(wide, x, f"{source}output.", f"{here}output")

    def _self_attention(self, layer: int, x: str, new: dict[str, list[str]]) -> str:
        graph, here = self.graph, f"layer.{layer}."
        source = f"seq2seq.decoder.bert.encoder.layer.{layer}.attention.self."
        heads = {}
        for part in ("query", "key", "value"):
            flat = self._linear(x, source + part, here + part)
            split = self._reshape(flat, [0, 1, self.heads, self.size], f"{here}{part}.split")
            heads[part] = graph.node("Transpose", [split], f"{here}{part}.turned", perm=[0, 2, 1, 3])
        seen = {}
        for part, past in (("key", "past_keys"), ("value", "past_values")):
            before = self._pick(past, layer, f"{here}{part}.past")
            seen[part] = graph.node("Concat", [before, heads[part]], f"{here}{part}.seen", axis=2)
            new[f"new_{part}s"].append(graph.node("Unsqueeze", [seen[part], self._axes([0])], f"{here}{part}.new"))
        turned = graph.node("Transpose", [seen["key"]], f"{here}key.seen.turned", perm=[0, 1, 3, 2])
        attended = self._attend(heads["query"], turned, seen["value"], f"{here}self")
        back = graph.node("Transpose", [attended], f"{here}self.back", perm=[0, 2, 1, 3])
        return self._reshape(back, [0, 1, self.dim], f"{here}self.flat")

    def _cross_attention(self, layer: int, x: str) -> str:
        """All beams ask the same keys, so the beams are the rows of one product a head."""
        graph, here = self.graph, f"layer.{layer}.cross."
        query = self._linear(x, f"seq2seq.decoder.bert.encoder.layer.{layer}.crossattention.self.query", f"{here}query")
        split = self._reshape(query, [-1, self.heads, self.size], f"{here}split")
        turned = graph.node("Transpose", [split], f"{here}turned", perm=[1, 0, 2])
        keys, values = (self._pick(name, layer, f"{here}{name}") for name in ("keys", "values"))
        attended = self._attend(turned, keys, values, f"{here}out")
        back = graph.node("Transpose", [attended], f"{here}back", perm=[1, 0, 2])
        return self._reshape(back, [-1, 1, self.dim], f"{here}flat")

    def _attend(self, query: str, keys: str, values: str, here: str) -> str:
        graph = self.graph
        scores = graph.node("MatMul", [query, keys], f"{here}.scores")
        scale = graph.weight(f"{here}.scale", np.array(self.size**-0.5, np.float32))
        odds = graph.node("Softmax", [graph.node("Mul", [scores, scale], f"{here}.scaled")], f"{here}.odds", axis=-1)
        return graph.node("MatMul", [odds, values], f"{here}.attended")

    def _head(self, hidden: str) -> None:
        """Logits, and with a copy mechanism its attention and gate."""
        graph, name = self.graph, "cls.predictions."
        wide = graph.matmul(hidden, "head", self.get(f"{name}transform.dense.weight").T)
        bias = graph.weight("head.b", self.get(f"{name}transform.dense.bias"))
        wide = graph.node("BiasGelu", [wide, bias], "head.gelu", _CONTRIB)
        last = self._norm(wide, f"seq2seq.decoder.{name}transform.LayerNorm", "last")
        graph.node("Add", [self._project(last), graph.weight("logits.b", self.get(f"{name}bias"))], "logits")
        if self.copy:
            asked = self._linear(last, "copy.query", "copy_query")
            scores = graph.node("MatMul", [asked, "copy_keys"], "copy.scores")
            scale = graph.weight("copy.scale", np.array(self.weights["copy.query.weight"].shape[0] ** -0.5, np.float32))
            graph.node("Softmax", [graph.node("Mul", [scores, scale], "copy.scaled")], "copies", axis=-1)
            graph.node("Sigmoid", [self._linear(last, "copy.gate", "copy.gate")], "gate")

    def _project(self, last: str) -> str:
        graph, table = self.graph, self.get("bert.embeddings.word_embeddings.weight")
        if not graph.int8:
            turned = graph.node("Transpose", ["words"], "words.turned", perm=[1, 0])
            return graph.node("MatMul", [last, turned], "logits.raw")
        flat = self._reshape(self.words[1], [-1], "words.scale.flat")
        size = {"K": table.shape[1], "N": table.shape[0], "bits": 8, "block_size": 128, "accuracy_level": 4}
        return graph.node("MatMulNBits", [last, self.words[0], flat], "logits.raw", _CONTRIB, **size)

    def _linear(self, x: str, source: str, here: str) -> str:
        """x @ W + b, in float32 where W is too narrow for int8 blocks."""
        graph, weight = self.graph, self.weights[f"{source}.weight"].T
        if graph.int8 and weight.shape[0] % 128 == 0 and weight.shape[1] > 1:
            product = graph.matmul(x, here, weight)
        else:
            product = graph.node("MatMul", [x, graph.weight(f"{here}.w", weight)], f"{here}.out")
        return graph.node("Add", [product, graph.weight(f"{here}.b", self.weights[f"{source}.bias"])], f"{here}.biased")

    def _norm(self, x: str, source: str, here: str) -> str:
        parts = [self.graph.weight(f"{here}.{part}", self.weights[f"{source}.{part}"]) for part in ("weight", "bias")]
        return self.graph.node("LayerNormalization", [x, *parts], here, axis=-1, epsilon=self.epsilon)

    def _dense_add_norm(self, x: str, residual: str, source: str, here: str) -> str:
        return dense_add_norm(self.graph, self.get, self.config, x, residual, source, here)

    def _pick(self, stacked: str, layer: int, here: str) -> str:
        return self.graph.node("Gather", [stacked, self._number(layer)], here, axis=0)

    def _number(self, value: int) -> str:
        name = f"number.{value}"
        return name if name in self._names() else self.graph.weight(name, np.array(value, np.int64))

    def _axes(self, values: list[int]) -> str:
        name = "axes." + "_".join(map(str, values))
        return name if name in self._names() else self.graph.weight(name, np.array(values, np.int64))

    def _names(self) -> set[str]:
        return {weight.name for weight in self.graph.weights}

    def _reshape(self, x: str, shape: list[int], here: str) -> str:
        return self.graph.node("Reshape", [x, self._axes(shape)], here)

    def _squeeze(self, x: str, here: str) -> str:
        return self.graph.node("Squeeze", [x, self._axes([0])], here)


_PROJECTION = "enc_to_dec_proj"
