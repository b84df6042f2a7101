"""The paper's topic filter on the evidence of articles: what it keeps, and what it does to support and redundancy.

    python benchmarks/topic_filter.py [--titles N]

The titles and web pages of `wikigenbench`, the default retriever and writer; with the filter, evidence passes
`webbrain.retrieval.topics.topic_filter` on each passage's IMPORTANT terms of highest idf before it is written from.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from data import CACHE, DATA, require_data, rows

from eval.significance import compare_pairs
from webbrain.analysis import is_stop
from webbrain.retrieval.topics import topic_filter
from webbrain.store.index import Index
from webbrain.terminal import count_bar
from webbrain.types import Article, ScoredPassage
from webbrain.writing.evidence import Evidence, EvidenceSelector
from webbrain.writing.pipeline import ArticleWriter

IMPORTANT = 30  # terms of a passage that stand for its topic


class FilteringSelector(EvidenceSelector):
    """The selector with the topic filter behind it."""

    def select(self, query: str, ranking: Sequence[ScoredPassage]) -> Evidence:
        evidence = super().select(query, ranking)
        kept = topic_filter([self._important(hit) for hit in evidence.hits])
        return replace(evidence, hits=tuple(evidence.hits[place] for place in kept))

    def _important(self, hit: ScoredPassage) -> frozenset[str]:
        terms = {
            term for term in self.bm25.analyzer.terms(f"{hit.passage.title} {hit.passage.text}") if not is_stop(term)
        }
        weights = self.bm25.idf(terms)
        return frozenset(sorted(terms, key=lambda term: (-weights[term], term))[:IMPORTANT])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--titles", type=int, help="only the first N titles")
    arguments = parser.parse_args()
    require_data()
    index = Index.open(CACHE / "wikigenbench")
    titles = [row["title"] for row in rows(DATA / "wikigenbench/articles.jsonl.gz")][: arguments.titles]
    without = ArticleWriter.over(index)
    filtering = replace(without, selector=FilteringSelector(index))
    print(
        "| topic filter | passages | sentences | words | support | redundancy | no evidence |\n" + "|---" * 7 + "|",
        flush=True,
    )
    scores: dict[str, dict[str, dict[str, float | None]]] = {}
    for name, writer in (("off", without), ("on", filtering)):
        articles = [writer.write(title) for title in count_bar(titles, len(titles), name)]
        scores[name] = {
            "support": _each(titles, articles, _support),
            "redundancy": _each(titles, articles, _redundancy),
        }
        _print_row(name, articles, scores[name])
    for measure in ("support", "redundancy"):
        found = compare_pairs(scores["off"][measure], scores["on"][measure])
        print(json.dumps({"measure": measure, "on - off": found.mean, "p": found.p, "titles": found.n}))


def _print_row(name: str, articles: list[Article], scores: dict[str, dict[str, float | None]]) -> None:
    written = [article for article in articles if article.sentences]
    passages, sentences = mean(map(_evidence, articles)), mean(len(one.sentences) for one in written)
    words = mean(sum(len(sentence.text.split()) for sentence in one.sentences) for one in written)
    means = " | ".join(f"{_mean(values):.4f}" for values in scores.values())
    silent = len(articles) - len(written)
    print(f"| {name} | {passages:.1f} | {sentences:.1f} | {words:.0f} | {means} | {silent} |", flush=True)


def _evidence(article: Article) -> int:
    counts = article.provenance["counts"]
    assert isinstance(counts, dict)
    return int(counts["evidence"])


def _each(titles: list[str], articles: list[Article], score: object) -> dict[str, float | None]:
    return {title: score(one) for title, one in zip(titles, articles, strict=True)}  # type: ignore[operator]


def _support(article: Article) -> float | None:
    values = [sentence.support for sentence in article.sentences if sentence.support is not None]
    return mean(values) if values else None


def _redundancy(article: Article) -> float | None:
    """Largest share of a sentence's words that an earlier sentence has too, mean over the sentences after the first."""
    words = [frozenset(sentence.text.lower().split()) for sentence in article.sentences]
    found = [max(len(one & two) / len(one) for two in words[:place]) for place, one in enumerate(words) if place]
    return mean(found) if found else None


def _mean(values: dict[str, float | None]) -> float:
    return mean(value for value in values.values() if value is not None)


if __name__ == "__main__":
    main()
