"""Fusion-in-Decoder over BART and T5 in plain numpy: one unpadded reference and one head at a time, no cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Weights = dict[str, Any]


def bart_logits(model: Any, references: Sequence[Sequence[int]], decoder_ids: Sequence[int]) -> Any:
    """Logits (t, vocabulary)."""
    weights = _weights(model)
    table, heads = weights["model.shared.weight"], model.config.encoder_attention_heads

    def embed(side: str, ids: Sequence[int]) -> Any:
        places = weights[f"model.{side}.embed_positions.weight"][2 : len(ids) + 2]
        return _norm(table[list(ids)] + places, weights, f"model.{side}.layernorm_embedding")

    def attend(x: Any, source: Any, name: str, causal: bool = False) -> Any:
        q, k, v = (
            _linear(values, weights, f"{name}.{part}_proj") for part, values in (("q", x), ("k", source), ("v", source))
        )
        return _linear(_attention(q, k, v, heads, causal, scale=True), weights, f"{name}.out_proj")

    def feed(x: Any, name: str) -> Any:
        return _linear(_gelu(_linear(x, weights, f"{name}.fc1")), weights, f"{name}.fc2")

    def encode(ids: Sequence[int]) -> Any:
        x = embed("encoder", ids)
        for layer in range(model.config.encoder_layers):
            name = f"model.encoder.layers.{layer}"
            x = _norm(x + attend(x, x, f"{name}.self_attn"), weights, f"{name}.self_attn_layer_norm")
            x = _norm(x + feed(x, name), weights, f"{name}.final_layer_norm")
        return x

    memory = np.concatenate([encode(ids) for ids in references])
    x = embed("decoder", decoder_ids)
    for layer in range(model.config.decoder_layers):
        name = f"model.decoder.layers.{layer}"
        x = _norm(x + attend(x, x, f"{name}.self_attn", causal=True), weights, f"{name}.self_attn_layer_norm")
        x = _norm(x + attend(x, memory, f"{name}.encoder_attn"), weights, f"{name}.encoder_attn_layer_norm")
        x = _norm(x + feed(x, name), weights, f"{name}.final_layer_norm")
    return x @ table.T + weights["final_logits_bias"]


def t5_logits(model: Any, references: Sequence[Sequence[int]], decoder_ids: Sequence[int]) -> Any:
    """Logits (t, vocabulary)."""
    weights, heads = _weights(model), model.config.num_heads
    table = weights["shared.weight"]

    def attend(x: Any, source: Any, name: str, bias: Any = 0.0, causal: bool = False) -> Any:
        q, k, v = (
            values @ weights[f"{name}.{part}.weight"].T for part, values in (("q", x), ("k", source), ("v", source))
        )
        return _attention(q, k, v, heads, causal, scale=False, bias=bias) @ weights[f"{name}.o.weight"].T

    def feed(x: Any, name: str) -> Any:
        wide = np.maximum(x @ weights[f"{name}.wi.weight"].T, 0)
        return wide @ weights[f"{name}.wo.weight"].T

    def block(x: Any, name: str, parts: Sequence[Callable[[Any, str], Any]]) -> Any:
        for place, part in enumerate(parts):
            here = f"{name}.layer.{place}"
            x = x + part(_rms(x, weights[f"{here}.layer_norm.weight"]), here)
        return x

    def bias(side: str, length: int) -> Any:
        rows = weights[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
        buckets = [[_bucket(j - i, side == "encoder") for j in range(length)] for i in range(length)]
        return rows[np.array(buckets)].transpose(2, 0, 1)

    def encode(ids: Sequence[int]) -> Any:
        x, places = table[list(ids)], bias("encoder", len(ids))
        for layer in range(model.config.num_layers):
            parts = (
                lambda y, here: attend(y, y, f"{here}.SelfAttention", places),
                lambda y, here: feed(y, f"{here}.DenseReluDense"),
            )
            x = block(x, f"encoder.block.{layer}", parts)
        return _rms(x, weights["encoder.final_layer_norm.weight"])

    memory = np.concatenate([encode(ids) for ids in references])
    x, places = table[list(decoder_ids)], bias("decoder", len(decoder_ids))
    for layer in range(model.config.num_layers):
        parts = (
            lambda y, here: attend(y, y, f"{here}.SelfAttention", places, causal=True),
            lambda y, here: attend(y, memory, f"{here}.EncDecAttention"),
            lambda y, here: feed(y, f"{here}.DenseReluDense"),
        )
        x = block(x, f"decoder.block.{layer}", parts)
    return _rms(x, weights["decoder.final_layer_norm.weight"]) * model.config.d_model**-0.5 @ table.T


def _weights(model: Any) -> Weights:
    return {name: value.detach().double().numpy() for name, value in model.state_dict().items()}


def _linear(x: Any, weights: Weights, name: str) -> Any:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _attention(q: Any, k: Any, v: Any, heads: int, causal: bool, scale: bool, bias: Any = 0.0) -> Any:
    size = q.shape[-1] // heads
    out = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = q[:, part] @ k[:, part].T * (size**-0.5 if scale else 1.0)
        scores = scores + (bias[head] if np.ndim(bias) else 0.0)
        if causal:
            scores = np.where(np.tri(len(q), dtype=bool), scores, -np.inf)
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        out.append(odds / odds.sum(-1, keepdims=True) @ v[:, part])
    return np.concatenate(out, axis=-1)


def _norm(x: Any, weights: Weights, name: str) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _rms(x: Any, gain: Any) -> Any:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * gain


def _gelu(x: Any) -> Any:
    from math import erf

    return x * (1 + np.vectorize(erf)(x / 2**0.5)) / 2


def _bucket(distance: int, both_ways: bool) -> int:
    """T5's bucket of a relative position: exact up to a half, then logarithmic up to 128."""
    count, bucket = 32, 0
    if both_ways:
        count //= 2
        bucket = count if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = -min(distance, 0)
    exact = count // 2
    if distance < exact:
        return bucket + distance
    far = exact + int(np.log(distance / exact) / np.log(128 / exact) * (count - exact))
    return bucket + min(far, count - 1)
