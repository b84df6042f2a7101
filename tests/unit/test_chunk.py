from __future__ import annotations

import random
from statistics import mean

import pytest

from indexing.chunk import ChunkSettings, chunk, count_words
from webbrain.errors import ConfigError

SETTINGS = ChunkSettings()


def passages(text: str, settings: ChunkSettings = SETTINGS) -> list[str]:
    """Passages of a text, having checked what holds of any."""
    found, end = [], 0
    for span in chunk(text, settings):
        found.append(text[span.start : span.end])
        assert found[-1] == found[-1].strip() != ""
        assert not text[end : span.start].strip()
        end = span.end
    assert not text[end:].strip()
    return found


def prose(sentences: int, seed: int = 1, separator: str = " ") -> str:
    draw = random.Random(seed)
    return separator.join(
        "The " + " ".join(f"word{draw.randrange(100)}" for _ in range(draw.randrange(6, 22))) + "."
        for _ in range(sentences)
    )


def test_passages_are_about_a_hundred_words_of_whole_sentences() -> None:
    found = passages(prose(300))
    sizes = [count_words(passage) for passage in found]
    assert 100 <= mean(sizes) <= 120
    assert max(sizes) <= SETTINGS.max_words
    assert all(passage.startswith("The ") and passage.endswith(".") for passage in found)


def test_a_short_text_is_one_passage() -> None:
    assert len(passages("Two words.")) == 1
    assert passages("") == passages(" \n\t ") == []


def test_a_short_rest_joins_the_passage_before() -> None:
    words = "The " + "word " * 10 + "end. "
    assert len(passages(words * 13)) == 1  # 156 words
    assert [round(count_words(passage)) for passage in passages(words * 16)] == [108, 84]


def test_a_passage_ends_with_its_paragraph_where_that_is_near() -> None:
    first, second = prose(7, 1), prose(12, 2)
    assert 0.75 * SETTINGS.target_words <= count_words(first) < SETTINGS.target_words
    assert passages(f"{first}\n\n{second}")[0] == first


def test_lower_case_text_without_punctuation_is_cut() -> None:
    draw = random.Random(3)
    text = " ".join(draw.choice(["alpha", "beta", "gamma", "and", "the", "of"]) for _ in range(3000))
    sizes = [count_words(passage) for passage in passages(text)]
    assert 90 <= mean(sizes) <= 125
    assert max(sizes) <= SETTINGS.max_words


def test_text_without_spaces_is_cut() -> None:
    found = passages("日本語の文章です。" * 300 + "漢字" * 2000)
    assert max(count_words(passage) for passage in found) <= SETTINGS.max_words
    assert len(found) > 20


@pytest.mark.parametrize("target", [10, 40, 110, 300])
def test_one_endless_sentence_is_cut_at_any_target(target: int) -> None:
    settings = ChunkSettings.around(target)
    text = "The " + "wide, wild " * 20_000 + "end."
    sizes = [count_words(passage) for passage in passages(text, settings)]
    assert max(sizes) <= settings.max_words
    assert mean(sizes) > target / 2


def test_one_endless_word_is_cut_in_linear_time() -> None:
    assert len(passages("x" * 200_000)) > 1
    assert len(passages("漢" * 200_000, ChunkSettings.around(10))) > 1000


@pytest.mark.parametrize(
    ("text", "words"), [("", 0), ("one two\nthree", 3), ("日本", 1), ("東京 tower", 2), ("ภาษา", 2), ("x日本y", 3)]
)
def test_count_words(text: str, words: float) -> None:
    assert count_words(text) == words


def test_sizes_out_of_order_are_refused() -> None:
    with pytest.raises(ConfigError, match="120 <= 110"):
        ChunkSettings(110, 160, 120)
    for target in range(10, 500, 7):
        ChunkSettings.around(target)
