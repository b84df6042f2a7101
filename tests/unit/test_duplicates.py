from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing.duplicates import DuplicateFinder

DRAW = random.Random(5)
WORDS = [
    f"{DRAW.choice('bcdfg')}{DRAW.choice('aeiou')}{n:03d}".translate(str.maketrans("0123456789", "qwrtypsdfg"))
    for n in range(800)
]


def page(words: int = 300, seed: int = 1) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) for _ in range(words))


@pytest.fixture
def finder(tmp_path: Path) -> Iterator[DuplicateFinder]:
    finder = DuplicateFinder(tmp_path / "d.sqlite")
    yield finder
    finder.close()


def test_equal_texts_but_for_case_and_space(finder: DuplicateFinder) -> None:
    finder.add(0, "A short Text.")
    assert finder.find(" a SHORT\n text. ") == 0
    assert finder.find("A short text!") is None
    assert finder.find("Another short text.") is None


def test_symbols_tell_short_texts_apart(finder: DuplicateFinder) -> None:
    finder.add(0, "C++ is a language. It was -5 degrees.")
    assert finder.find("C# is a language. It was 5 degrees.") is None


def test_a_page_with_another_footer_is_the_same_page(finder: DuplicateFinder) -> None:
    finder.add(3, page())
    assert finder.find(page() + " share this story") == 3
    assert finder.find("advert " + page()) == 3


def test_half_the_same_is_another_page(finder: DuplicateFinder) -> None:
    finder.add(0, page(300, 1))
    assert finder.find(page(300, 1)[:800] + page(200, 2)) is None
    assert finder.find(page(300, 2)) is None


def test_other_numbers_make_another_page(finder: DuplicateFinder) -> None:
    finder.add(0, page() + " final of 1998")
    assert finder.find(page() + " final of 2002") is None
    assert finder.find("of 1998 " + page() + " final") == 0


def test_the_first_of_several_is_named(finder: DuplicateFinder) -> None:
    for row in (4, 7, 9):
        finder.add(row, page())
    assert finder.find(page()) == 4
    assert finder.find(page() + " footer") == 4


def test_ids(finder: DuplicateFinder) -> None:
    finder.add_id(0, "a")
    finder.add_id(1, "b")
    assert (finder.id_row("b"), finder.id_row("c"), finder.id_of(0), len(finder)) == (1, None, "a", 2)


def test_an_unfinished_shard_is_forgotten(tmp_path: Path) -> None:
    first = DuplicateFinder(tmp_path / "d.sqlite")
    for row in range(4):
        first.add_id(row, str(row))
        first.add(row, page(seed=row))
        if row == 1:
            first.commit()
    first.commit()
    first.forget_from(2)
    assert [first.find(page(seed=row)) for row in range(4)] == [0, 1, None, None]
    assert first.id_row("2") is None
    first.close()
    again = DuplicateFinder(tmp_path / "d.sqlite")
    assert [again.find(page(seed=row)) for row in range(4)] == [0, 1, None, None]
    again.close()


def test_nothing_is_durable_before_commit(tmp_path: Path) -> None:
    first = DuplicateFinder(tmp_path / "d.sqlite")
    first.add(0, page())
    second = DuplicateFinder(tmp_path / "d.sqlite")
    assert second.find(page()) is None
    first.close()
    assert second.find(page()) == 0
    second.close()


def test_a_long_text_is_no_trouble(finder: DuplicateFinder) -> None:
    long = page(60_000)
    finder.add(0, long)
    assert finder.find(long + " end") == 0
