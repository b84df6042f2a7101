"""Articles against reference texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from webbrain.errors import ConfigError, CorpusError

from .core import Evaluation, Item, Measure
from .inputs import ArticleRow, read_articles, read_references
from .measures import make_measure

DEFAULT_MEASURES = "bleu meteor rouge cider bertscore refer length abstention"


def evaluate_text(run: Path | str, references: Path | str, measures: str = DEFAULT_MEASURES) -> Evaluation:
    """Scores of a run's articles; the queries are those of `references`, and `measures` are names parted by spaces.

    Raises CorpusError for a malformed file or one without a reference, ConfigError for an unknown measure.
    """
    chosen = [make_measure(name) for name in measures.split()]
    if not chosen:
        raise ConfigError(f'name at least one measure, such as "{DEFAULT_MEASURES}"')
    texts = read_references(references)
    if not texts:
        raise CorpusError("there is no reference text in it; give a JSONL file", references)
    items, left_out = match(read_articles(run), texts)
    return score_items(items, chosen, left_out)


def match(rows: Iterable[ArticleRow], texts: dict[str, tuple[str, ...]]) -> tuple[list[Item], tuple[str, ...]]:
    """An item per query with references, in their order, and the queries of the run that have none."""
    articles, left_out = {}, []
    for row in rows:
        if row.query_id in texts:
            articles[row.query_id] = row.article
        else:
            left_out.append(row.query_id)
    return [Item(query_id, articles.get(query_id), found) for query_id, found in texts.items()], tuple(left_out)


def score_items(items: Sequence[Item], measures: Iterable[Measure], left_out: tuple[str, ...] = ()) -> Evaluation:
    """All measures over the items; raises ConfigError when two of them give scores of one name."""
    scores = [found for measure in measures for found in measure.score(items)]
    names = [found.name for found in scores]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"two measures give {twice!r}; name each measure once")
    return Evaluation(tuple(scores), tuple(item.query_id for item in items if item.article is None), left_out)
