"""Exporting an index to Milvus: repeated, broken off, after an update; words of the corpus that look like commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from indexing.export import export
from indexing.progress import Silent
from tests.building import Row, build_index
from webbrain.errors import ConfigError, IndexStale, WebBrainError
from webbrain.retrieval import make_retriever
from webbrain.retrieval.milvus import connect
from webbrain.store.index import Index

REASON = "the back end's extra is not installed: pip install 'webbrain[milvus]'"
pytest.importorskip("pymilvus", reason=REASON)
pytest.importorskip("milvus_lite", reason=REASON)

HOSTILE_IDS = (
    "x' or 1 == 1 --",
    'q"uo"te\\',
    "{key}",
    "灯台 #0",
    'key in ["a"]',
    "%s ${x} `id`",
    "\\",
    "' in key or '",
)


def export_here(index: Index, **options: Any) -> tuple[int, int, int]:
    """(written, kept, deleted)."""
    report = export(index, str(index.folder / "milvus.db"), "passages", **options)
    return report.written, report.kept, report.deleted


def found(index: Index, query: str, name: str = "milvus") -> list[str]:
    return [hit.passage.doc_id for hit in make_retriever(index, name).search(query, 10)]


def pages(*words: str) -> list[Row]:
    return [{"id": word, "title": word, "text": f"A page about {word} and nothing else."} for word in words]


def test_a_repeated_export_changes_nothing(tmp_path: Path) -> None:
    index = build_index(tmp_path, pages("granite", "herring", "lantern"))
    assert export_here(index) == (3, 0, 0)
    before = make_retriever(index, "milvus").search("granite page", 10)
    assert export_here(index) == (0, 3, 0)
    assert make_retriever(index, "milvus").search("granite page", 10) == before
    assert before[0].passage.doc_id == "granite"


def test_what_changed_is_written_and_what_is_gone_is_deleted(tmp_path: Path) -> None:
    export_here(build_index(tmp_path, pages("granite", "herring", "lantern")))
    rows = pages("granite", "herring")
    rows[1] = {"id": "herring", "title": "herring", "text": "Now it is about walruses."}
    index = build_index(tmp_path, rows)
    assert export_here(index) == (1, 1, 1)
    assert found(index, "walruses") == ["herring"]
    assert found(index, "lantern") == []


def test_hostile_ids_and_texts_are_data(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"id": doc_id, "title": f"' or 1 == 1 {n}", "text": f"Word{n} stands here: \"] or {{key}} != '' \\"}
        for n, doc_id in enumerate(HOSTILE_IDS)
    ]
    index = build_index(tmp_path, rows)
    ids = [index.passage(row).doc_id for row in range(len(index))]
    assert len(ids) == len(HOSTILE_IDS)
    assert export_here(index) == (len(ids), 0, 0)
    assert export_here(index) == (0, len(ids), 0)
    for n, doc_id in enumerate(ids):
        assert found(index, f"word{n}") == [doc_id]
    for query in HOSTILE_IDS:
        found(index, query)
    smaller = build_index(tmp_path, rows[4:])
    assert export_here(smaller)[2] == 4
    assert found(smaller, "word0") == []
    assert found(smaller, "word7") == [ids[7]]


class _Breaks(Silent):
    """Stops the export after `passages`."""

    def __init__(self, passages: int) -> None:
        self.passages = passages

    def encoding(self, shard: int, done: int, total: int) -> None:
        if done >= self.passages:
            raise KeyboardInterrupt


def test_a_broken_off_export_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexing.export.BATCH", 4)
    index = build_index(tmp_path, pages(*(f"word{n}" for n in range(10))))
    with pytest.raises(KeyboardInterrupt):
        export_here(index, progress=_Breaks(8))
    with pytest.raises(ConfigError, match="not exported"):  # half an export is none
        make_retriever(index, "milvus")
    assert export_here(index) == (2, 8, 0)
    assert all(found(index, f"word{n}") == [f"word{n}"] for n in range(10))


def test_another_build_is_stale_until_it_is_exported(tmp_path: Path) -> None:
    export_here(build_index(tmp_path, pages("granite")))
    index = build_index(tmp_path, pages("granite", "herring"))
    with pytest.raises(IndexStale, match=f"index export {index.folder} .*--uri {index.folder}/milvus.db "):
        make_retriever(index, "milvus")
    export_here(index)
    assert found(index, "herring") == ["herring"]


def test_a_collection_that_moved_on_is_told(tmp_path: Path) -> None:
    index = build_index(tmp_path / "one", pages("granite", "herring"))
    export_here(index)
    retriever = make_retriever(index, "milvus")
    other = build_index(tmp_path / "two", pages("lantern", "granite"))
    export(other, str(index.folder / "milvus.db"), "passages")
    with pytest.raises(IndexStale, match="index export"):
        retriever.search("granite", 5)


def test_the_index_folder_may_be_moved_with_its_milvus(tmp_path: Path) -> None:
    index = build_index(tmp_path, pages("granite"))
    export_here(index)
    pointer = json.loads((index.folder / "milvus.json").read_text())
    assert pointer == {"uri": "milvus.db", "collection": "passages", "build_id": index.manifest.build_id}


def test_the_command_line_in_a_process_of_its_own(tmp_path: Path) -> None:
    folder = str(build_index(tmp_path, pages("granite", "herring")).folder)
    run("index", "export", folder, "--to", "milvus", "--uri", str(Path(folder) / "milvus.db"))
    hits = json.loads(run("search", "a herring", "--index", folder, "--retriever", "milvus", "--json"))["hits"]
    assert [hit["doc_id"] for hit in hits] == ["herring"]


def run(*arguments: str) -> str:
    """What a command prints; a restarted Milvus has nothing in memory."""
    command = [sys.executable, "-m", "webbrain", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_collection_that_is_gone_is_told(tmp_path: Path) -> None:
    index = build_index(tmp_path, pages("granite"))
    export_here(index)
    client = connect("milvus.db", index.folder)
    client.drop_collection("passages")
    client.close()
    with pytest.raises(IndexStale, match="no Milvus collection"):
        make_retriever(index, "milvus").search("granite", 5)


def test_a_foreign_collection_is_left_alone(tmp_path: Path) -> None:
    index = build_index(tmp_path, pages("granite"))
    client = connect("milvus.db", index.folder)
    client.create_collection("passages", dimension=4)
    with pytest.raises(ConfigError, match="other fields"):
        export_here(index)
    client.close()


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    index = build_index(tmp_path, pages("granite"))
    with pytest.raises(WebBrainError, match="MILVUS_TOKEN") as caught:
        export(index, "http://127.0.0.1:1", "passages")
    assert "\n" not in str(caught.value)


def test_stop_words_alone_find_nothing(tmp_path: Path) -> None:
    index = build_index(tmp_path, pages("granite"))
    export_here(index)
    assert found(index, "the of and") == []
    assert found(index, "the granite") == ["granite"]
