"""Planted errors and rewordings: an error marks exactly what is wrong, a rewording leaves numbers and names alone."""

from __future__ import annotations

import random

import pytest

from webbrain.training.support_controls import CONTROLS
from webbrain.training.support_edits import ERRORS, Scene
from webbrain.training.support_pairs import Pair, fold_of, wrong_words

PASSAGE = (
    "In 1893, Mayor Edwin Castle opened the bridge, which is 340 metres long. Lucy Penhall designed it in 1888. "
    "She was often seen in Marburg. The old bridge was located near a large mill and was built in 1841 by Ruth Orme."
)
CLAIMS = [
    "In 1893, Mayor Edwin Castle opened the large bridge.",
    "Lucy Penhall designed it in 1888 and Ruth Orme built the old one in 1841.",
    "She was also often seen in Marburg, which is 340 metres above the sea.",
    "The old bridge was located near a large mill, including 12 houses, and cost 1,500 crowns.",
    "It is 12 kilometres long and was one of the first.",
]


def scene(seed: int) -> Scene:
    return Scene(
        PASSAGE,
        "Lucy Penhall",
        "The Duke of Ferrow sold nine ships. Otto Brand wrote letters to the queen of Dralia in winter.",
        {"large": ["small"], "old": ["new"], "opened": ["closed"]},
        lambda word: ["ladder"] if word == "bridge" else [],
        random.Random(seed),
    )


@pytest.mark.parametrize("editor", ERRORS, ids=lambda editor: editor.__name__)
def test_an_error_marks_the_words_that_changed(editor) -> None:  # type: ignore[no-untyped-def]
    made = [(claim, edit) for claim in CLAIMS for seed in range(6) if (edit := editor(claim, scene(seed)))]
    assert made
    for claim, edit in made:
        assert edit.text != claim
        assert edit.wrong
        assert edit.kind == editor.__name__
        for start, end in edit.wrong:
            assert 0 <= start < end <= len(edit.text)
            assert edit.text[start:end].strip()
        pair = Pair("g", PASSAGE, edit.text, f"-{edit.kind}", edit.wrong, True)
        assert any(wrong_words(pair))
        assert not all(wrong_words(pair))


@pytest.mark.parametrize("editor", CONTROLS, ids=lambda editor: editor.__name__)
def test_a_rewording_marks_nothing(editor) -> None:  # type: ignore[no-untyped-def]
    made = [(claim, edit) for claim in CLAIMS for seed in range(6) if (edit := editor(claim, scene(seed)))]
    assert made
    for claim, edit in made:
        assert edit.text != claim
        assert edit.wrong == ()
        assert len(edit.text.split()) >= 4


def test_a_number_from_elsewhere_is_in_the_passage_and_an_absent_one_is_not() -> None:
    by_name = {editor.__name__: editor for editor in ERRORS}
    for seed in range(20):
        there = by_name["number_elsewhere"](CLAIMS[0], scene(seed))
        absent = by_name["number_absent"](CLAIMS[0], scene(seed))
        assert there is not None
        assert there.text[slice(*there.wrong[0])] in PASSAGE
        assert absent is None or absent.text[slice(*absent.wrong[0])] not in PASSAGE


def test_folds_are_stable_and_spread() -> None:
    folds = [fold_of(f"Title {at}") for at in range(2000)]
    assert fold_of("Ada Lovelace") == fold_of("Ada Lovelace")
    assert all(140 < folds.count(fold) < 260 for fold in range(10))
