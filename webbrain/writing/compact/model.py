"""The compact writer in torch: both sides begin as one BERT encoder (Rothe, Narayan and Severyn, TACL 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer
from transformers import BertConfig, BertLMHeadModel, BertModel, EncoderDecoderModel

from webbrain.models import ModelFiles
from webbrain.writing.fid.folder import prepare, quiet
from webbrain.writing.fid.model import FusionInDecoder
from webbrain.writing.fid.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class CompactShape:
    """`frozen_encoder` shares the encoder with retrieval, so that only the decoder ships; one that is trained shares
    its word embeddings with the decoder. The decoder has the encoder's first `layers` (None: all).
    """

    copy: bool = True
    frozen_encoder: bool = True
    layers: int | None = None


def warm_start(files: ModelFiles, shape: CompactShape | None = None) -> tuple[FusionInDecoder, Vocabulary]:
    """Encoder and decoder from the same weights; cross-attention and the head before the output are new.

    Input and output embeddings of the decoder are tied. Call `torch.manual_seed` first: the new parts are random.
    """
    shape = shape or CompactShape()
    vocabulary = Vocabulary(Tokenizer.from_file(str(files.folder / "tokenizer.json")))
    with quiet():
        # float32 whatever the file holds: these are the weights that an optimizer changes
        encoder: Any = BertModel.from_pretrained(files.folder, add_pooling_layer=False)
        decoder: Any = BertLMHeadModel.from_pretrained(files.folder, config=_decoder_config(files, shape))
        encoder, decoder = encoder.float(), decoder.float()
        decoder.resize_token_embeddings(vocabulary.size)
    seq2seq = EncoderDecoderModel(encoder=encoder, decoder=decoder)
    _name_tokens(seq2seq, vocabulary)
    prepare(seq2seq, vocabulary)
    if not shape.frozen_encoder:
        decoder.set_input_embeddings(encoder.get_input_embeddings())
    decoder.tie_weights()
    model = FusionInDecoder(seq2seq, copy=shape.copy, numbered=True, frozen_encoder=shape.frozen_encoder)
    return model, vocabulary


def _decoder_config(files: ModelFiles, shape: CompactShape) -> Any:
    config = BertConfig.from_pretrained(files.folder)
    config.is_decoder = config.add_cross_attention = config.tie_word_embeddings = True
    config.num_hidden_layers = shape.layers or config.num_hidden_layers
    return config


def _name_tokens(seq2seq: Any, vocabulary: Vocabulary) -> None:
    ids = {
        "pad_token_id": seq2seq.config.encoder.pad_token_id or 0,
        "decoder_start_token_id": vocabulary.start[0],
        "bos_token_id": vocabulary.start[0],
        "eos_token_id": vocabulary.end[0],
    }
    for name, value in ids.items():
        setattr(seq2seq.config, name, value)
        setattr(seq2seq.generation_config, name, value)
