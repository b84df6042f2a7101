"""A classifier of (passage, claim) made on the spot: a word "not" in the pair speaks for contradiction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WORDS = "the old bridge fell into river was opened in 1890 1954 not and . it mayor her a".split()
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def make_classifier(
    folder: Path,
    labels: Sequence[str] = ("entailment", "neutral", "contradiction"),
    width: int | str = "n",
    limit: int = 64,
    *,
    narrow: bool = False,
    more: str = "",
) -> Path:
    """The folder of an ONNX classifier that adds up what its tokens say; `width` is the length it was exported for.

    With `narrow` its ids have 32 bits; `more` is the name of a further input.
    """
    folder.mkdir(parents=True)
    _tokenizer().save(str(folder / "tokenizer.json"))
    config = {"id2label": dict(enumerate(labels)), "max_position_embeddings": limit}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    names = ("input_ids", "attention_mask", *([more] if more else []))
    _graph(labels, width, names, folder / "model.onnx", narrow=narrow)
    return folder


def _tokenizer():  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: at for at, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    return tokenizer


def _graph(labels: Sequence[str], width: int | str, names: Sequence[str], target: Path, *, narrow: bool) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    classes, kind = len(labels), TensorProto.INT32 if narrow else TensorProto.INT64
    table = np.zeros((len(SPECIAL) + len(WORDS), classes), np.float32)
    table[0] = 100.0  # padding that is not masked would decide everything
    not_row = len(SPECIAL) + WORDS.index("not")
    table[not_row] = [4.0 if label == "contradiction" else 0.0 for label in labels]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["said"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["said", "wide"], ["heard"]),
        helper.make_node("ReduceSum", ["heard", "tokens"], ["logits"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info(name, kind, [1, width]) for name in names]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes])]
    constants = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array([-1], np.int64), "last"),
        numpy_helper.from_array(np.array([1], np.int64), "tokens"),
    ]
    graph = helper.make_graph(nodes, "said", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(target))
