"""A tiny random BERT with a word-piece tokenizer, and WebBrain-R files of the conformance texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast

from webbrain.testing import TEXTS

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
QUERIES = (
    "granite tower of Aldmouth",
    "harbour town people",
    "engineer Rosa Finch",
    "oily fish",
    "cools slowly in the ground",
    "lamp of the lighthouse",
    "boats in the morning",
    "storm broke the pier",
)


def tiny_bert(folder: Path, *, masked_lm: bool = False, seed: int = 0) -> Path:
    """A checkpoint of two layers and 128 dimensions that knows the words of the conformance texts."""
    words = sorted({word for text in (*TEXTS, *QUERIES) for word in _words(text)})
    letters = [chr(at) for at in range(33, 127)]
    pieces = [*MARKS, *dict.fromkeys([*words, *letters, *(f"##{letter}" for letter in letters)])]
    tokenizer = Tokenizer(WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    pair = "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", pair, [("[CLS]", 2), ("[SEP]", 3)])
    marks = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), MARKS, strict=True))
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=inputs, **marks)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=256,
        max_position_embeddings=128,
    )
    model = BertForMaskedLM(config) if masked_lm else BertModel(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    if masked_lm:
        model.tie_weights()
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def write_triples(folder: Path, *, scores: bool = False, negatives: int = 3) -> Path:
    """Each query with the text it is of and the next ones as negatives; train and dev are the same."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"id": f"p{n}", "title": "Aldmouth", "contents": text} for n, text in enumerate(TEXTS)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for split in ("train", "dev"):
        lines = [_line(f"q{n}", query, n, negatives) for n, query in enumerate(QUERIES)]
        (folder / f"{split}.tsv").write_text("".join(lines), encoding="utf-8")
        if scores:
            held = "\t".join(["0.9", *["0.2"] * negatives])
            lines = [f"q{n}\t{held}\n" for n in range(len(QUERIES))]
            (folder / f"{split}.scores.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def _line(query_id: str, query: str, positive: int, negatives: int) -> str:
    others = [f"p{(positive + step) % len(TEXTS)}" for step in range(1, negatives + 1)]
    return "\t".join([query_id, query, f"p{positive}", *others]) + "\n"


def _words(text: str) -> Sequence[str]:
    return ["".join(filter(str.isalnum, word)) for word in text.lower().split()]
