"""Extractive fragments (Grusky et al., 2018): how much of an article is copied from its passages, in what lengths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..core import NO_SENTENCES, Item, Scores
from .against import of_article
from .tokens import words


class ExtractiveFragments:
    """`coverage`: share of the article's words that lie in fragments shared with its references' passages, in [0, 1].

    `density`: mean over the article's words of the length of the fragment each is in, so a verbatim copy of n words has
    density n. Read both beside any support rate: a copy is always supported.
    """

    def score(self, items: Sequence[Item]) -> list[Scores]:
        lengths = {item.query_id: _of_item(item) for item in items}

        def power(item: Item, exponent: int) -> float | None:
            size = len(words(item.text))
            return sum(length**exponent for length in lengths[item.query_id]) / size if size else None

        return [
            of_article("coverage", items, lambda item: power(item, 1), NO_SENTENCES),
            of_article("density", items, lambda item: power(item, 2), NO_SENTENCES),
        ]


def fragments(text: Sequence[str], source: Sequence[str]) -> list[int]:
    """Lengths in words of the fragments: from left to right, each the longest run of `text` that `source` has."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(source):
        places[word].append(place)
    found, at = [], 0
    while at < len(text):
        length = max((_shared_run(text, at, source, place) for place in places.get(text[at], ())), default=0)
        if length:
            found.append(length)
        at += max(length, 1)
    return found


def _shared_run(text: Sequence[str], at: int, source: Sequence[str], place: int) -> int:
    length = 0
    while at + length < len(text) and place + length < len(source) and text[at + length] == source[place + length]:
        length += 1
    return length


def _of_item(item: Item) -> list[int]:
    """The passages stand one after the other; a mark nobody writes keeps a fragment from running across two of them."""
    if item.article is None:
        return []
    source: list[str] = []
    for reference in item.article.references:
        source += [*words(reference.passage.text), "\0"]
    return fragments(words(item.text), source)
