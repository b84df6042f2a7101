from __future__ import annotations

from typing import Any

import pytest

from indexing.datasets.gaps import gap_examples
from indexing.datasets.settings import DatasetSettings
from indexing.datasets.splits import split_of

SENTENCES = [
    "The old bridge of Aston was built by the town council in 1850.",
    "Rain fell often that year.",
    "The town council of Aston paid for the bridge and the market.",
    "A painter called Ruth lived near the market of Aston.",
    "Ruth the painter drew the old bridge for the town council.",
    "Nobody else came.",
]


def _row(place: str, text: str, title: str = "Aston") -> dict[str, Any]:
    return {"id": place, "title": title, "contents": text}


def _title(split: str) -> str:
    names = (f"Town {number}" for number in range(1000))
    return next(name for name in names if split_of(name, DatasetSettings()) == split)


def test_what_says_most_of_the_rest_becomes_the_target() -> None:
    title = _title("train")
    rows = [_row("1#0", " ".join(SENTENCES[:3]), title), _row("1@90-200", " ".join(SENTENCES[3:]), title)]
    (example,) = gap_examples(rows, 5, DatasetSettings())
    assert [one.text for one in example.sentences] == [SENTENCES[0], SENTENCES[4]]
    assert [one.citations for one in example.sentences] == [(1,), (2,)]
    assert (example.title, [one.marker for one in example.references]) == (title, [1, 2])
    for reference, first in zip(example.references, (0, 3), strict=True):
        kept = [text for text in SENTENCES[first : first + 3] if text in reference.text]
        assert reference.text == " ".join(kept)
        assert {*SENTENCES[first : first + 3]} - {*kept} <= {one.text for one in example.sentences}


def test_about_half_of_the_targets_are_left_in_their_passage() -> None:
    title = _title("train")
    rows = [_row(f"{number}#0", " ".join(SENTENCES), title) for number in range(200)]
    examples = list(gap_examples(rows, 5, DatasetSettings()))
    found = [one.text in example.references[0].text for example in examples for one in example.sentences]
    assert len(examples) == 200
    assert 0.4 < sum(found) / len(found) < 0.6
    assert examples == list(gap_examples(rows, 5, DatasetSettings()))


def test_a_sentence_of_two_passages_is_one_sentence() -> None:
    title = _title("train")
    rows = [_row("1@0-9", " ".join(SENTENCES[:5]), title), _row("1@4-19", " ".join(SENTENCES[2:]), title)]
    (example,) = gap_examples(rows, 5, DatasetSettings())
    texts = [one.text for one in example.sentences]
    assert len(texts) == len(set(texts))
    assert sum(SENTENCES[3] in reference.text for reference in example.references) <= 1


@pytest.mark.parametrize("split", ["dev", "test"])
def test_pages_of_other_splits_are_left_out(split: str) -> None:
    assert not list(gap_examples([_row("1#0", " ".join(SENTENCES), _title(split))], 5, DatasetSettings()))


def test_the_datasets_own_shares_say_which_pages_those_are() -> None:
    rows = [_row(f"{number}#0", " ".join(SENTENCES), f"Town {number}") for number in range(300)]
    wide = DatasetSettings(dev_share=0.3, test_share=0.3)
    assert {split_of(one.title, wide) for one in gap_examples(rows, 5, wide)} == {"train"}
    assert {split_of(one.title, wide) for one in gap_examples(rows, 5, DatasetSettings())} == {"train", "dev", "test"}


def test_groups_are_of_one_document_and_no_larger_than_the_references() -> None:
    title = _title("train")
    rows = [
        _row(f"a#b#{place}", " ".join(SENTENCES[:4]) + f" Place {place} is another one of them.", title)
        for place in range(7)
    ]
    rows += [_row("c@0-9", " ".join(SENTENCES), title)]
    examples = list(gap_examples(rows, 3, DatasetSettings()))
    assert [{one.doc_id for one in example.references} for example in examples] == [{"a#b"}] * 3 + [{"c"}]
    assert [len(example.references) for example in examples] == [3, 3, 1, 1]


def test_too_little_to_choose_from_gives_nothing() -> None:
    assert not list(gap_examples([_row("1#0", SENTENCES[0], _title("train"))], 5, DatasetSettings()))
    assert not list(gap_examples([], 5, DatasetSettings()))
