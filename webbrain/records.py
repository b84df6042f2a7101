"""Queries, judgements and runs as files: the formats of the field, read with the line in every complaint.

TREC files part their columns by white space, so an id with a space in it is written with `%20` and read back. A `%` of
an id that could be taken for such an escape (`%20`, `%25` ...) is written `%25`. Ids that are URLs (they hold `://`)
spell their escapes themselves and pass unchanged in both directions; white space in one becomes `%20` for good.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from webbrain.errors import CorpusError
from webbrain.types import Qrel, Query

QUERY_ID_FIELDS = ("id", "query_id", "_id")
QUERY_TEXT_FIELDS = ("text", "query", "title")
_QUERY_HEADERS = frozenset({"id", "qid", "query_id", "query-id", "_id"})
_GRADE_HEADERS = frozenset({"grade", "relevance", "rel", "score", "label", "judgement", "judgment"})
_URL = "://"
_SPACE = re.compile(r"[ \t\n\r\v\f]")
_ESCAPED = re.compile(r"%(?:25|20|09|0[A-Da-d])")
_COLUMN_GAP = re.compile(r"[ \t\v\f]+")

Line = tuple[int, str]


def read_queries(path: Path | str) -> Iterator[Query]:
    """Queries of a JSONL(.gz) or TSV (`id \\t text`) file; "-" is stdin.

    Raises CorpusError for a malformed line, an empty query or an id that comes twice.
    """
    seen: set[str] = set()
    is_json: bool | None = None
    for number, line in lines(path):
        if is_json is None:
            is_json = line.startswith("{")
            if not is_json and _is_query_header(line):
                continue
        query_id, text = _json_query(line, path, number) if is_json else _tsv_query(line, path, number)
        if not query_id or not text:
            raise CorpusError("a query needs an id and a text; mend this line", path, number)
        if query_id in seen:
            raise CorpusError(f"query id {query_id!r} comes twice; give each query an id of its own", path, number)
        seen.add(query_id)
        yield Query(query_id, text)


def read_qrels(path: Path | str) -> list[Qrel]:
    """Judgements of a TREC file (4 columns) or a TSV file (`query \\t doc \\t grade`), with or without a header line.

    Raises CorpusError for a malformed line, or for two grades of one document.
    """
    grades: dict[tuple[str, str], int] = {}
    for place, (number, line) in enumerate(lines(path)):
        columns = _qrel_columns(line, path, number)
        if place == 0 and columns[2].lower() in _GRADE_HEADERS:
            continue
        grade = _grade(columns[2], path, number)
        if grades.setdefault(columns[:2], grade) != grade:
            raise CorpusError(f"document {columns[1]!r} has two grades for query {columns[0]!r}", path, number)
    return [Qrel(query_id, doc_id, grade) for (query_id, doc_id), grade in grades.items()]


def read_run(path: Path | str) -> Iterator[tuple[str, str, float]]:
    """(query id, doc id, score) of each line of a TREC run, in file order. Raises CorpusError for a malformed line."""
    for number, line in lines(path):
        columns = _COLUMN_GAP.split(line.strip())
        if len(columns) != 6:
            raise CorpusError(f"a run has 6 columns (qid Q0 docid rank score tag), not {len(columns)}", path, number)
        yield unescape_id(columns[0]), unescape_id(columns[2]), _score(columns[4], path, number)


def run_line(query_id: str, doc_id: str, rank: int, score: float, tag: str) -> str:
    """One line of a TREC run, without a newline; the score keeps all its digits."""
    return f"{escape_id(query_id)} Q0 {escape_id(doc_id)} {rank} {float(score)!r} {escape_id(tag)}"


def write_run_lines(out: TextIO, query_id: str, hits: Iterable[tuple[str, float]], tag: str = "webbrain") -> None:
    """Writes one query's (doc id, score) pairs, best first, as lines of a TREC run with ranks from 1."""
    for rank, (doc_id, score) in enumerate(hits, 1):
        out.write(run_line(query_id, doc_id, rank, score, tag) + "\n")


def escape_id(text: str) -> str:
    """The id as one column of a TREC file."""
    if _URL not in text:
        text = _ESCAPED.sub(lambda escape: "%25" + escape[0][1:], text)
    return _SPACE.sub(lambda space: f"%{ord(space[0]):02X}", text)


def unescape_id(column: str) -> str:
    """The id that `escape_id` wrote."""
    return column if _URL in column else _ESCAPED.sub(lambda escape: chr(int(escape[0][1:], 16)), column)


@contextmanager
def open_bytes(path: Path | str) -> Iterator[IO[bytes]]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(path).open("rb") as file:
            if file.peek(2)[:2] != b"\x1f\x8b":
                yield file
                return
            with gzip.open(file) as unpacked:
                yield unpacked  # type: ignore[misc]  # typeshed: GzipFile is no IO[bytes]
    except (OSError, EOFError) as error:
        raise CorpusError(f"cannot be read ({error.__class__.__name__}: {error}); check the path", path) from error


def lines(path: Path | str) -> Iterator[Line]:
    """(1-based number, line without newline) of the lines that are not blank."""
    with open_bytes(path) as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise CorpusError("this line is not UTF-8; save the file as UTF-8", path, number) from error
            if line.strip():
                yield number, line


def _json_query(line: str, path: Path | str, number: int) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"not a line of JSON ({error})", path, number) from error
    if not isinstance(row, dict):
        raise CorpusError("a query is a JSON object with an id and a text", path, number)
    return _field(row, QUERY_ID_FIELDS), _field(row, QUERY_TEXT_FIELDS)


def _field(row: dict[str, object], names: tuple[str, ...]) -> str:
    value = next((row[name] for name in names if row.get(name) is not None), "")
    return " ".join(str(value).split()) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _tsv_query(line: str, path: Path | str, number: int) -> tuple[str, str]:
    columns = line.split("\t")
    if len(columns) != 2:
        raise CorpusError(f"a line of queries is `id <tab> text`, this one has {len(columns)} columns", path, number)
    return " ".join(columns[0].split()), " ".join(columns[1].split())


def _is_query_header(line: str) -> bool:
    columns = [column.strip().lower() for column in line.split("\t")]
    return len(columns) == 2 and columns[0] in _QUERY_HEADERS and columns[1] in QUERY_TEXT_FIELDS


def _qrel_columns(line: str, path: Path | str, number: int) -> tuple[str, str, str]:
    tabbed = [column.strip() for column in line.split("\t")]
    if len(tabbed) == 3 and all(tabbed):
        return tabbed[0], tabbed[1], tabbed[2]
    columns = _COLUMN_GAP.split(line.strip())
    if len(columns) != 4:
        raise CorpusError("a judgement is `query 0 doc grade` or `query <tab> doc <tab> grade`", path, number)
    return unescape_id(columns[0]), unescape_id(columns[2]), columns[3]


def _grade(text: str, path: Path | str, number: int) -> int:
    try:
        grade = float(text)
        if grade.is_integer():
            return int(grade)
    except ValueError:
        pass
    raise CorpusError(f"the grade {text!r} is not a whole number", path, number)


def _score(text: str, path: Path | str, number: int) -> float:
    try:
        score = float(text)
        if math.isfinite(score):
            return score
    except ValueError:
        pass
    raise CorpusError(f"the score {text!r} is not a number", path, number)
