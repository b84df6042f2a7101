"""Every measure that runs without a model of the hub keeps the contract of `eval.core.Measure`."""

from __future__ import annotations

import pytest

from eval.core import Measure
from eval.measures import MEASURES, make_measure
from eval.testing import MeasureConformance

HUB = {"qags", "triple"}  # see test_eval_measures_models.py
SCORED = {"citations", "grounding", "support"}  # by a support scorer: any does here
NAMES = [name if name not in SCORED else f"{name}:scorer=exact" for name in sorted(MEASURES.builtin.keys() - HUB)]


@pytest.mark.parametrize("name", [*NAMES, "qags-offline:against=evidence", "triple-offline:against=evidence"])
class TestOfflineMeasures(MeasureConformance):
    @pytest.fixture
    def measure(self, name: str) -> Measure:
        return make_measure(name)
