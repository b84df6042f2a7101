"""Writers by every measure: on `wikigenbench`, and on leads of Wikipedia articles from retrieved passages of bodies.

    python benchmarks/writers.py [--sets wikigenbench,articles] [--titles 138] [--compact NAME=FOLDER ...]

The second set are test titles of `.bench/articles-dataset` (`webbrain dataset build ../shared/data/articles --output
.bench/articles-dataset`), whose index holds the bodies of all articles and no lead; it has BM25 alone. Gold evidence is
what the Wikipedia article cites, or the article's own body and what its lead was made from. A compact writer that was
trained is named with --compact; none ships. It is also measured without RED, the paper's choice of marks while it is
decoded. Support and citations are judged by `tier1`, which also checks the writing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from data import CACHE, DATA, require_data, rows
from writing import lexrank

from eval.core import Item
from eval.measures import make_measure
from webbrain.grounding.sentences import split_sentences
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.terminal import count_bar
from webbrain.types import Article, Claim, Passage, Reference, Sentence, Verdict
from webbrain.writing.compact.writer import CompactWriter
from webbrain.writing.modes import EvidenceMode, in_mode, rows_of_documents
from webbrain.writing.pipeline import ArticleWriter

MEASURES = "rouge bleu meteor cider grounding numbers dates names length abstention".split()
SHOWN = {
    "ROUGE-1": "R-1", "ROUGE-2": "R-2", "ROUGE-L": "R-L", "BLEU-4": "BLEU-4", "METEOR(exact, stem)": "METEOR",
    "CIDEr": "CIDEr",
    "support_rate": "support", "number precision": "numbers", "date precision": "dates", "name precision": "names",
    "citation_precision": "cit. P", "citation_recall": "cit. R", "words": "words", "abstained": "abstained",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Title:
    """What to write about, the lead it is judged against, and the documents that count as gold evidence."""

    title_id: str
    title: str
    lead: str
    gold: tuple[str, ...]


class AcceptAll:
    """Implements `SupportScorer` for writing without verification."""

    name = "none"

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        return Verdict("supported", 1.0, "", ())


Write = Callable[[Title], Article]


def wikigenbench() -> tuple[Path, Iterator[Title]]:
    cited: dict[str, list[str]] = {}
    for row in rows(DATA / "wikigenbench/documents.jsonl.gz"):
        if row["kind"] == "reference":
            cited.setdefault(str(row["article"]), []).append(str(row["id"]))
    articles = rows(DATA / "wikigenbench/articles.jsonl.gz")
    return CACHE / "wikigenbench", (
        Title(str(row["id"]), row["title"], row["lead"], tuple(cited.get(str(row["id"]), ()))) for row in articles
    )


def articles() -> tuple[Path, Iterator[Title]]:
    folder = CACHE / "articles-dataset"
    if not folder.exists():
        sys.exit(f"run `webbrain dataset build {DATA / 'articles'} --output {folder}` first")
    return folder / "index", _examples(folder / "webbrain-g/test.jsonl")


SETS = {"wikigenbench": wikigenbench, "articles": articles}


def _examples(path: Path) -> Iterator[Title]:
    with path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            lead = " ".join(one["text"] for one in row["sentences"])
            yield Title(str(row["id"]), row["title"], lead, tuple(one["doc_id"] for one in row["references"]))


def quoted(query: str, passages: Sequence[Passage], texts: Sequence[str]) -> Article:
    """A baseline's article: each text's sentences cite the passage that it was taken from."""
    sentences = [
        Sentence(text[span.start : span.end], (number,), None)
        for number, text in enumerate(texts, start=1)
        for span in split_sentences(text)
    ]
    references = tuple(Reference(number, passage) for number, passage in enumerate(passages, start=1))
    return Article(query, tuple(sentences), references, "ok" if sentences else "no_evidence", {})


def baselines(index: Index) -> dict[str, Write]:
    bm25 = make_retriever(index, "bm25")

    def top(title: Title, k: int) -> list[Passage]:
        return [hit.passage for hit in bm25.search(title.title, k)]

    def first(title: Title) -> Article:
        passages, left, texts = top(title, 5), 100, []
        for passage in passages:
            words = passage.text.split()[:left]
            left -= len(words)
            texts.append(" ".join(words))
        return quoted(title.title, passages, texts)

    def ranked(title: Title) -> Article:
        passages = top(title, 5)
        texts: list[list[str]] = [[] for _ in passages]
        for sentence in split_text(lexrank([passage.text for passage in passages])):
            texts[nearest(sentence, passages)].append(sentence)
        return quoted(title.title, passages, [" ".join(sentences) for sentences in texts])

    return {
        "top passage": lambda title: quoted(title.title, top(title, 1), [one.text for one in top(title, 1)]),
        "first 100 words": first,
        "LexRank": ranked,
    }


def nearest(sentence: str, passages: Sequence[Passage]) -> int:
    """The passage that holds most of a sentence's words, the first of several: where it was taken from."""
    words = set(sentence.split())
    return max(range(len(passages)), key=lambda at: (len(words & set(passages[at].text.split())), -at))


