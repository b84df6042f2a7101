"""What the checker reads: the labels of judged and planted pairs, windows as the scorer asks for them, batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from webbrain.grounding.focus import Source
from webbrain.training.checker import pairs as made
from webbrain.training.checker.rows import (
    CLS,
    CONTRADICTED,
    ENTAILED,
    MAX_TOKENS,
    NEUTRAL,
    REFUSED,
    SEP,
    Collector,
    Rows,
    batches,
    flatten,
    rows_of,
)  # fmt: skip
from webbrain.training.support_data import Judged
from webbrain.training.support_pairs import Pair

PAGE = "The old bridge was opened in 1890. It fell into the river in 1954. The mayor wept."


def encode(text: str) -> list[int]:
    """A token for each word: its length."""
    return [1000 + len(word) for word in text.split()]


def judged(label: str, *, supported: bool = False, claim: str = "It fell.") -> Judged:
    return Judged("1", PAGE, claim, supported, "g", label)


def planted(kind: str, claim: str = "The old bridge was opened in 1890.", group: str = "Bridge") -> Pair:
    return Pair(group, PAGE, claim, kind, (), True)


@pytest.fixture
def rows() -> Rows:
    collector = Collector(["a", "b"], encode)
    collector.add("a", ENTAILED, [(["one two", "three"], "claim here"), (["three"], "claim there too")])
    collector.add("b", REFUSED, [(["word " * 300], "claim here")])
    return collector.rows()


@pytest.mark.parametrize(
    ("label", "supported", "classes"),
    [
        ("supported", True, ENTAILED),
        ("contradicted", False, CONTRADICTED),
        ("not_enough_info", False, NEUTRAL),
        ("not_supported", False, REFUSED),
        ("partially_supported", False, REFUSED),
        ("generic", False, REFUSED),
        ("supported", False, REFUSED),  # what people decided counts, not the word for it
    ],
)
def test_judgements_allow_classes(label: str, supported: bool, classes: int) -> None:
    assert made.judged_label(judged(label, supported=supported)) == classes


@pytest.mark.parametrize(
    ("kind", "classes"),
    [("verbatim", ENTAILED), ("synonyms", ENTAILED), ("-negation", CONTRADICTED), ("-number_absent", CONTRADICTED),
     ("-clause_added", NEUTRAL), ("-merged", REFUSED), ("-name_absent", REFUSED)],
)  # fmt: skip
def test_planted_errors_allow_classes(kind: str, classes: int) -> None:
    assert made.planted_label(planted(kind)) == classes


def test_a_claim_is_read_sentence_by_sentence_beside_what_is_near_it() -> None:
    source = Source.read(
        " ".join(f"Filler number {at} says nothing at all of any use to anybody." for at in range(30)) + PAGE
    )
    found = list(made.sentence_rows("It fell into the river in 1954. The mayor wept.", source))
    assert [sentence for _, sentence in found] == ["It fell into the river in 1954.", "The mayor wept."]
    assert "It fell into the river in 1954." in found[0][0]
    assert "The mayor wept." in found[1][0]
    assert all(sum(len(part.split()) for part in near) <= 110 for near, _ in found)


def test_rows_are_joined_as_the_model_reads_them(rows: Rows) -> None:
    flat = flatten(rows)
    first = flat.ids[: flat.first[1]].tolist()
    assert first == [CLS, 1003, 1003, 1005, SEP, 1005, 1004, SEP]
    assert first[flat.second[0]] == 1005
    assert flat.ids[flat.first[1] : flat.first[2]].tolist() == [CLS, 1005, SEP, 1005, 1005, 1003, SEP]
    assert rows.counts.tolist() == [2, 1]


def test_a_long_passage_is_cut_and_the_claim_is_not(rows: Rows) -> None:
    flat = flatten(rows)
    long = flat.ids[flat.first[2] :]
    assert len(long) == MAX_TOKENS
    assert long[flat.second[2] - 1 :].tolist() == [SEP, 1005, 1004, SEP]


def test_a_claim_that_leaves_no_room_is_not_read() -> None:
    collector = Collector(["a"], encode)
    assert collector.add("a", ENTAILED, [(["one"], "word " * 200), (["one"], "two")]) == [False, True]
    assert collector.add("a", ENTAILED, [(["one"], "word " * 200)]) == [False]
    assert len(collector) == 1
    assert collector.rows().counts.tolist() == [1]


def test_rows_come_back_from_a_file(rows: Rows, tmp_path: Path) -> None:
    rows.save(tmp_path / "rows.npz")
    again = Rows.load(tmp_path / "rows.npz")
    assert np.array_equal(flatten(again).ids, flatten(rows).ids)
    assert again.sets.tolist() == ["a", "b"]


@pytest.mark.parametrize("mixed", [False, True])
def test_batches_hold_every_claim_once_within_their_tokens(mixed: bool) -> None:
    collector = Collector(["a"], encode)
    rng = random.Random(0)
    for _ in range(200):
        collector.add("a", ENTAILED, [([("word " * rng.randint(1, 60))], "it is") for _ in range(rng.randint(1, 3))])
    rows, lengths = collector.rows(), flatten(collector.rows()).lengths
    found = batches(rows, lengths, np.arange(200), 512, np.random.default_rng(0) if mixed else None)
    assert sorted(np.concatenate(found).tolist()) == list(range(200))
    for claims in found:
        held = rows_of(rows, claims)
        assert lengths[held].max() * len(held) <= 512


def test_a_verbatim_passage_is_cropped_to_what_its_claim_says() -> None:
    rng = random.Random(1)
    for _ in range(20):
        assert "The old bridge was opened in 1890." in made.cropped(planted("verbatim"), rng)


def test_families_begin_with_the_true_claim() -> None:
    kinds = ["verbatim", "synonyms", "-negation", "lead", "-opposite"]
    found = list(made.families(planted(kind) for kind in kinds))
    assert [[pair.kind for pair in family] for family in found] == [kinds[:3], kinds[3:]]


def test_a_lead_that_its_passage_does_not_hold_is_left_out() -> None:
    def lead() -> Iterator[Pair]:
        yield Pair("Bridge", PAGE, "The Aldmouth crossing carried trams between distant suburbs.", "lead", (), False)
        yield planted("verbatim")

    assert [claim for _, _, claim in made.made_from(lead(), random.Random(0))] == ["The old bridge was opened in 1890."]


def test_keys_are_those_of_each_readable_sentence() -> None:
    collector, keys = Collector(["a"], encode), list[str]()
    claim = "It fell into the river in 1954. The mayor wept. " + "Word " * 200
    made.add_judged(collector, "a", [judged("supported", supported=True, claim=claim)], keys)
    assert len(keys) == len(collector.rows().sentence)
    assert made.row_key("The mayor wept.", PAGE) in keys
