"""Triple Score without a model: subject, verb and object by a few rules of English word order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from webbrain.analysis import is_stop

from ..core import Item, Scores
from .tokens import stem, words
from .triple import Triple, triple_scores

_TOKEN = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*|[^\w\s]")
_AUXILIARIES = frozenset(
    "is are was were be been being has have had do does did can could will would may might".split()
)
_IRREGULAR = frozenset(
    """became began bought brought built came caught chose cost cut drew drove fell felt fought found flew gave got grew
    held hit kept knew laid led left lost made met paid put ran rose said sang sat saw sent set shot sold spent spoke
    stood struck swam taught thought threw told took went won wore wrote written known born chosen given taken shown
    drawn driven flown grown seen spoken sung worn""".split()
)
_NOT_VERBS = frozenset("hundred united red need seed speed breed indeed sacred naked bed shed".split())
_PREPOSITIONS = frozenset(
    "in on at by to from with as for into near under over during since until after before".split()
)
_PRONOUNS = frozenset("it he she they this these his her its their".split())
_RELATIVE = frozenset(("who", "which", "that"))
_BOUNDARIES = _RELATIVE | frozenset("and but or whom where when while because although".split())
_KEPT = _PREPOSITIONS | _AUXILIARIES | {"not"}  # "born in" and "born to" are two relations


class TripleScoreOffline:
    """The scheme of Triple Score (Goodrich et al., 2019) with rules in place of the extractor; its name says so.

    Subjects, relations and objects agree when the content stems of one contain those of the other. A rule-made triple
    is often wrong, and few are shared by two texts: read it beside `n_excluded`. Its ROC AUC against human labels is
    .47 to .79 (benchmarks/fact_measures.py): too little to judge single articles by.
    """

    def __init__(self, against: str = "references") -> None:
        self.against = against

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [triple_scores("Triple-offline", items, extract_triples, agree, self.against)]


def agree(one: str, other: str) -> bool:
    """Whether the stems of one contain those of the other, function words left out; never for an empty one."""
    ours, theirs = _content(one), _content(other)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)


def extract_triples(sentences: Sequence[str]) -> list[Triple]:
    """Triples of sentences in order; a pronoun stands for the last subject that was named."""
    found: list[Triple] = []
    subject = ""
    for sentence in sentences:
        tokens = _TOKEN.findall(sentence)
        for first, last in _verb_groups(tokens):
            named = " ".join(_before(tokens, first))
            if _content(named) and named.lower() not in _PRONOUNS:
                subject = named
            if subject:
                verb = _relation(tokens[first:last])
                found += [Triple(subject, f"{verb} {link}".strip(), obj) for link, obj in _phrases(tokens, last)]
    return found


def _verb_groups(tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(first, end) of runs of verbs, with the adverbs and negations inside them."""
    at = 0
    while at < len(tokens):
        if not _is_verb(tokens[at]):
            at += 1
            continue
        end = at + 1
        while end < len(tokens) and (_is_verb(tokens[end]) or tokens[end] == "not" or tokens[end].endswith("ly")):
            end += 1
        yield at, end
        at = end


def _is_verb(token: str) -> bool:
    if token in _AUXILIARIES or token in _IRREGULAR:
        return True
    return token.islower() and len(token) > 3 and token.endswith("ed") and token not in _NOT_VERBS


def _before(tokens: Sequence[str], verb: int) -> list[str]:
    """The words of the phrase before a verb: before "who" in a relative clause, before an insertion between commas."""
    end = verb
    if end and tokens[end - 1] in _RELATIVE:
        end -= 2 if end > 1 and tokens[end - 2] == "," else 1
    elif end and tokens[end - 1] == ",":
        end = next((at for at in range(end - 2, -1, -1) if tokens[at] == ","), 0)
    start = end
    while start and not _ends_phrase(tokens[start - 1]):
        start -= 1
    return list(tokens[start:end])


def _relation(group: Sequence[str]) -> str:
    """The main verb, which is the last one, with "not" where the group has one."""
    main = next(token for token in reversed(group) if _is_verb(token))
    return f"not {main}" if "not" in group else main


def _phrases(tokens: Sequence[str], start: int) -> Iterator[tuple[str, str]]:
    """(preposition or "", words) of the phrases after a verb, up to the next boundary or verb."""
    link, phrase = "", list[str]()
    for token in tokens[start:]:
        if _ends_phrase(token):
            break
        if token in _PREPOSITIONS:
            if _content(" ".join(phrase)):
                yield link, " ".join(phrase)
            link, phrase = token, []
        else:
            phrase.append(token)
    if _content(" ".join(phrase)):
        yield link, " ".join(phrase)


def _ends_phrase(token: str) -> bool:
    return not token[0].isalnum() or token.lower() in _BOUNDARIES or _is_verb(token)


def _content(text: str) -> frozenset[str]:
    """Stems of the words that count."""
    return frozenset(stem(word) for word in words(text) if not is_stop(word) or word in _KEPT)
