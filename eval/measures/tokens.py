"""The words that METEOR, CIDEr, coverage and the refer score count: lower-cased, without punctuation or accents."""

from __future__ import annotations

from functools import cache

from webbrain.analysis import Analyzer, AnalyzerSettings


def words(text: str) -> list[str]:
    """Words in order; a possessive 's is cut off, and scripts without spaces give overlapping pairs of characters."""
    return _analyzer("none").terms(text)


def stem(word: str) -> str:
    """The Snowball English stem of a word of `words`."""
    return next(iter(_analyzer("english").terms(word)), word)


@cache
def _analyzer(stemmer: str) -> Analyzer:
    return Analyzer(AnalyzerSettings(stemmer))
