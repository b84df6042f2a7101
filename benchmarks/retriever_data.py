"""The articles that retrievers are developed on: none with a title of a test collection."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

from data import CACHE, DATA, rows

EVERY = 20  # one article in so many
CORPUS = CACHE / "retriever-articles.jsonl"
INDEX = CACHE / "retriever-articles"


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
