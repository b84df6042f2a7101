"""ROUGE-1/2/L of articles against the lead sections of `wikigenbench`: ours and what a reader could do instead.

    python benchmarks/writing.py [--titles N]

All methods read the same index and the same BM25 or hybrid ranking. Peers: the top BM25 passage, the first 100 words of
the top five passages, and LexRank (the sumy package) over the top five passages.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import mean

from data import CACHE, DATA, require_data, rows
from rouge_score.rouge_scorer import RougeScorer

from indexing.build import build
from webbrain.grounding.sentences import split_sentences
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.terminal import BuildBars, count_bar
from webbrain.types import Article
from webbrain.writing.pipeline import ArticleWriter

KINDS = ("rouge1", "rouge2", "rougeL")
LEXRANK_SENTENCES = 5
LEXRANK_WORDS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--titles", type=int, help="only the first N titles")
    arguments = parser.parse_args()
    require_data()
    with BuildBars() as progress:
        build(DATA / "wikigenbench/documents.jsonl.gz", CACHE / "wikigenbench", progress=progress)
    index = Index.open(CACHE / "wikigenbench")
    articles = list(rows(DATA / "wikigenbench/articles.jsonl.gz"))[: arguments.titles]
    titles, leads = [row["title"] for row in articles], [row["lead"] for row in articles]
    print("| method | ROUGE-1 | ROUGE-2 | ROUGE-L | words | s an article |\n|---|---|---|---|---|---|", flush=True)
    for name, write in _methods(index).items():
        begin = time.perf_counter()
        texts = [write(title) for title in count_bar(titles, len(titles), name)]
        seconds = (time.perf_counter() - begin) / len(titles)
        scores = " | ".join(f"{value:.4f}" for value in rouge(texts, leads))
        print(f"| {name} | {scores} | {mean(len(text.split()) for text in texts):.0f} | {seconds:.2f} |", flush=True)
    _check_marks(index, titles)


def rouge(texts: list[str], references: list[str]) -> list[float]:
    """Mean ROUGE-1/2/L F1 (with stemming), by the rouge-score package."""
    scorer = RougeScorer(list(KINDS), use_stemmer=True)
    scores = [scorer.score(reference, text) for reference, text in zip(references, texts, strict=True)]
    return [mean(score[kind].fmeasure for score in scores) for kind in KINDS]


def _methods(index: Index) -> dict[str, Callable[[str], str]]:
    bm25, ours = make_retriever(index, "bm25"), ArticleWriter.over(index)

    def top(title: str, k: int) -> list[str]:
        return [hit.passage.text for hit in bm25.search(title, k)]

    return {
        "top BM25 passage": lambda title: " ".join(top(title, 1)),
        "first 100 words of the top five": lambda title: " ".join(" ".join(top(title, 5)).split()[:100]),
        "first 20 words of each of the top five": lambda title: " ".join(
            word for text in top(title, 5) for word in text.split()[:20]
        ),
        "LexRank over the top five (sumy)": lambda title: lexrank(top(title, 5)),
        "LexRank over the top twenty (sumy)": lambda title: lexrank(top(title, 20)),
        "webbrain, extractive": lambda title: body(ours.write(title)),
    }


def body(article: Article) -> str:
    return " ".join(sentence.text for sentence in article.sentences)


def lexrank(passages: list[str]) -> str:
    """LexRank (Erkan and Radev, 2004) as sumy has it, cut at LEXRANK_WORDS; sentences by our splitter."""
    from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
    from sumy.nlp.stemmers import Stemmer
    from sumy.summarizers.lex_rank import LexRankSummarizer

    words = _Words()
    spans = [[text[span.start : span.end] for span in split_sentences(text)] for text in passages]
    document = ObjectDocumentModel([Paragraph([Sentence(one, words) for one in every]) for every in spans])
    ranked = LexRankSummarizer(Stemmer("english"))(document, LEXRANK_SENTENCES)
    return " ".join(" ".join(str(sentence) for sentence in ranked).split()[:LEXRANK_WORDS])


class _Words:
    """sumy's own tokenizer wants NLTK data that cannot be fetched here; words by white space do for it."""

    def to_words(self, text: str) -> tuple[str, ...]:
        return tuple(word.strip(".,;:!?\"'()[]") for word in text.split() if any(map(str.isalnum, word)))


def _check_marks(index: Index, titles: list[str]) -> None:
    """Every sentence cited, every mark resolved: counted, not assumed."""
    ours = ArticleWriter.over(index)
    uncited = unresolved = sentences = 0
    for article in map(ours.write, titles):
        markers = {reference.marker for reference in article.references}
        sentences += len(article.sentences)
        uncited += sum(not sentence.citations for sentence in article.sentences)
        unresolved += sum(mark not in markers for sentence in article.sentences for mark in sentence.citations)
    print(f"\n{sentences} sentences in {len(titles)} articles: {uncited} uncited, {unresolved} marks unresolved")


if __name__ == "__main__":
    main()
