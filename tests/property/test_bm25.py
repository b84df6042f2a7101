"""BM25 against its formula written out again, and against rank-bm25 where the two formulas rank alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from indexing.settings import Bm25Settings
from tests.building import temporary_index
from webbrain.analysis import AnalyzerSettings
from webbrain.retrieval.bm25 import Bm25Retriever

VOCABULARY = [a + b for a in "bcdfgklm" for b in ("oxa", "ubi", "ezo")]  # no stop word, nothing to stem
STOPS = ["the", "of", "and"]
WORDS = st.sampled_from([*VOCABULARY, *VOCABULARY[:4] * 3, *STOPS])  # some words are frequent
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=40), min_size=1, max_size=30)
QUERIES = st.lists(st.sampled_from([*VOCABULARY, *STOPS, "unheard"]), min_size=1, max_size=6)
SETTINGS = {"duplicates": "keep", "analyzer": AnalyzerSettings("none")}


def lucene(texts: Sequence[Sequence[str]], query: Sequence[str], k1: float, b: float) -> list[float]:
    """Scores by the formula of Lucene's BM25Similarity with exact lengths, which leave stop words out."""
    lengths = [sum(word not in STOPS for word in text) for text in texts]
    mean = max(sum(lengths) / len(texts), 1e-9)
    wanted = [word for word in query if word not in STOPS] or query
    scores = []
    for text, length in zip(texts, lengths, strict=True):
        score = 0.0
        for word, times in Counter(wanted).items():
            frequency = sum(word in other for other in texts)
            idf = math.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
            tf = text.count(word)
            if tf == 0:  # with b = 1 and stop words only the quotient would be 0 / 0
                continue
            score += times * idf * tf / (tf + k1 * (1 - b + b * length / mean))
        scores.append(score)
    return scores


@settings(max_examples=60, deadline=None)
@given(
    TEXTS, QUERIES, st.sampled_from([(1.2, 0.75), (0.9, 0.4), (2.0, 1.0), (1.2, 0.0)]), st.sampled_from([1, 4, 1000])
)
def test_scores_are_those_of_the_formula(
    texts: list[list[str]], query: list[str], parameters: tuple[float, float], shard: int
) -> None:
    expected = lucene(texts, query, *parameters)
    rows = [" ".join(text) for text in texts]
    with temporary_index(rows, bm25=Bm25Settings(*parameters), shard_passages=shard, **SETTINGS) as index:
        assert len(index) == len(texts)
        found = dict(Bm25Retriever(index).rows(" ".join(query), len(texts)))
    assert set(found) == {row for row, score in enumerate(expected) if score > 0}
    for row, score in found.items():
        assert score == pytest.approx(expected[row], rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(TEXTS, QUERIES, st.integers(1, 12))
def test_shards_change_no_row_and_no_digit_and_ties_go_by_row(
    texts: list[list[str]], query: list[str], shard: int
) -> None:
    rows, text = [" ".join(words) for words in texts], " ".join(query)
    with temporary_index(rows, **SETTINGS) as whole, temporary_index(rows, shard_passages=shard, **SETTINGS) as parted:
        longest = Bm25Retriever(whole).rows(text, len(rows))
        assert Bm25Retriever(parted).rows(text, len(rows)) == longest
        assert longest == sorted(longest, key=lambda pair: (-pair[1], pair[0]))
        for k in range(len(rows)):
            assert Bm25Retriever(parted).rows(text, k) == longest[:k]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(VOCABULARY), min_size=8, max_size=8), min_size=8, max_size=30),
    st.sampled_from(VOCABULARY),
)
def test_rank_bm25_ranks_alike_for_one_word(texts: list[list[str]], word: str) -> None:
    """For one term and texts of one length both rank by its count, whatever their idf; Okapi's idf turns negative for
    frequent terms, which is why Lucene's is used."""
    theirs = BM25Okapi(texts, k1=1.2, b=0.75)
    if theirs.idf.get(word, 0.0) <= 0:
        return
    scores = theirs.get_scores([word])
    expected = [int(row) for row in np.argsort(-scores, kind="stable") if scores[row] > 0]
    with temporary_index([" ".join(text) for text in texts], **SETTINGS) as index:
        assert [row for row, _ in Bm25Retriever(index).rows(word, len(texts))] == expected


def test_scores_are_rank_bm25s_with_lucenes_idf_in_place_of_its_own() -> None:
    """The two differ in idf and in the constant factor k1 + 1 alone."""
    draw = np.random.default_rng(3)
    texts = [[VOCABULARY[n] for n in draw.integers(0, len(VOCABULARY), draw.integers(5, 60))] for _ in range(200)]
    theirs = BM25Okapi(texts, k1=1.2, b=0.75)
    for word in VOCABULARY:
        frequency = sum(word in text for text in texts)
        theirs.idf[word] = math.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
    with temporary_index([" ".join(text) for text in texts], **SETTINGS) as index:
        for seed in range(20):
            query = [VOCABULARY[n] for n in np.random.default_rng(seed).integers(0, len(VOCABULARY), 4)]
            scores = theirs.get_scores(query) / 2.2
            found = dict(Bm25Retriever(index).rows(" ".join(query), 200))
            assert len(found) == (scores > 0).sum()
            for row, score in found.items():
                assert score == pytest.approx(scores[row], rel=1e-5)
