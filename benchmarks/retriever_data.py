"""The articles that retrievers are developed on, none with a title of a test collection, and triples made of them.

    python benchmarks/retriever_data.py
    webbrain train retriever --triples .bench/retriever-small --output RUN [--steps 0]

6,000 synthetic queries of an index of the articles, of which every other one is kept with two negatives: what two busy
cores could encode in the time there was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from data import CACHE, DATA, require_data, rows

from indexing.build import build
from webbrain.store.index import Index
from webbrain.terminal import BuildBars, count_bar
from webbrain.training.retriever.synthetic import SyntheticSettings, write_synthetic

EVERY = 20  # one article in so many
CORPUS = CACHE / "retriever-articles.jsonl"
INDEX = CACHE / "retriever-articles"
ALL, KEPT = CACHE / "retriever-triples", CACHE / "retriever-small"
QUERIES, DEV_EVERY = 6_000, 12
STEP, COLUMNS = 2, 5  # every other line; id, query, positive and two negatives


def main() -> None:
    require_data()
    with BuildBars() as progress:
        build(write_articles(), INDEX, progress=progress)
    settings = SyntheticSettings(queries=QUERIES, dev_every=DEV_EVERY)
    written = sum(1 for _ in count_bar(write_synthetic(Index.open(INDEX), ALL, settings), QUERIES, "queries"))
    print(f"{written} queries in {ALL}, {thin_out()} passages in {KEPT}")


def thin_out() -> int:
    """Write `KEPT`; returns its number of passages."""
    KEPT.mkdir(exist_ok=True)
    used: set[str] = set()
    for split in ("train", "dev"):
        kept = [(line, scores) for line, scores in _pairs(split) if len(line) >= COLUMNS]
        for name, column, width in ((f"{split}.tsv", 0, COLUMNS), (f"{split}.scores.tsv", 1, COLUMNS - 1)):
            text = "".join("\t".join(pair[column][:width]) + "\n" for pair in kept)
            (KEPT / name).write_text(text, encoding="utf-8")
        used |= {passage_id for line, _ in kept for passage_id in line[2:COLUMNS]}
    with (
        (ALL / "corpus.jsonl").open(encoding="utf-8") as source,
        (KEPT / "corpus.jsonl").open("w", encoding="utf-8") as out,
    ):
        out.writelines(line for line in source if json.loads(line)["id"] in used)
    return len(used)


def _pairs(split: str) -> Iterator[tuple[list[str], list[str]]]:
    """Every `STEP`th line of the triples with that of their scores."""
    files = [(ALL / f"{split}{kind}.tsv").read_text(encoding="utf-8").splitlines() for kind in ("", ".scores")]
    for line, scores in list(zip(*files, strict=True))[::STEP]:
        yield line.split("\t"), scores.split("\t")


def write_articles() -> Path:
    """`CORPUS`: every `EVERY`th article, in order, but those whose title squad1.1_train or wikigenbench has."""
    if CORPUS.exists():
        return CORPUS
    taken = {plain(row["title"]) for row in rows(DATA / "squad1.1_train/passages.jsonl.gz")}
    taken |= {plain(row["title"]) for row in rows(DATA / "wikigenbench/articles.jsonl.gz")}
    articles = chain(rows(DATA / "articles/core.jsonl.gz"), rows(DATA / "articles/longtail.jsonl.gz"))
    with CORPUS.open("w", encoding="utf-8") as out:
        for number, row in enumerate(articles):
            if number % EVERY == 0 and plain(row["title"]) not in taken:
                out.write(
                    json.dumps({"id": str(row["id"]), **{key: row[key] for key in ("title", "text", "sections")}})
                )
                out.write("\n")
    return CORPUS


def plain(title: str) -> str:
    return " ".join(title.replace("_", " ").casefold().split())


if __name__ == "__main__":
    main()
