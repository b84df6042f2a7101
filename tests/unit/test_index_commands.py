"""`webbrain index add|update|remove|compact` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from indexing.build import build
from indexing.settings import BuildSettings
from tests.building import write_corpus
from webbrain.errors import ConfigError, CorpusError

TEXTS = [f"Text number {n} about {word}." for n, word in enumerate("dogs cats birds fish".split())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a corpus `c.jsonl` of documents 0 to 3 and its index `i`."""
    build(write_corpus(tmp_path / "c.jsonl", TEXTS), tmp_path / "i", BuildSettings(encoder=None))
    return tmp_path


def run(*arguments: object) -> tuple[dict[str, Any], str]:
    """(the report on stdout, the talk on stderr) of `webbrain index ... --json`."""
    done = CliRunner().invoke(cli.app, ["index", *map(str, arguments), "--json"], catch_exceptions=False)
    return json.loads(done.stdout), done.stderr


def test_a_round_of_changes(folder: Path) -> None:
    index = folder / "i"
    write_corpus(folder / "more.jsonl", [{"id": "n", "text": "New."}, {"id": "0", "text": "Other."}])
    report, said = run("add", folder / "more.jsonl", "--output", index)
    assert (report["operation"], report["fresh"], report["index"]) == ("add", True, str(index))
    assert report["counts"] == {
        "added": 1,
        "replaced": 1,
        "removed": 0,
        "unchanged": 0,
        "rejected": 0,
        "duplicates": 0,
        "returned": 0,
    }
    assert "1 added, 1 replaced, 0 removed" in said
    assert f"5 documents, 5 passages; 1 dead ones wait for `webbrain index compact {index}`" in said
    (folder / "ids.txt").write_text("n\n\n1\n", encoding="utf-8")
    assert run("remove", index, "2", "--ids", folder / "ids.txt")[0]["counts"]["removed"] == 3
    report, said = run("compact", index)
    assert report["counts"] == {"dropped_passages": 4, "shards_before": 2, "shards": 1}
    assert "2 documents, 2 passages\n" in said
    report, _ = run("update", folder / "c.jsonl", "--output", index)
    assert (report["counts"]["added"], report["counts"]["replaced"], report["totals"]["documents"]) == (2, 1, 4)
    report, said = run("update", folder / "c.jsonl", "--output", index)
    assert not report["fresh"]
    assert "nothing to do" in said


def test_info_tells_live_from_deleted(folder: Path) -> None:
    run("remove", folder / "i", "0")
    info, _ = run("info", folder / "i")
    assert (info["documents"], info["deleted_documents"], info["passages"], info["deleted_passages"]) == (3, 1, 3, 1)


def test_ids_that_make_no_sense(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no document is named; give ids, or --ids FILE"):
        run("remove", folder / "i")
    with pytest.raises(ConfigError, match="has no document x; mend the ids, or add --ignore-missing"):
        run("remove", folder / "i", "x")
    assert run("remove", folder / "i", "x", "0", "--ignore-missing")[0]["counts"]["removed"] == 1
    with pytest.raises(CorpusError, match="one id a line"):
        run("remove", folder / "i", "--ids", folder / "none.txt")
