"""Text to index terms: words, case folded, stop words marked, stemmed; one definition for indexing and searching."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from typing import TypeVar
from unicodedata import normalize

from webbrain.errors import ConfigError

Key = TypeVar("Key")
Value = TypeVar("Value")
# Function words of English: left out of queries and of lengths, yet indexed, so that "The Who" can still be found.
STOP_WORDS = frozenset(
    """a about above after again against all am an and any are as at be because been before being below between both
    but by can could did do does doing down during each few for from further had has have having he her here hers
    herself him himself his how i if in into is it its itself just me more most my myself no nor not now of off on once
    only or other our ours ourselves out over own s same she should so some such t than that the their theirs them
    themselves then there these they this those through to too under until up very was we were what when where which
    while who whom why will with would you your yours yourself yourselves""".split()
)
VERSION = 2  # raised when a text gives other terms than before
MAX_TERM_CHARS = 64
MAX_REMEMBERED = 500_000  # distinct words whose terms are kept in memory
# A run of letters and digits; scripts written without spaces are cut into overlapping pairs of characters instead.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W\d_]+)?")
_ASCII_RUNS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) != "'"}
_UNSPACED_START = re.compile(rf"[{_UNSPACED}]")
_QUOTE = re.compile(r"'(?:(?![a-z])|(?<![a-z0-9]'))")  # an apostrophe that is in no word
_APOSTROPHES = re.compile(r"'[a-z]+['0-9]")  # of which a word has the first alone
# Accents, vowel points, and the scripts of India with their dependent vowels: no letters to `re`, yet parts of words.
_ACCENTS = "\u0300-\u036f"
_MARKS = rf"{_ACCENTS}\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_MARK = re.compile(f"[{_MARKS}]")
_ACCENT = re.compile(f"[{_ACCENTS}]")
_MARKED_WORD = re.compile(rf"[{_UNSPACED}]+|(?:[{_MARKS}]|[^\W_{_UNSPACED}])+(?:['’][^\W\d_]+)?")


@dataclass(frozen=True, slots=True)
class AnalyzerSettings:
    """`stemmer` is a Snowball algorithm name or "none"; both fields are written to the manifest."""

    stemmer: str = "english"
    version: int = VERSION


class Remembered(dict[Key, Value]):
    """What `make` makes of a key, made when first asked for: asking takes a quarter of a cached function's time."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        self.make = make

    def __missing__(self, key: Key) -> Value:
        value = self[key] = self.make(key)
        return value


@dataclass(slots=True)
class Analyzer:
    """Turns text into terms. Stems are remembered, so a large corpus pays for each distinct word once."""

    settings: AnalyzerSettings = AnalyzerSettings()
    _stem: Callable[[list[str]], list[str]] = field(init=False, repr=False)
    _terms: Remembered[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._stem = _stemmer(self.settings.stemmer)
        self._terms = Remembered(self._make_term)

    def terms(self, text: str) -> list[str]:
        """All terms of a text in order, stop words included (see `is_stop`)."""
        if len(self._terms) > MAX_REMEMBERED:
            self._terms.clear()
        return list(map(self._terms.__getitem__, _words(text)))

    def plain_terms(self, words: list[str]) -> list[str]:
        """The terms of words that are lower-case ASCII letters and digits alone."""
        return [
            word if word in STOP_WORDS or stem in STOP_WORDS else (stem or word)[:MAX_TERM_CHARS]
            for word, stem in zip(words, self._stem(words), strict=True)
        ]

    def query_terms(self, text: str) -> list[str]:
        """Terms to search for: stop words only when the query has nothing else."""
        terms = self.terms(text)
        return [term for term in terms if not is_stop(term)] or terms

    def _make_term(self, word: str) -> str:
        if word in STOP_WORDS or (not word.isascii() and _UNSPACED_START.match(word)):
            return word
        bare = word if word.isalnum() else re.sub(r"['’]s?$|['’]", "", word)
        if bare in STOP_WORDS:  # "it's"
            return bare
        term = self._stem([bare])[0][:MAX_TERM_CHARS] or word[:MAX_TERM_CHARS]
        return word if term in STOP_WORDS else term  # "cans" is no "can", "thé" no "the"


def is_stop(term: str) -> bool:
    return term in STOP_WORDS


def fold_accents(word: str) -> str:
    """A Latin word without its accents ("beyoncé" -> "beyonce"); words of other scripts as they are."""
    if word.isascii():
        return word
    plain = _ACCENT.sub("", normalize("NFKD", word))
    return plain if plain.isascii() else word


def _words(text: str) -> list[str]:
    """White space ends a word in every script, so that what is ASCII can be cut the quick way."""
    text = text.lower()
    if text.isascii():
        return _ascii_words(text)
    words: list[str] = []
    for plain, runs in groupby(text.split(), str.isascii):
        words += (_ascii_words if plain else _other_words)(" ".join(runs))
    return words


def _ascii_words(text: str) -> list[str]:
    """What `_WORD` finds, in a quarter of the time."""
    if "'" in text:
        if _APOSTROPHES.search(text):
            return _WORD.findall(text)
        text = _QUOTE.sub(" ", text)
    return text.translate(_ASCII_RUNS).split()


def _other_words(text: str) -> list[str]:
    text = normalize("NFC", text)
    words = (_MARKED_WORD if _MARK.search(text) else _WORD).findall(text)
    return words if _UNSPACED_START.search(text) is None else list(chain.from_iterable(map(_pairs, words)))


def _pairs(word: str) -> Iterable[str]:
    """A run of a script without spaces in overlapping pairs of characters; other words as they are."""
    if len(word) <= 2 or not _UNSPACED_START.match(word):
        return (word,)
    return map("".join, pairwise(word))


def _stemmer(name: str) -> Callable[[list[str]], list[str]]:
    """Stemming and the folding of accents, which the rules for languages that have them need to see."""
    if name == "none":
        return _folded
    import Stemmer

    if name not in Stemmer.algorithms():
        raise ConfigError(f"unknown stemmer {name!r}; known are: none, {', '.join(sorted(Stemmer.algorithms()))}")
    stem: Callable[[list[str]], list[str]] = Stemmer.Stemmer(name, 0).stemWords  # a memory of its own would only cost
    if name in ("english", "porter"):
        return lambda words: stem(_folded(words))
    return lambda words: _folded(stem(words))


def _folded(words: list[str]) -> list[str]:
    return words if all(map(str.isascii, words)) else list(map(fold_accents, words))
