from __future__ import annotations

import numpy as np
import pytest

from webbrain.retrieval.ranking import best_passage_per_document, order, top_rows
from webbrain.types import Passage, ScoredPassage


def test_best_first_ties_by_row_no_zeros() -> None:
    scores = np.array([0, 2, 1, 2, 0, 1], np.float32)
    assert top_rows(scores, 10).tolist() == [1, 3, 2, 5]
    assert top_rows(scores, 3).tolist() == [1, 3, 2]
    assert top_rows(scores, 1).tolist() == [1]
    assert top_rows(scores, 0).tolist() == top_rows(scores, -1).tolist() == []
    assert top_rows(np.zeros(0, np.float32), 3).tolist() == []


def test_a_shorter_list_is_a_prefix_of_a_longer_one() -> None:
    scores = np.random.default_rng(1).integers(0, 5, 200).astype(np.float32)
    longest = top_rows(scores, 200).tolist()
    for k in range(1, 200):
        assert top_rows(scores, k).tolist() == longest[:k]


def test_order() -> None:
    assert order({3: 1.0, 1: 2.0, 2: 1.0}, 5) == [(1, 2.0), (2, 1.0), (3, 1.0)]
    assert order([(3, 1.0), (1, 2.0), (2, 1.0)], 2) == [(1, 2.0), (2, 1.0)]
    assert order([], 3) == []


@pytest.mark.parametrize("ids", ["abab", "aaaa", ""])
def test_a_document_counts_once_at_its_best_passage(ids: str) -> None:
    ranking = [
        ScoredPassage(Passage(f"{doc}#{n}", doc, "", "x", 0, 1), 1 / n, n, "s", n) for n, doc in enumerate(ids, 1)
    ]
    found = best_passage_per_document(ranking)
    assert [hit.passage.doc_id for hit in found] == list(dict.fromkeys(ids))
    assert [hit.rank for hit in found] == [ids.index(doc) + 1 for doc in dict.fromkeys(ids)]
