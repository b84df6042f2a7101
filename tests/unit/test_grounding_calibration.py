"""A cut and a calibration fitted on labels: they find the cut that is there and refuse what cannot be fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from webbrain.errors import ConfigError
from webbrain.grounding.calibration import balanced_accuracy, calibration_error, fit, load_calibration
from webbrain.grounding.scorers import CalibratedScorer, make_scorer, stretch
from webbrain.types import Claim, Passage

SCORES = [at / 100 for at in range(100)]
LABELS = [score > 0.7 for score in SCORES]


def test_the_cut_lies_between_false_and_true() -> None:
    found = fit("tier1", SCORES, LABELS)
    assert 0.70 < found.cut < 0.71
    assert found.balanced_accuracy == 1.0


def test_the_calibration_rises_and_is_never_certain() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(2000)
    found = fit("x", list(scores), list(rng.random(2000) < scores**2))
    chances = [found.probability(at / 50) for at in range(51)]
    assert chances == sorted(chances)
    assert 0 < chances[0] < 0.15
    assert 0.8 < chances[-1] < 1
    truth = rng.random(2000) < scores**2
    raw, calibrated = scores, np.array([found.probability(score) for score in scores])
    assert calibration_error(calibrated, truth) < 0.05 < calibration_error(raw, truth)


def test_balanced_accuracy_counts_both_kinds_alike() -> None:
    scores, truth = np.array([0.9, 0.1, 0.1, 0.1]), np.array([True, False, False, False])
    assert balanced_accuracy(scores, truth, 0.0) == 0.5
    assert balanced_accuracy(scores, truth, 0.5) == 1.0


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    found = fit("tier1", SCORES, LABELS)
    found.save(tmp_path / "cut.json")
    assert load_calibration(tmp_path / "cut.json", "tier1") == found


@pytest.mark.parametrize("labels", [[True] * 100, [False] * 100, [*([True] * 4), *([False] * 96)]])
def test_too_few_of_a_kind_is_an_error(labels: list[bool]) -> None:
    with pytest.raises(ConfigError, match="too few"):
        fit("tier1", SCORES, labels)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cut": 1}'])
def test_a_file_that_holds_no_calibration(tmp_path: Path, text: str) -> None:
    (tmp_path / "cut.json").write_text(text)
    with pytest.raises(ConfigError, match="holds no calibration"):
        load_calibration(tmp_path / "cut.json", "tier1")


def test_another_scorers_calibration_is_refused(tmp_path: Path) -> None:
    fit("exact", SCORES, LABELS).save(tmp_path / "cut.json")
    with pytest.raises(ConfigError, match="exact"):
        make_scorer("tier1", tmp_path / "cut.json")


@pytest.mark.parametrize("cut", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_stretching_keeps_the_order_and_the_ends(cut: float) -> None:
    scores = [stretch(at / 100, cut) for at in range(101)]
    assert scores == sorted(scores)
    assert all(0 <= score <= 1 for score in scores)
    assert stretch(cut, cut) == 0.5


def test_a_fitted_cut_moves_the_label() -> None:
    scorer = make_scorer("exact")
    claim, source = Claim("The old stone bridge fell in spring."), "The old bridge fell in the spring of a cold year."
    passage = Passage("p", "d", "", source, 0, len(source))
    raw = scorer.score(claim, [passage]).score
    strict = fit("exact", [*[raw / 2] * 20, *[raw] * 20, *[1.0] * 20], [*[False] * 40, *[True] * 20])
    lax = fit("exact", [*[raw / 2] * 20, *[raw] * 20], [*[False] * 20, *[True] * 20])
    assert CalibratedScorer(scorer, strict).score(claim, [passage]).label != "supported"
    assert CalibratedScorer(scorer, lax).score(claim, [passage]).label == "supported"
