from __future__ import annotations

import pytest

from webbrain.retrieval.fusion import ReciprocalRank, ScoreSum


def test_reciprocal_rank() -> None:
    fused = ReciprocalRank(60).fuse([{1: 9.0, 2: 5.0}, {2: 0.3, 3: 0.1}])
    assert fused == {1: 1 / 61, 2: pytest.approx(1 / 62 + 1 / 61), 3: 1 / 62}


def test_reciprocal_rank_breaks_ties_by_row() -> None:
    assert ReciprocalRank(0).fuse([{5: 1.0, 2: 1.0}]) == {2: 1.0, 5: 0.5}


def test_score_sum_scales_each_ranking() -> None:
    assert ScoreSum().fuse([{1: 30.0, 2: 20.0, 3: 10.0}, {2: 0.9, 3: 0.8}]) == {1: 0.5, 2: 0.75, 3: 0.0}


def test_score_sum_of_one_score_is_full_marks() -> None:
    assert ScoreSum().fuse([{1: 3.0}, {}]) == {1: 0.5}
    assert ScoreSum().fuse([{}, {}]) == ScoreSum().fuse([]) == {}
