"""Traps and controls through the default scorer: what planted errors must not get through, what must not be flagged.

Suites that miss the aim (AUC .90, controls flagged 15%) are listed with their bounds here and their numbers in
docs/model-cards/support.md; `benchmarks/traps.py` prints them all.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

import pytest

from tests.traps.cases import Control, Trap, read_cases
from webbrain.grounding.scorers import make_scorer
from webbrain.types import Claim, Passage, Verdict

AIM, MOST_FLAGGED = 0.90, 0.15
LEAST_CASES = 20
BELOW_AIM: dict[str, float] = {"number_elsewhere": 0.84, "swapped_names": 0.78}
ABOVE_AIM: dict[str, float] = {}


def verdict(claim: str, passage: str) -> Verdict:
    return _scorer().score(Claim(claim), [Passage("p", "d", "", passage, 0, len(passage))])


@lru_cache(maxsize=1)
def _scorer():  # type: ignore[no-untyped-def]
    return make_scorer()


@lru_cache(maxsize=1)
def traps() -> dict[str, list[Trap]]:
    found = defaultdict(list)
    for case in read_cases():
        if isinstance(case, Trap):
            found[case.suite].append(case)
    return dict(found)


@lru_cache(maxsize=1)
def controls() -> dict[str, list[Control]]:
    found = defaultdict(list)
    for case in read_cases():
        if isinstance(case, Control):
            found[case.suite].append(case)
    return dict(found)


def auc(true: list[float], edited: list[float]) -> float:
    wins = sum((a > b) + (a == b) / 2 for a in true for b in edited)
    return wins / (len(true) * len(edited))


@pytest.mark.parametrize("suite", sorted(traps()))
def test_an_edited_claim_scores_below_true_ones(suite: str) -> None:
    cases = traps()[suite]
    assert len(cases) >= LEAST_CASES
    true = [verdict(case.original, case.passage).score for case in cases]
    edited = [verdict(case.edited, case.passage).score for case in cases]
    assert auc(true, edited) >= BELOW_AIM.get(suite, AIM)


@pytest.mark.parametrize("suite", sorted(controls()))
def test_a_true_claim_is_not_flagged(suite: str) -> None:
    cases = controls()[suite]
    assert len(cases) >= LEAST_CASES
    flagged = [case.claim for case in cases if verdict(case.claim, case.passage).label != "supported"]
    assert len(flagged) <= ABOVE_AIM.get(suite, MOST_FLAGGED) * len(cases), flagged


@pytest.mark.parametrize("passage", ["", " ", "\n\t", "[1]", "...", "—", "​"])
def test_an_empty_passage_supports_nothing(passage: str) -> None:
    for suite in traps().values():
        for case in suite[:2]:
            found = verdict(case.original, passage)
            assert found.label in ("not_checked", "not_supported")
            assert found.score == 0


@pytest.mark.parametrize("claim", ["", " ", "...", "It is.", "There they were.", "[1]"])
def test_a_claim_without_content_is_not_checked(claim: str) -> None:
    assert verdict(claim, "The bridge was opened in 1893.").label == "not_checked"


def test_another_script_is_not_checked() -> None:
    assert verdict("Мост был открыт весной.", "The bridge was opened in spring.").label == "not_checked"


def test_every_verdict_names_its_tier() -> None:
    for suite in traps().values():
        for case in suite[:3]:
            for claim in (case.original, case.edited):
                assert any("tier1" in reason for reason in verdict(claim, case.passage).reasons)


def test_the_evidence_is_a_sentence_of_the_passage() -> None:
    for suite in traps().values():
        for case in suite[:3]:
            found = verdict(case.edited, case.passage)
            assert found.evidence
            assert found.evidence in case.passage or found.score == 1
