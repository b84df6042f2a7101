"""Tiny random models and a word-level tokenizer: real architectures, made on the spot."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertLMHeadModel,
    BertModel,
    EncoderDecoderModel,
    LEDConfig,
    LEDForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from webbrain.types import Passage
from webbrain.writing.fid.folder import prepare
from webbrain.writing.fid.vocabulary import Vocabulary

WORDS = (
    "ada lovelace was an english mathematician and writer . she wrote the first algorithm in 1843 for engine of "
    "charles babbage , who designed it london born december 1815 [ ] ( ) 0 1 2 3 4 5 title ref / < > s cls sep"
).split()
KINDS = ("bart", "t5", "led", "bert")


def make_vocabulary() -> Vocabulary:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(WORDS)]
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, "[UNK]"))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return Vocabulary(tokenizer)


def make_seq2seq(kind: str, vocabulary: Vocabulary, seed: int = 0) -> Any:
    """A random model of two layers and 16 dimensions; weights large enough that its choices are not near ties."""
    torch.manual_seed(seed)
    ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 2}
    model = _BUILDERS[kind](vocabulary.size, ids).eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.tie_weights()
    prepare(model, vocabulary)
    return model


def _bart(size: int, ids: dict[str, int]) -> Any:
    shape = {f"{side}_{name}": 2 for side in ("encoder", "decoder") for name in ("layers", "attention_heads")}
    widths = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64}
    return BartForConditionalGeneration(BartConfig(vocab_size=size, **shape, **widths, **ids, forced_eos_token_id=None))


def _t5(size: int, ids: dict[str, int]) -> Any:
    config = T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, **ids)
    return T5ForConditionalGeneration(config)


def _led(size: int, ids: dict[str, int]) -> Any:
    shape = {f"{side}_{name}": 2 for side in ("encoder", "decoder") for name in ("layers", "attention_heads")}
    widths = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "attention_window": 4}
    lengths = {"max_encoder_position_embeddings": 64, "max_decoder_position_embeddings": 64}
    return LEDForConditionalGeneration(LEDConfig(vocab_size=size, **shape, **widths, **lengths, **ids))


def _bert(size: int, ids: dict[str, int]) -> Any:
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    common = {"vocab_size": size, "max_position_embeddings": 64, **shape}
    encoder = BertModel(BertConfig(**common), add_pooling_layer=False)
    decoder = BertLMHeadModel(BertConfig(**common, is_decoder=True, add_cross_attention=True))
    model = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    for name, value in ids.items():
        setattr(model.config, name, value)
        setattr(model.generation_config, name, value)
    return model


_BUILDERS = {"bart": _bart, "t5": _t5, "led": _led, "bert": _bert}


def passage(number: int, text: str, title: str = "Ada Lovelace") -> Passage:
    return Passage(f"d{number}#0", f"d{number}", title, text, 0, len(text))


PASSAGES = [
    passage(1, "Ada Lovelace was an English mathematician and writer."),
    passage(2, "She wrote the first algorithm in 1843."),
    passage(3, "Charles Babbage designed the engine in London."),
]
