"""Runs of articles and reference texts as files, read with the line in every complaint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from webbrain.errors import CorpusError
from webbrain.records import QUERY_ID_FIELDS, lines
from webbrain.types import Article, Origin, Passage, Reference, Sentence

from .marked import article_from_marked_text

REFERENCE_FIELDS = ("references", "reference", "lead", "text")
STATUSES = ("ok", "no_evidence")


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One line of a `run --task write` output."""

    query_id: str
    article: Article


def read_articles(path: Path | str) -> Iterator[ArticleRow]:
    """Articles of a JSONL(.gz) run, one a line, as `webbrain run --task write` writes them; "-" is stdin.

    Raises CorpusError for a line that is no article, or a query that comes twice. A passage's place in its document is
    not part of the format: `start` is 0 and `end` the passage's length.
    """
    seen: set[str] = set()
    for number, line in lines(path):
        row = _object(line, path, number)
        query_id = _query_id(row, path, number)
        if query_id in seen:
            raise CorpusError(f"query {query_id!r} has two articles; keep one line of them", path, number)
        seen.add(query_id)
        try:
            yield ArticleRow(query_id, article_from_json(row))
        except (KeyError, TypeError, ValueError) as error:
            message = f"not an article as `webbrain run --task write` writes them ({_what(error)})"
            raise CorpusError(message, path, number) from error


def article_from_json(row: dict[str, Any]) -> Article:
    """The inverse of `webbrain.writing.render.as_json`; a row of text with inline marks is read as one too.

    Raises KeyError, TypeError or ValueError for another shape, ValueError where two references have one marker.
    """
    article = article_from_marked_text(row) if "sentences" not in row and "text" in row else _from_sentences(row)
    if len({reference.marker for reference in article.references}) < len(article.references):
        raise ValueError("two references have the same marker")
    return article


def _from_sentences(row: dict[str, Any]) -> Article:
    if row["status"] not in STATUSES:
        raise ValueError(f"status is {row['status']!r}, not one of {', '.join(STATUSES)}")
    return Article(
        query=_text(row, "query"),
        sentences=tuple(_sentence(part) for part in row["sentences"]),
        references=tuple(_reference(part) for part in row["references"]),
        status=row["status"],
        provenance=dict(row.get("provenance") or {}),
        other_senses=tuple(map(str, row.get("other_senses") or ())),
    )


def read_references(path: Path | str) -> dict[str, tuple[str, ...]]:
    """Query id -> reference texts, from JSONL(.gz) rows with an id and `references`, `reference`, `lead` or `text`.

    The first of these that a row has counts, so an article's lead goes before its text.

    Raises CorpusError for a malformed line, an empty reference or a query that comes twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, line in lines(path):
        row = _object(line, path, number)
        query_id = _query_id(row, path, number)
        if query_id in found:
            message = f"query {query_id!r} comes twice; put its texts in one row as `references`"
            raise CorpusError(message, path, number)
        found[query_id] = _reference_texts(row, path, number)
    return found


def _object(line: str, path: Path | str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"not a line of JSON ({error})", path, number) from error
    if not isinstance(row, dict):
        raise CorpusError("a line holds one JSON object", path, number)
    return row


def _query_id(row: dict[str, Any], path: Path | str, number: int) -> str:
    value = next((row[name] for name in ("query_id", *QUERY_ID_FIELDS) if row.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise CorpusError("this row has no `query_id`; give it the id of its query", path, number)
    return " ".join(str(value).split())


def _reference_texts(row: dict[str, Any], path: Path | str, number: int) -> tuple[str, ...]:
    value = next((row[name] for name in REFERENCE_FIELDS if row.get(name) is not None), None)
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        wanted = ", ".join(f"`{name}`" for name in REFERENCE_FIELDS)
        raise CorpusError(f"a reference needs its text as a string or strings in one of {wanted}", path, number)
    return tuple(texts)


def _sentence(row: dict[str, Any]) -> Sentence:
    citations = row["citations"]
    if not isinstance(citations, list) or not all(type(marker) is int for marker in citations):
        raise TypeError("`citations` is not a list of whole numbers")
    support = row.get("support")
    origin: Any = row.get("origin") or "written"
    if origin not in get_args(Origin):
        raise ValueError(f"`origin` is {origin!r}, not one of {', '.join(get_args(Origin))}")
    return Sentence(_text(row, "text"), tuple(citations), None if support is None else float(support), origin)


def _reference(row: dict[str, Any]) -> Reference:
    if type(row["marker"]) is not int:
        raise TypeError("`marker` is not a whole number")
    text = _text(row, "text")
    names = (_text(row, "passage_id"), _text(row, "doc_id"), _text(row, "title"))
    return Reference(row["marker"], Passage(*names, text, 0, len(text), str(row.get("url") or "")))


def _text(row: dict[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"`{name}` is not a string")
    return value


def _what(error: Exception) -> str:
    return f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
