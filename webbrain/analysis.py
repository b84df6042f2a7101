"""Text to index terms: words, case folded, stop words marked, stemmed; one definition for indexing and searching."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

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
MAX_TERM_CHARS = 64
# A run of letters and digits; scripts written without spaces are cut into overlapping pairs of characters instead.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W\d_]+)?")
_UNSPACED_START = re.compile(rf"[{_UNSPACED}]")


@dataclass(frozen=True, slots=True)
class AnalyzerSettings:
    """`stemmer` is a Snowball algorithm name or "none"; both fields are written to the manifest."""

    stemmer: str = "english"
    version: int = 1


@dataclass(slots=True)
class Analyzer:
    """Turns text into terms. Stems are remembered, so a large corpus pays for each distinct word once."""

    settings: AnalyzerSettings = AnalyzerSettings()
    _stem: Callable[[str], str] = field(init=False, repr=False)
    _terms: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._stem = _stemmer(self.settings.stemmer)

    def terms(self, text: str) -> list[str]:
        """All terms of a text in order, stop words included (see `is_stop`)."""
        known = self._terms
        found = []
        for word in _WORD.findall(text.lower()):
            term = known.get(word)
            if term is None:
                term = known[word] = self._make_term(word)
            found.append(term)
        return self._split_unspaced(found)

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
        return self._stem(bare)[:MAX_TERM_CHARS] or word[:MAX_TERM_CHARS]

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


def _stemmer(name: str) -> Callable[[str], str]:
    if name == "none":
        return lambda word: word
    import Stemmer

    if name not in Stemmer.algorithms():
        raise ConfigError(f"unknown stemmer {name!r}; known are: none, {', '.join(sorted(Stemmer.algorithms()))}")
    stem: Callable[[str], str] = Stemmer.Stemmer(name).stemWord
    return stem
