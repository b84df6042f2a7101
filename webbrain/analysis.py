"""Text to index terms: words, case folded, stop words marked, stemmed; one definition for indexing and searching."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from unicodedata import normalize

from webbrain.errors import ConfigError

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
_UNSPACED_START = re.compile(rf"[{_UNSPACED}]")
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


class _Terms(dict[str, str]):
    """Terms by word, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], str]) -> None:
        self.make = make

    def __missing__(self, word: str) -> str:
        term = self[word] = self.make(word)
        return term


@dataclass(slots=True)
class Analyzer:
    """Turns text into terms. Stems are remembered, so a large corpus pays for each distinct word once."""

    settings: AnalyzerSettings = AnalyzerSettings()
    _stem: Callable[[str], str] = field(init=False, repr=False)
    _terms: _Terms = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._stem = _stemmer(self.settings.stemmer)
        self._terms = _Terms(self._make_term)

    def terms(self, text: str) -> list[str]:
        """All terms of a text in order, stop words included (see `is_stop`)."""
        if len(self._terms) > MAX_REMEMBERED:
            self._terms.clear()
        found = list(map(self._terms.__getitem__, _words(text)))
        return found if text.isascii() else self._split_unspaced(found)

    def query_terms(self, text: str) -> list[str]:
        """Terms to search for: stop words only when the query has nothing else."""
        terms = self.terms(text)
        return [term for term in terms if not is_stop(term)] or terms

    def _make_term(self, word: str) -> str:
        if _UNSPACED_START.match(word):
            return "\0" + word  # cut into pairs by _split_unspaced
        if word in STOP_WORDS:
            return word
        bare = re.sub(r"['’]s?$|['’]", "", word)
        if bare in STOP_WORDS:  # "it's"
            return bare
        term = self._stem(bare)[:MAX_TERM_CHARS] or word[:MAX_TERM_CHARS]
        return word if term in STOP_WORDS else term  # "cans" is no "can", "thé" no "the"

    @staticmethod
    def _split_unspaced(terms: list[str]) -> list[str]:
        if not any(term[0] == "\0" for term in terms):
            return terms
        out: list[str] = []
        for term in terms:
            run = term[1:]
            if term[0] != "\0":
                out.append(term)
            elif len(run) == 1:
                out.append(run)
            else:
                out.extend(run[i : i + 2] for i in range(len(run) - 1))
        return out


def is_stop(term: str) -> bool:
    return term in STOP_WORDS


def fold_accents(word: str) -> str:
    """A Latin word without its accents ("beyoncé" -> "beyonce"); words of other scripts as they are."""
    if word.isascii():
        return word
    plain = _ACCENT.sub("", normalize("NFKD", word))
    return plain if plain.isascii() else word


def _words(text: str) -> list[str]:
    text = text.lower()
    if text.isascii():
        return _WORD.findall(text)
    text = normalize("NFC", text)
    return (_MARKED_WORD if _MARK.search(text) else _WORD).findall(text)


def _stemmer(name: str) -> Callable[[str], str]:
    """Stemming and the folding of accents, which the rules for languages that have them need to see."""
    if name == "none":
        return fold_accents
    import Stemmer

    if name not in Stemmer.algorithms():
        raise ConfigError(f"unknown stemmer {name!r}; known are: none, {', '.join(sorted(Stemmer.algorithms()))}")
    stem: Callable[[str], str] = Stemmer.Stemmer(name).stemWord
    if name in ("english", "porter"):
        return lambda word: stem(fold_accents(word))
    return lambda word: fold_accents(stem(word))
