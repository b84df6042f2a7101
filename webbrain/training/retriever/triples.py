"""WebBrain-R files: `corpus.jsonl` and `<split>.tsv` (qid, query, positive id, negative ids...), with scores beside.

`<split>.scores.tsv` has a line for each line of `<split>.tsv`: qid, then a teacher's score of the positive and of each
negative. Every line is checked before anything is trained, and a wrong one is reported by file and number.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from webbrain.errors import CorpusError
from webbrain.store.passages import indexed_text

CORPUS = "corpus.jsonl"
TEXT_FIELDS = ("contents", "content", "text")
MEND = "mend this line, or make the file again"


@dataclass(frozen=True, slots=True)
class Triple:
    """Ids of the passages, the positive first; `scores` are a teacher's, one a passage, or empty."""

    query_id: str
    query: str
    passages: tuple[str, ...]
    scores: tuple[float, ...] = ()

    def pick(self, places: Sequence[int]) -> Triple:
        """The same with the passages at these places only; 0 is the positive."""
        scores = tuple(self.scores[place] for place in places) if self.scores else ()
        return Triple(self.query_id, self.query, tuple(self.passages[place] for place in places), scores)


class PassageTexts:
    """The corpus: text by id, read from disk when asked for; memory is some 100 bytes a passage."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offsets: dict[str, int] = {}
        self._file = _open(path)
        at = 0
        for number, line in enumerate(self._file, 1):
            self._offsets[str(_row(line, path, number)["id"])] = at
            at += len(line)

    def __contains__(self, passage_id: str) -> bool:
        return passage_id in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, passage_id: str) -> str:
        self._file.seek(self._offsets[passage_id])
        row = json.loads(self._file.readline())
        return indexed_text(str(row.get("title") or ""), _text(row))


class TripleSet:
    """The triples of one split, all checked; raises CorpusError(path, line) for the first line that is wrong."""

    def __init__(self, folder: Path, split: str, texts: PassageTexts, scores: Path | None = None) -> None:
        """`scores` is another folder to take the teacher's scores from."""
        self.path, self.texts = folder / f"{split}.tsv", texts
        self._file = _open(self.path)
        self._offsets = array("Q")
        self._scores: list[tuple[float, ...]] = []
        at = 0
        for number, line in enumerate(self._file, 1):
            parse_triple(line, texts, self.path, number)
            self._offsets.append(at)
            at += len(line)
        self._scores = _read_scores((scores or folder) / f"{split}.scores.tsv", self)

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def has_scores(self) -> bool:
        return bool(self._scores)

    def triple(self, row: int) -> Triple:
        self._file.seek(self._offsets[row])
        triple = parse_triple(self._file.readline(), self.texts, self.path, row + 1)
        scores = self._scores[row] if self._scores else ()
        return Triple(triple.query_id, triple.query, triple.passages, scores)

    def triples(self) -> Iterator[Triple]:
        return map(self.triple, range(len(self)))


def parse_triple(line: bytes, texts: PassageTexts, path: Path, number: int) -> Triple:
    """One line; raises CorpusError where it is cut off, has too few columns, or names a passage that is not there."""
    if not line.endswith(b"\n"):
        raise CorpusError("the file is cut off here: the last line has no end; make the file again", path, number)
    try:
        query_id, query, *passages = line.decode().rstrip("\r\n").split("\t")
    except (ValueError, UnicodeDecodeError) as error:
        raise CorpusError(f"no line of WebBrain-R (qid, query, positive, negatives); {MEND}", path, number) from error
    if not query_id or not query.strip() or not passages:
        raise CorpusError(f"a query, its id and a positive are needed; {MEND}", path, number)
    for passage_id in passages:
        if passage_id not in texts:
            raise CorpusError(f"passage {passage_id!r} is not in {texts.path.name}; {MEND}", path, number)
    return Triple(query_id, query, tuple(passages))


def write_scores(folder: Path, split: str, scored: Iterator[tuple[str, Sequence[float]]]) -> None:
    """`<split>.scores.tsv` from (query id, scores) pairs in the order of the triples; replaced as a whole."""
    path = folder / f"{split}.scores.tsv"
    beside = path.with_suffix(".tmp")
    with beside.open("w", encoding="utf-8") as out:
        for query_id, scores in scored:
            out.write("\t".join([query_id, *(f"{score:.5f}" for score in scores)]) + "\n")
    beside.replace(path)


def _read_scores(path: Path, triples: TripleSet) -> list[tuple[float, ...]]:
    if not path.exists():
        return []
    found: list[tuple[float, ...]] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            found.append(_scores(line, path, number, triples))
    if len(found) != len(triples):
        raise CorpusError(
            f"has {len(found)} lines, {triples.path.name} has {len(triples)}; delete it or make it again", path
        )
    return found


def _scores(line: bytes, path: Path, number: int, triples: TripleSet) -> tuple[float, ...]:
    query_id, *cells = line.decode(errors="replace").rstrip("\r\n").split("\t")
    try:
        values = tuple(map(float, cells))
    except ValueError as error:
        raise CorpusError(f"a score is no number; {MEND}", path, number) from error
    wanted = triples.triple(number - 1) if number <= len(triples) else None
    whole = line.endswith(b"\n") and wanted is not None and len(values) == len(wanted.passages)
    if not whole or not all(map(math.isfinite, values)) or (wanted and wanted.query_id != query_id):
        raise CorpusError(f"does not fit line {number} of {triples.path.name}; {MEND}", path, number)
    return values


def _row(line: bytes, path: Path, number: int) -> dict[str, object]:
    if not line.endswith(b"\n"):
        raise CorpusError("the file is cut off here: the last line has no end; make the file again", path, number)
    try:
        row = dict(json.loads(line))
    except (ValueError, TypeError) as error:
        raise CorpusError(f"no JSON object ({error}); {MEND}", path, number) from error
    if "id" not in row or not any(isinstance(row.get(name), str) for name in TEXT_FIELDS):
        raise CorpusError(f'a passage needs "id" and "contents"; {MEND}', path, number)
    return row


def _text(row: dict[str, object]) -> str:
    return next(str(row[name]) for name in TEXT_FIELDS if isinstance(row.get(name), str))


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise CorpusError(
            f"cannot be read ({error.strerror}); give a folder that `webbrain dataset build` wrote", path
        ) from error
