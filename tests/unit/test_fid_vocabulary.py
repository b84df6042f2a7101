"""Marks are tokens, corpus text never is; decoding rules; mark repair. No torch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from webbrain.types import Passage, Sentence
from webbrain.writing.fid.rules import DecodingRules
from webbrain.writing.fid.vocabulary import CONTROL, MarkedSentence, Vocabulary
from webbrain.writing.marks_repair import repair_marks

WORDS = "ada wrote the first algorithm babbage designed engine [ ] 0 1 2 title ref sep".split()


def make_vocabulary() -> Vocabulary:
    tokenizer = Tokenizer(WordLevel({w: at for at, w in enumerate(["[UNK]", "[CLS]", "[SEP]", *WORDS])}, "[UNK]"))
    tokenizer.add_special_tokens(["[UNK]", "[CLS]", "[SEP]"])
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)])
    return Vocabulary(tokenizer)


VOCABULARY = make_vocabulary()
UNKNOWN = 0


def passage(number: int, text: str) -> Passage:
    return Passage(f"d{number}#0", f"d{number}", "", text, 0, len(text))


ADA, BABBAGE = passage(1, "ada wrote the first algorithm"), passage(2, "babbage designed the engine")
PIECES = st.sampled_from([*CONTROL, "[SEP]", "[CLS]", "[UNK]", "[", "]", "1", "ada", " ", "\n"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_corpus_text_never_becomes_a_control_token(text: str) -> None:
    assert not set(VOCABULARY.ids(text)) & (VOCABULARY.control - {UNKNOWN})
    rows, _ = VOCABULARY.sources(text, [passage(1, text)], 64)
    assert [token for token in rows[0] if token in VOCABULARY.control - {UNKNOWN}] == [
        *VOCABULARY.start,
        VOCABULARY.title,
        VOCABULARY.ref,
        VOCABULARY.marks[1],
        *VOCABULARY.end,
    ]


def test_text_that_looks_like_a_token_keeps_its_letters() -> None:
    assert VOCABULARY.ids("[ref]") == [VOCABULARY.tokenizer.token_to_id(word) for word in ("[", "ref", "]")]


def test_sources_in_both_forms_fit_their_limit() -> None:
    rows, numbers = VOCABULARY.sources("ada", [ADA, BABBAGE], 8)
    assert numbers == [1, 2]
    assert all(len(row) == 8 and row[0] == 1 and row[-1] == 2 for row in rows)
    rows, numbers = VOCABULARY.sources("ada", [ADA, BABBAGE], 64, numbered=True)
    assert numbers == [0, 1, 2]
    assert rows[0] == [1, *VOCABULARY.ids("ada"), 2]
    assert not set(rows[1]) & set(VOCABULARY.marks)
    assert VOCABULARY.sources("ada", [], 64) == ([[1, VOCABULARY.title, *VOCABULARY.ids("ada"), 2]], [0])


def test_targets_read_back() -> None:
    ids = VOCABULARY.target([("ada wrote", (1,)), ("babbage designed", (2, 1)), ("the engine", ())], 64)
    assert VOCABULARY.sentences(ids) == [
        MarkedSentence("ada wrote", (1,)),
        MarkedSentence("babbage designed", (2, 1)),
        MarkedSentence("the engine", (0,)),
    ]


def test_a_sentence_cut_off_by_the_limit_is_left_out() -> None:
    whole = VOCABULARY.target([("ada wrote", (1,))], 64)[:-1]
    tail = VOCABULARY.ids("babbage designed")
    assert len(VOCABULARY.sentences([*whole, *tail])) == 1
    assert len(VOCABULARY.sentences([*whole, *tail, *VOCABULARY.end])) == 2


def apply(rules: DecodingRules, written: list[int], likely: int) -> np.ndarray:
    scores = np.linspace(-1, 0, VOCABULARY.size, dtype=np.float32)
    scores[likely] = 5
    rules.apply(written, scores)
    return scores


def test_a_mark_names_only_a_reference_that_is_there() -> None:
    scores = apply(DecodingRules(VOCABULARY, [ADA], red=False), VOCABULARY.ids("ada wrote"), 3)
    allowed = [number for number, token in enumerate(VOCABULARY.marks) if np.isfinite(scores[token])]
    assert allowed == [0, 1]
    assert np.isneginf(scores[[VOCABULARY.title, VOCABULARY.ref, *VOCABULARY.start]]).all()


def test_no_mark_comes_first_twice_or_beside_none() -> None:
    rules = DecodingRules(VOCABULARY, [ADA, BABBAGE])
    zero, one, two = VOCABULARY.marks[:3]
    first = apply(rules, [], one)
    assert np.isneginf(first[[*VOCABULARY.marks, *VOCABULARY.end]]).all()
    again = apply(rules, [*VOCABULARY.ids("ada"), one], one)
    assert np.isneginf(again[[zero, one]]).all()
    assert np.isfinite(again[[two, *VOCABULARY.end]]).all()
    assert np.isneginf(apply(rules, [*VOCABULARY.ids("ada"), zero], one)[VOCABULARY.marks]).all()


@pytest.mark.parametrize(
    ("text", "likely", "expected"), [("babbage designed", 1, 2), ("ada wrote", 2, 1), ("ada", 0, 0)]
)
def test_red_takes_the_reference_with_the_largest_overlap(text: str, likely: int, expected: int) -> None:
    scores = apply(DecodingRules(VOCABULARY, [ADA, BABBAGE]), VOCABULARY.ids(text), VOCABULARY.marks[likely])
    assert scores.argmax() == VOCABULARY.marks[expected]
    unruled = apply(
        DecodingRules(VOCABULARY, [ADA, BABBAGE], red=False), VOCABULARY.ids(text), VOCABULARY.marks[likely]
    )
    assert unruled.argmax() == VOCABULARY.marks[likely]


def test_repair_cites_by_overlap_and_leaves_out_what_nothing_supports() -> None:
    written = [
        Sentence("Ada wrote it", (1,)),
        Sentence("Babbage designed engines", (0,)),
        Sentence("Ada wrote algorithms", (7, 1, 1)),
        Sentence("Paris lies in France", (9,)),
    ]
    assert [sentence.citations for sentence in repair_marks(written, [ADA, BABBAGE])] == [(1,), (2,), (1,)]
    assert repair_marks(written, []) == []
