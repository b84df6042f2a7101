"""A tiny encoder with its tokenizer, and articles made up for it: what the real builders are then run on."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

NAMES = "Arden Belmor Corvin Dalwin Estrel Farnok Gelmir Harvin Istrad Jorvel Kelden Lorwyn".split()
PLACES = "Oldport Newhaven Westfield Northgate Eastmoor Southbay".split()
CRAFTS = "painter sculptor botanist engineer composer historian".split()


def articles() -> list[dict[str, object]]:
    """Leads whose facts stand in the bodies."""
    rows = []
    for number in range(len(NAMES) * 4):
        name, place = f"{NAMES[number % len(NAMES)]} {NAMES[number // len(NAMES)]}", PLACES[number % len(PLACES)]
        craft, year = CRAFTS[number % len(CRAFTS)], 1800 + number
        lead = f"{name} was a famous {craft} from {place}. {name} opened the first school of {place} in {year}."
        body = (
            f"\n\nLife\nThe famous {craft} {name} was born near {place} and lived in {place} for many years. "
            f"In {year} {name} opened the first school of {place} together with the town council of {place}."
        )
        sections = [
            {"heading": "", "start": 0, "end": len(lead)},
            {"heading": "Life", "start": len(lead), "end": len(lead + body)},
        ]
        rows.append({"id": f"a{number}", "title": name, "text": lead + body, "sections": sections})
    return rows


def write_articles(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in articles()), encoding="utf-8")


def make_encoder(folder: Path, dropout: float = 0.1) -> None:
    """A random BERT of one layer and 128 dimensions that knows the articles' words."""
    folder.mkdir(parents=True)
    text = " ".join(str(row["text"]) for row in articles())
    pieces = [piece for piece, _ in BertPreTokenizer().pre_tokenize_str(text.lower())]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"[unused{n}]" for n in range(1, 9)), *dict.fromkeys(pieces)]
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, "[UNK]"))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    shape = {"hidden_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 128}
    dropouts = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    config = BertConfig(vocab_size=len(words), max_position_embeddings=160, **dropouts, **shape)
    BertModel(config).save_pretrained(folder)
