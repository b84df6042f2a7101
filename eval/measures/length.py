"""How long the articles are: words parted by white space, and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import NO_ARTICLE, Item, Scores
from .against import of_article


class Length:
    """An article that says there is no evidence has 0 words; a query without an article has no length."""

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [
            of_article("words", items, lambda item: len(item.text.split()), NO_ARTICLE),
            of_article("sentences", items, lambda item: len(item.article.sentences) if item.article else 0, NO_ARTICLE),
        ]
