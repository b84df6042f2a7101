"""What holds of passages and vectors whatever the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import indexing.chunk
from indexing.chunk import ChunkSettings, chunk, count_words
from tests.building import build_index, temporary_index
from webbrain.encoding.encoder import OnnxEncoder
from webbrain.grounding.sentences import split_sentences
from webbrain.models import DEFAULT_ENCODER
from webbrain.store import layout

PIECES = st.sampled_from(
    ["word", "Word", "Dr.", "e.g.", "3.5", ".", "!", "?”", "。", "漢字", "ภาษา", "é", "😀", "[1]", "-", ",", ";"]
)
GAPS = st.sampled_from(["", " ", "  ", "\n", "\n\n", "\t", "\n- ", "\u00a0", "\u2003"])
TEXTS = st.lists(st.tuples(PIECES, GAPS, st.integers(1, 60)), max_size=30).map(
    lambda parts: "".join((piece + gap) * times for piece, gap, times in parts)
)
TARGETS = st.sampled_from([10, 25, 110])


@settings(max_examples=150, deadline=None)
@given(TEXTS | st.text(max_size=400), TARGETS)
def test_passages_slice_back_and_leave_nothing_out(text: str, target: int) -> None:
    sizes = ChunkSettings.around(target)
    end = 0
    for span in chunk(text, sizes):
        assert end <= span.start < span.end <= len(text)
        assert not text[end : span.start].strip()
        assert count_words(text[span.start : span.end]) <= sizes.max_words
        end = span.end
    assert not text[end:].strip()


@settings(max_examples=300, deadline=None)
@given(TEXTS | st.text(max_size=400), TARGETS)
def test_a_short_text_is_cut_as_any_other(text: str, target: int) -> None:
    sizes = ChunkSettings.around(target)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexing.chunk, "_is_short", lambda *_: False)
        expected = chunk(text, sizes)
    assert chunk(text, sizes) == expected


@settings(max_examples=150, deadline=None)
@given(TEXTS | st.text(max_size=400))
def test_sentences_hold_everything_that_is_no_space(text: str) -> None:
    end = 0
    for span in split_sentences(text):
        assert not text[end : span.start].strip()
        assert text[span.start : span.end] == text[span.start : span.end].strip() != ""
        end = span.end
    assert not text[end:].strip()


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXTS.filter(str.strip), min_size=1, max_size=8), st.integers(1, 5))
def test_an_index_gives_the_same_passages_whatever_its_shards(texts: list[str], shard: int) -> None:
    with (
        temporary_index(texts, duplicates="keep") as whole,
        temporary_index(texts, duplicates="keep", shard_passages=shard) as parted,
    ):
        assert [whole.passage(row) for row in range(len(whole))] == [parted.passage(row) for row in range(len(parted))]
        for row in range(len(whole)):
            passage = whole.passage(row)
            number, _ = whole.locate(row)
            document = whole.passages[number].document(whole.passages[number].document_of(row))
            assert document.text[passage.start : passage.end] == passage.text


def test_threads_and_shards_change_no_vector(tmp_path: Path) -> None:
    texts = [f"Text {n} about {'dogs and cats ' * (n % 7)}and their {n} bones." for n in range(24)]
    found = []
    for name, threads, shard in (("one", 1, 1000), ("four", 4, 1000), ("parts", 3, 5)):
        index = build_index(tmp_path / name, texts, encoder=DEFAULT_ENCODER, threads=threads, shard_passages=shard)
        found.append(np.stack([index.vectors[part].reconstruct(row) for part, row in map(index.locate, range(24))]))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    encoder = OnnxEncoder(index.build / layout.ENCODER, threads=4)
    assert np.allclose(encoder.encode(texts), found[0], atol=1e-3)  # half precision on disk
    assert np.array_equal(encoder.encode(texts), OnnxEncoder(encoder.folder).encode(texts))


def test_control_tokens_in_a_text_are_words(tmp_path: Path) -> None:
    index = build_index(tmp_path, ["A text."], encoder=DEFAULT_ENCODER)
    encoder = index.encoder
    encoder.encode(["load"])
    ids = encoder._tokenizer.encode("a [SEP] b [CLS] [MASK]").ids
    special = {encoder._tokenizer.token_to_id(token) for token in ("[SEP]", "[CLS]", "[MASK]")}
    assert not special & set(ids[1:-1])
    assert len(encoder.encode_tokens(["two words"])[0]) == 2
    assert len(encoder.encode_tokens(["word " * 2000])[0]) == encoder.card.max_tokens - 2
    with pytest.raises(IndexError):
        index.locate(99)