def split_text(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


def ours(index: Index, titles: Sequence[Title], compact: Sequence[str]) -> dict[str, Write]:
    gold = rows_of_documents(index, {doc_id for title in titles for doc_id in title.gold})
    methods: dict[str, Write] = {}
    for name, specification in specifications(compact).items():
        writer = ArticleWriter.over(index, writer=specification)
        bare = replace(writer, scorer=AcceptAll())
        if isinstance(writer.writer, CompactWriter):
            whole = writer.writer
            free = replace(bare, writer=CompactWriter(whole.encoder, whole.model, replace(whole.decoding, red=False)))
            methods[f"{name}, no RED, not verified"] = partial(_write, free)
        methods[f"{name}, not verified"] = partial(_write, bare)
        methods[name] = partial(_write, writer)

        def from_gold(title: Title, writer: ArticleWriter = writer) -> Article:
            judged = [row for doc_id in dict.fromkeys(title.gold) for row in gold[doc_id]]
            return in_mode(writer, EvidenceMode("gold"), judged).write(title.title)

        methods[f"{name}, gold evidence"] = from_gold
    return methods


def _write(writer: ArticleWriter, title: Title) -> Article:
    return writer.write(title.title)


def specifications(compact: Sequence[str]) -> dict[str, str]:
    """What each writer of ours is called in the table, and how it is asked for."""
    named = dict(one.split("=", 1) for one in compact)
    return {"extractive": "extractive", **{name: f"compact:{folder}" for name, folder in named.items()}}


def row_of(name: str, write: Write, titles: Sequence[Title], measures: Sequence[str]) -> str:
    begin = time.perf_counter()
    found = [write(title) for title in count_bar(titles, len(titles), name)]
    seconds = (time.perf_counter() - begin) / len(titles)
    items = [Item(one.title_id, article, (one.lead,)) for one, article in zip(titles, found, strict=True)]
    values = {
        scores.name: scores.pooled if scores.pooled is not None else scores.summary().value
        for measure in measures
        for scores in make_measure(measure).score(items)
    }
    cells = ["-" if values[key] is None else f"{values[key]:.{0 if key == 'words' else 3}f}" for key in SHOWN]
    return f"| {name} | " + " | ".join(cells) + f" | {seconds:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="wikigenbench,articles")
    parser.add_argument("--titles", type=int, default=138, help="The first N titles of each set.")
    parser.add_argument("--compact", nargs="*", default=[], help="Compact writers to measure beside ours.")
    options = parser.parse_args()
    require_data()
    for name in options.sets.split(","):
        folder, found = SETS[name]()
        titles, index = list(islice(found, options.titles)), Index.open(folder)
        print(f"\n{name}, {len(titles)} titles\n\n| writer | " + " | ".join(SHOWN.values()) + " | s |")
        print("|---" * (len(SHOWN) + 2) + "|", flush=True)
        for method, write in {**baselines(index), **ours(index, titles, options.compact)}.items():
            print(row_of(method, write, titles, MEASURES), flush=True)


if __name__ == "__main__":
    main()
