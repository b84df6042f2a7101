from __future__ import annotations

import unicodedata

import pytest

from webbrain import analysis
from webbrain.analysis import Analyzer, AnalyzerSettings, is_stop
from webbrain.errors import ConfigError


@pytest.fixture
def terms() -> Analyzer:
    return Analyzer()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Running Dogs", ["the", "run", "dog"]),
        ("snake_case words", ["snake", "case", "word"]),
        ("Apollo-11, 1969!", ["apollo", "11", "1969"]),
        ("Newton's laws; the dogs' bowls", ["newton", "law", "the", "dog", "bowl"]),
        ("O’Brien", ["obrien"]),
        ("it's", ["it"]),
        ("Beyoncé, naïve, Łódź", ["beyonc", "naiv", "łódź"]),
        ("Ωmega Москва", ["ωmega", "москва"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("東 x", ["東", "x"]),
        ("m²", ["m2"]),
        ("", []),
        ("?!...", []),
    ],
)
def test_terms(terms: Analyzer, text: str, expected: list[str]) -> None:
    assert terms.terms(text) == expected


def test_the_accent_that_a_reader_leaves_out_does_not_matter(terms: Analyzer) -> None:
    assert terms.terms("Beyonce Malmo cafe") == terms.terms("Beyoncé Malmö café")


def test_composed_and_decomposed_text_are_the_same(terms: Analyzer) -> None:
    for text in ("Beyoncé à Málaga", "İstanbul", "각하", "मुंबई"):
        assert terms.terms(unicodedata.normalize("NFD", text)) == terms.terms(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("word", ["cans", "thé", "whos"])
def test_no_word_becomes_a_stop_word_by_stemming(terms: Analyzer, word: str) -> None:
    assert [is_stop(term) for term in terms.terms(word)] == [False]


def test_stop_words_are_searched_for_when_there_is_nothing_else(terms: Analyzer) -> None:
    assert terms.query_terms("the Beatles and the Who") == ["beatl"]
    assert terms.query_terms("The Who") == ["the", "who"]


def test_a_giant_word_is_cut(terms: Analyzer) -> None:
    assert [len(term) for term in terms.terms("x" * 10_000)] == [analysis.MAX_TERM_CHARS]


def test_the_memory_for_words_is_bounded(terms: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "MAX_REMEMBERED", 100)
    for number in range(50):
        found = terms.terms(" ".join(f"word{number}x{n}" for n in range(10)))
        assert found == [f"word{number}x{n}" for n in range(10)]
        assert len(terms._terms) <= 110


def test_other_stemmers() -> None:
    assert Analyzer(AnalyzerSettings("none")).terms("Running dogs' café") == ["running", "dogs", "cafe"]
    assert Analyzer(AnalyzerSettings("german")).terms("Häuser Haus") == ["haus", "haus"]
    assert (
        Analyzer(AnalyzerSettings("french")).terms("mangées")[0]
        == Analyzer(AnalyzerSettings("french")).terms("mangé")[0]
    )


def test_an_unknown_stemmer_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'klingon'; known are: none, .*english"):
        Analyzer(AnalyzerSettings("klingon"))
