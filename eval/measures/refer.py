"""The refer score of WebBrain (Qian et al., 2023): how much of what a sentence cites it takes up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from webbrain.analysis import STOP_WORDS

from ..core import Item, Scores, cited_passages
from .against import of_article
from .tokens import words

NOTHING_CITED = "no sentence cites a passage with words in it"


class Refer:
    """Mean over an article's cited sentences; a sentence without a mark that resolves is left out."""

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [of_article("refer", items, _of_item, NOTHING_CITED)]


def refer(sentence: str, passages: Iterable[str]) -> float | None:
    """|T and V, without S| / |V without S|: distinct words of the sentence T, the cited passages V, stop words S.

    None when the passages have no word that is not a stop word.
    """
    cited = {word for passage in passages for word in words(passage)} - STOP_WORDS
    return len(cited & set(words(sentence))) / len(cited) if cited else None


def _of_item(item: Item) -> float | None:
    if item.article is None:
        return None
    article = item.article
    scores = (
        refer(sentence.text, (passage.text for passage in cited_passages(article, sentence)))
        for sentence in article.sentences
    )
    found = [score for score in scores if score is not None]
    return sum(found) / len(found) if found else None
