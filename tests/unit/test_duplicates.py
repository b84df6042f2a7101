from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing.duplicates import Fingerprint, KeyFilter
from indexing.pages import NewPage
from indexing.state import State

DRAW = random.Random(5)
WORDS = [
    f"{DRAW.choice('bcdfg')}{DRAW.choice('aeiou')}{n:03d}".translate(str.maketrans("0123456789", "qwrtypsdfg"))
    for n in range(800)
]


def page(words: int = 300, seed: int = 1) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) for _ in range(words))


class Finder:
    """Pages by number, each with its text."""

    def __init__(self, path: Path) -> None:
        self.state = State(path)
        self.numbers: list[int] = []

    def add(self, number: int, text: str) -> None:
        self.state.add(NewPage(number, str(number), b"", b"", Fingerprint.of(text)), (0, number))
        self.numbers.append(number)

    def find(self, text: str) -> int | None:
        found = self.state.first_same(Fingerprint.of(text))
        return None if found is None else self.numbers[found - 1]


@pytest.fixture
def finder(tmp_path: Path) -> Iterator[Finder]:
    finder = Finder(tmp_path / "d.sqlite")
    yield finder
    finder.state.close()


def test_equal_texts_but_for_case_and_space(finder: Finder) -> None:
    finder.add(0, "A short Text.")
    assert finder.find(" a SHORT\n text. ") == 0
    assert finder.find("A short text!") is None
    assert finder.find("Another short text.") is None


def test_symbols_tell_short_texts_apart(finder: Finder) -> None:
    finder.add(0, "C++ is a language. It was -5 degrees.")
    assert finder.find("C# is a language. It was 5 degrees.") is None


def test_a_page_with_another_footer_is_the_same_page(finder: Finder) -> None:
    finder.add(3, page())
    assert finder.find(page() + " share this story") == 3
    assert finder.find("advert " + page()) == 3


def test_half_the_same_is_another_page(finder: Finder) -> None:
    finder.add(0, page(300, 1))
    assert finder.find(page(300, 1)[:800] + page(200, 2)) is None
    assert finder.find(page(300, 2)) is None


def test_other_numbers_make_another_page(finder: Finder) -> None:
    finder.add(0, page() + " final of 1998")
    assert finder.find(page() + " final of 2002") is None
    assert finder.find("of 1998 " + page() + " final") == 0


def test_the_first_of_several_is_named(finder: Finder) -> None:
    for row in (4, 7, 9):
        finder.add(row, page())
    assert finder.find(page()) == 4
    assert finder.find(page() + " footer") == 4


def test_a_reopened_state_still_finds_what_is_nearly_the_same(tmp_path: Path) -> None:
    first = Finder(tmp_path / "d.sqlite")
    first.add(7, page())
    first.state.commit()
    first.state.close()
    again = State(tmp_path / "d.sqlite")
    assert again.first_same(Fingerprint.of(page() + " terms of use")) == 1
    again.close()


def test_the_filter_of_keys_forgets_none_and_stops_most() -> None:
    draw = random.Random(3)
    keys = [draw.getrandbits(64) - (1 << 63) for _ in range(20_000)]
    kept = KeyFilter()
    kept.add(keys[:10_000])
    assert kept.among(keys[:10_000]) == keys[:10_000]
    assert len(kept.among(keys[10_000:])) < 10


def test_nothing_is_durable_before_commit(tmp_path: Path) -> None:
    first, second = Finder(tmp_path / "d.sqlite"), State(tmp_path / "d.sqlite")
    first.add(0, page())
    assert second.first_same(Fingerprint.of(page())) is None
    first.state.commit()
    first.add(1, page(seed=2))
    first.state.close()
    second.close()
    second = State(tmp_path / "d.sqlite")
    assert second.first_same(Fingerprint.of(page())) is not None
    assert second.first_same(Fingerprint.of(page(seed=2))) is None
    second.close()


def test_a_long_text_is_no_trouble(finder: Finder) -> None:
    long = page(60_000)
    finder.add(0, long)
    assert finder.find(long + " end") == 0
