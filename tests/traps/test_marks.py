"""Marks as traps, on every passage of `cases.txt`: unknown, none, `[1, 2]`, `[0]`, before and after the full stop."""

from __future__ import annotations

import pytest

from eval.checks import CheckedSentence, check_article
from eval.marked import article_from_marked_text
from tests.traps.cases import Control, read_cases
from webbrain.grounding.scorers import make_scorer

TRUE = [case for case in read_cases() if isinstance(case, Control) and case.suite == "verbatim"]
OTHER = "Far away, the quarry of Ond sold slate and gravel to three builders."
SCORER = make_scorer()

assert len(TRUE) >= 20


def check(text: str, *references: str) -> list[CheckedSentence]:
    article = article_from_marked_text({"text": text, "references": list(references)})
    return list(check_article("q", article, SCORER).sentences)


def stem(case: Control) -> str:
    return case.claim.rstrip(".")


@pytest.mark.parametrize("case", TRUE, ids=lambda case: case.claim[:30])
class TestMarks:
    def test_before_and_after_the_full_stop_are_one(self, case: Control) -> None:
        before, after = check(f"{stem(case)} [1].", case.passage), check(f"{stem(case)}. [1]", case.passage)
        assert [found.kind for found in before] == [found.kind for found in after] == ["supported"]

    def test_a_mark_after_the_full_stop_is_not_the_next_sentences(self, case: Control) -> None:
        first, second = check(f"{stem(case)}. [1] The quarry sold slate. [2]", case.passage, OTHER)
        assert [mark.marker for mark in first.marks] == [1]
        assert [mark.marker for mark in second.marks] == [2]

    def test_two_marks_in_one_bracket_are_two(self, case: Control) -> None:
        (found,) = check(f"{stem(case)} [1, 2].", case.passage, OTHER)
        assert [mark.marker for mark in found.marks] == [1, 2]
        assert found.kind == "supported"
        assert found.over_cited == 1

    def test_an_unknown_mark_supports_nothing(self, case: Control) -> None:
        (found,) = check(f"{stem(case)} [7].", case.passage)
        assert found.kind == "unresolved"
        assert not found.supported

    def test_an_unknown_mark_beside_a_good_one_is_kept_apart(self, case: Control) -> None:
        (found,) = check(f"{stem(case)} [1][7].", case.passage)
        assert [mark.passage is None for mark in found.marks] == [False, True]

    def test_no_mark_is_no_citation(self, case: Control) -> None:
        (found,) = check(case.claim, case.passage)
        assert found.kind == "uncited"
        assert not found.supported

    def test_mark_zero_is_no_citation_and_not_the_last_document(self, case: Control) -> None:
        (found,) = check(f"{stem(case)} [0].", OTHER, case.passage)
        assert found.kind == "uncited"

    def test_the_wrong_mark_is_seen_to_be_wrong(self, case: Control) -> None:
        (found,) = check(f"{stem(case)} [1].", OTHER, case.passage)
        assert found.kind == "elsewhere"
        assert found.elsewhere == (2,)

    def test_an_empty_passage_supports_nothing(self, case: Control) -> None:
        (found,) = check(f"{stem(case)} [1].", "")
        assert not found.supported
