from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from webbrain.errors import CorpusError
from webbrain.records import escape_id, read_qrels, read_queries, read_run, run_line, unescape_id, write_run_lines
from webbrain.types import Qrel, Query


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        '{"id": "1", "text": "black hole"}\n\n{"_id": 2, "query": "tea  time", "metadata": {}}\n',
        '\ufeff{"query_id": 1, "text": "black hole"}\r\n{"query_id": "2", "title": "tea time"}',
        "1\tblack hole\n2\ttea time\n",
        "query_id\ttext\n1\tblack hole\n2\ttea time",
        gzip.compress(b"1\tblack hole\n2\ttea time", mtime=0),
    ],
)
def test_queries(tmp_path: Path, content: str | bytes) -> None:
    assert list(read_queries(file(tmp_path, content))) == [Query("1", "black hole"), Query("2", "tea time")]


def test_queries_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1\tblack hole\n")))
    assert list(read_queries("-")) == [Query("1", "black hole")]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("1\ta\n1\tb\n", 2, "comes twice"),
        ("1\ta\nb\n", 2, "1 columns"),
        ("1\ta\tb\n", 1, "3 columns"),
        ('{"id": 1, "text": "a"}\n{"id": 2', 2, "not a line of JSON"),
        ('{"id": 1, "text": "a"}\n[2]', 2, "JSON object"),
        ('{"id": 1}', 1, "an id and a text"),
        ('{"id": 1, "text": "  "}', 1, "an id and a text"),
        ('{"id": [1], "text": "a"}', 1, "an id and a text"),
        (b"1\ta\n2\t\xff", 2, "not UTF-8"),
    ],
)
def test_malformed_queries(tmp_path: Path, content: str | bytes, line: int, says: str) -> None:
    path = file(tmp_path, content)
    with pytest.raises(CorpusError, match=says) as caught:
        list(read_queries(path))
    assert (caught.value.path, caught.value.line) == (path, line)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="check the path"):
        list(read_queries(tmp_path / "gone"))
    with pytest.raises(CorpusError, match="EOFError"):
        list(read_queries(file(tmp_path, gzip.compress("".join(f"{n}\ta\n" for n in range(9999)).encode())[:-30])))


@pytest.mark.parametrize(
    "content",
    [
        "q1 0 d1 2\nq1\t0\td2\t0\nq2 Q0 d1 -1\n",
        "q1\td1\t2\nq1\td2\t0\nq2\td1\t-1",
        "query-id\tcorpus-id\tscore\nq1\td1\t2.0\nq1\td2\t0\nq2\td1\t-1\nq2\td1\t-1\n",
    ],
)
def test_qrels(tmp_path: Path, content: str) -> None:
    assert read_qrels(file(tmp_path, content)) == [Qrel("q1", "d1", 2), Qrel("q1", "d2", 0), Qrel("q2", "d1", -1)]


def test_qrels_with_spaces_in_ids(tmp_path: Path) -> None:
    assert read_qrels(file(tmp_path, "q 1\tmy notes.txt\t1")) == [Qrel("q 1", "my notes.txt", 1)]
    assert read_qrels(file(tmp_path, "q1 0 my%20notes.txt 1")) == [Qrel("q1", "my notes.txt", 1)]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("q1 0 d1 1\nq1 0 d1\n", 2, "a judgement is"),
        ("q1 0 d1 1\nq1 0 d2 high\n", 2, "'high' is not a whole number"),
        ("q1 0 d1 0.5\n", 1, "not a whole number"),
        ("q1 0 d1 nan\n", 1, "not a whole number"),
        ("q1 0 d1 1\nq1 0 d1 2\n", 2, "two grades"),
    ],
)
def test_malformed_qrels(tmp_path: Path, content: str, line: int, says: str) -> None:
    with pytest.raises(CorpusError, match=says) as caught:
        read_qrels(file(tmp_path, content))
    assert caught.value.line == line


def test_a_run_is_read_as_written(tmp_path: Path) -> None:
    hits = [("my notes.txt", 0.1 + 0.2), ("https://x.example/a%20b", 1e-9), ("100%25 a%20b\t", -3.0)]
    out = io.StringIO()
    write_run_lines(out, "q 1", hits, "my tag")
    assert list(read_run(file(tmp_path, out.getvalue()))) == [("q 1", doc_id, score) for doc_id, score in hits]
    assert out.getvalue().splitlines()[0] == "q%201 Q0 my%20notes.txt 1 0.30000000000000004 my%20tag"
    assert run_line("q", "https://x.example/a%20b", 2, 1, "t") == "q Q0 https://x.example/a%20b 2 1.0 t"


@pytest.mark.parametrize("line", ["q Q0 d 1 0.5", "q Q0 d 1 high t", "q Q0 d 1 nan t", "q Q0 d 1 inf t"])
def test_malformed_runs(tmp_path: Path, line: str) -> None:
    with pytest.raises(CorpusError) as caught:
        list(read_run(file(tmp_path, f"q Q0 d 1 2 t\n{line}\n")))
    assert caught.value.line == 2


def test_ids_of_foreign_runs_pass_unchanged() -> None:
    for doc_id in ("MARCO_D59219", "a%3Ab", "50%", "https://x.example/%25%20", "ü%C3"):
        assert unescape_id(doc_id) == escape_id(doc_id) == doc_id
