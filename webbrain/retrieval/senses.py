"""The senses of an ambiguous query: pages are grouped by what they call by its name.

All passages found for "Mercury" resemble each other in the word itself, so the query's own direction is taken out of
their vectors before they are compared. Titles then settle what vectors leave open: "Mercury (god)" and
"Mercury (planet)" are never one sense.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from webbrain.protocols import Vectors
from webbrain.types import ScoredPassage

Similarities = NDArray[np.float64]
QUALIFIER_WORDS = 3  # a title of the query and so many words more may name a sense of it
MAX_NAMES = 6
_QUALIFIED = re.compile(r"(.*?)\s*(?:\(([^()]*)\))?\s*")
_SUBTITLE = re.compile(r"\s*(?::|\s[-–—|])\s.*")
_GLOSS = re.compile(
    r"\b(?:is|was|are|were) (?:an?|the) ((?:[\w-]+ ){0,3}?[\w-]+)"
    r"(?=[,;.]| (?:of|in|on|with|that|which|who|from|and|native|used|made)\b)"
)
_NEVER = -np.inf


@dataclass(frozen=True, slots=True)
class SenseSettings:
    """Pages whose mean residual cosine is under `cosine` are two senses; a sense that has a page titled just like the
    query counts `exact_title` times."""

    cosine: float = 0.25
    exact_title: float = 1.5


@dataclass(frozen=True, slots=True)
class Sense:
    """`hits` in ranking order; `weight` sums their scores; `name` is a title that tells it from the others, or ""."""

    hits: tuple[ScoredPassage, ...]
    weight: float
    name: str


def senses(
    query: str,
    query_vector: NDArray[np.float32],
    hits: Sequence[ScoredPassage],
    vectors: Vectors,
    settings: SenseSettings,
) -> list[Sense]:
    """The hits parted into senses, strongest first; `vectors[i]`, of shape (dim,), belongs to `hits[i]`."""
    pages: dict[str, list[int]] = {}
    for place, hit in enumerate(hits):
        pages.setdefault(hit.passage.doc_id, []).append(place)
    groups = [pages[doc_id] for doc_id in pages]
    titles = [hits[group[0]].passage.title for group in groups]
    similar = _page_similarities(query_vector, vectors, groups)
    _part_by_title(similar, [qualifier(title, query) for title in titles])
    found = []
    for cluster in average_linkage(similar, settings.cosine):
        members = sorted(place for page in cluster for place in groups[page])
        weight = sum(hits[place].score for place in members)
        if any(plain(titles[page]) == plain(query) for page in cluster):
            weight *= settings.exact_title
        name = _name(query, [titles[page] for page in cluster]) or _glossed(query, [hits[place] for place in members])
        found.append(Sense(tuple(hits[place] for place in members), weight, name))
    return sorted(found, key=lambda sense: -sense.weight)


def other_names(strongest: Sense, others: Sequence[Sense]) -> tuple[str, ...]:
    """What to call the other senses, each once, none by the name of the strongest."""
    taken = {plain(strongest.name), *(plain(hit.passage.title) for hit in strongest.hits)}
    names: Mapping[str, str] = {plain(sense.name): sense.name for sense in others if sense.name}
    return tuple(name for key, name in names.items() if key not in taken)[:MAX_NAMES]


def average_linkage(similar: Similarities, threshold: float) -> list[list[int]]:
    """Clusters of a similarity matrix of shape (n, n): merging stops below a mean of `threshold`.

    Clusters come in order of their first member, members ascending. Meant for the few dozen pages of one query.
    """
    groups = [[place] for place in range(len(similar))]
    while len(groups) > 1:
        means = np.array([[similar[np.ix_(a, b)].mean() for b in groups] for a in groups])
        np.fill_diagonal(means, _NEVER)
        first, second = np.unravel_index(int(means.argmax()), means.shape)
        if means[first, second] < threshold:
            break
        low, high = sorted((int(first), int(second)))
        groups[low] = sorted(groups[low] + groups.pop(high))
    return sorted(groups)


def qualifier(title: str, query: str) -> str | None:
    """What the title adds in brackets to the query's own words ("" for nothing); None for a title of other words."""
    match = _QUALIFIED.fullmatch(title.strip())
    if match is None or plain(match[1]) != plain(query):
        return None
    return plain(match[2] or "")


def plain(title: str) -> str:
    return re.sub(r"\W+", " ", title).strip().casefold()


def _page_similarities(query: NDArray[np.float32], vectors: Vectors, groups: Sequence[Sequence[int]]) -> Similarities:
    """Cosines between pages' mean vectors, the query's direction taken out."""
    pages = np.array([vectors[list(group)].mean(axis=0) for group in groups], np.float64)
    pages -= np.outer(pages @ query, query)
    pages /= np.maximum(np.linalg.norm(pages, axis=1, keepdims=True), 1e-9)
    similar: Similarities = pages @ pages.T
    return similar


def _part_by_title(similar: Similarities, qualifiers: Sequence[str | None]) -> None:
    for first, second in combinations(range(len(qualifiers)), 2):
        one, other = qualifiers[first], qualifiers[second]
        if one is not None and other is not None and one != other:
            similar[first, second] = similar[second, first] = _NEVER


def _name(query: str, titles: Sequence[str]) -> str:
    """The title that names the sense best: brackets before other words, few words before many; "" when none does."""
    fit = []
    for title in titles:
        head = _SUBTITLE.sub("", " ".join(title.split()))
        extra = len(plain(head).split()) - len(plain(query).split())
        if 0 < extra <= QUALIFIER_WORDS and not head.islower() and _is_qualified(head, query):
            fit.append((qualifier(head, query) is None, extra, head))
    return min(fit, key=lambda item: item[:2])[2] if fit else ""


def _glossed(query: str, hits: Sequence[ScoredPassage]) -> str:
    """For a page titled just like the query, what it says that this is: "Jaguar (large cat)"; "" when it does not."""
    for hit in hits:
        if plain(hit.passage.title) == plain(query) and (match := _GLOSS.search(hit.passage.text)):
            return f"{' '.join(hit.passage.title.split())} ({match[1]})"
    return ""


def _is_qualified(head: str, query: str) -> bool:
    """The query with words behind it ("Apollo programme"), or names before it ("Freddie Mercury")."""
    if plain(head).startswith(plain(query) + " "):
        return True
    before = head[: -len(query)].split()
    return plain(head).endswith(" " + plain(query)) and all(word[0].isupper() for word in before)
