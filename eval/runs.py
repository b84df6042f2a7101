"""A run of articles, read once, with every sentence checked by a named support scorer: what several measures share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from webbrain.errors import ConfigError, CorpusError
from webbrain.protocols import SupportScorer
from webbrain.records import read_queries
from webbrain.terminal import count_bar

from .checks import CheckedArticle, check_article
from .core import Item
from .inputs import read_articles


def load_scorer(specification: str | None = None, calibration: Path | None = None) -> SupportScorer:
    """`webbrain.grounding.scorers.make_scorer`, imported when it is needed; None is the scorer that `write` uses."""
    from webbrain.grounding.scorers import make_scorer

    return make_scorer(specification, calibration)


def read_items(run: Path | str, queries: Path | str | None = None) -> tuple[list[Item], tuple[str, ...]]:
    """An item per query and the queries left out.

    With `queries` every query of that file has an item, without an article where the run has none, and articles on
    others are left out; without it the run's own queries are all there are. Raises CorpusError for an empty run.
    """
    articles = {row.query_id: row.article for row in read_articles(run)}
    if not articles:
        raise CorpusError("there is no article in it; give the output of `webbrain run --task write`", run)
    if queries is None:
        return [Item(query_id, article) for query_id, article in articles.items()], ()
    ids = dict.fromkeys(query.query_id for query in read_queries(queries))
    left_out = tuple(query_id for query_id in articles if query_id not in ids)
    if len(left_out) == len(articles):
        raise ConfigError(f"no article of {run} is on a query of {queries}; give the queries of this run")
    return [Item(query_id, articles.get(query_id)) for query_id in ids], left_out


def check_items(items: Sequence[Item], scorer: SupportScorer) -> dict[str, CheckedArticle]:
    """Every article checked, by query id, with a bar where stderr is a terminal."""
    found = {}
    for item in count_bar(items, len(items), f"checking with {scorer.name}"):
        if item.article is not None:
            found[item.query_id] = check_article(item.query_id, item.article, scorer)
    return found
