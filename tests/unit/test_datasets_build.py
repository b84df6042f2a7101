from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from indexing.datasets.build import build_dataset
from indexing.datasets.describe import describe, write_plots
from indexing.datasets.formats import as_line, from_json, parse_line
from indexing.datasets.settings import DatasetSettings
from indexing.datasets.stage import ShardFiles, read_receipt, shard_path
from webbrain.errors import ConfigError, CorpusError

ROOT = Path(__file__).parents[2]
FACTS = ["river", "bridge", "market", "castle", "school", "garden", "harbour", "library", "theatre", "mill"]
RAW = DatasetSettings(kind="raw", dev_share=0.1, test_share=0.1, passage_tokens=20, shuffle=False)
SMALL = DatasetSettings(evidence="both", dev_share=0.2, test_share=0.2, passage_tokens=40, shard_pages=2)


def _article(number: int) -> dict[str, Any]:
    """A town whose body supports its lead, and which names the next town."""
    name, one, two = f"Town{number}ville", FACTS[number % 10], FACTS[(number * 3 + 1) % 10]
    lead = f"{name} is a town with a famous {one} and a {two} built in {1800 + number}."
    body = (
        f"The {one} of {name} was built in {1800 + number} by people of the town. Near it stands a {two} that many "
        f"visit. From there a road leads to Town{number + 1}ville, which is a town with a {FACTS[(number + 1) % 10]}."
    )
    text = f"{lead}\nHistory.\n{body}"
    begin = text.index(body)
    sections = [{"heading": "", "start": 0, "end": len(lead)}, {"heading": "History", "start": begin, "end": len(text)}]
    return {"id": number, "title": name, "text": text, "sections": sections}


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _digest(folder: Path) -> dict[str, str]:
    """sha256 of every file that is published, the index's own date apart."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "index" not in path.parts]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [_article(number) for number in range(24)]
    rows.append(_article(3))
    return _write(tmp_path_factory.mktemp("source") / "articles.jsonl", rows)


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("built") / "dataset"
    report = build_dataset(source, output, SMALL, workers=1)
    assert report.fresh
    return output


def test_a_raw_page_becomes_exactly_this(tmp_path: Path) -> None:
    notes = "Ada wrote notes on the engine of Babbage. They hold a program. " + "Other words follow here now. " * 3
    life = "Many people live in London today. It has a river, a bridge and many more things that one can go and see."
    row = {
        "url": "u:ada",
        "title": "Ada",
        "text": "Ada wrote notes on the engine.[2] Ada also likes long swims.[1] Ada knew people in London.<h2>x</h2>",
        "references": [
            {"cite_id": "[1]", "title": "City", "url": "", "text": life},
            {"cite_id": "[2]", "title": "Notes", "url": "", "text": notes},
        ],
    }
    output = tmp_path / "out"
    build_dataset(_write(tmp_path / "chunk.jsonl", [row]), output, RAW, workers=1)
    expected = (
        "[title] Ada [ref] [1] City Many people live in London today. [SPLIT] "
        "[title] Ada [ref] [2] Notes Ada wrote notes on the engine of Babbage. They hold a program. "
        "Other words follow here now. [SPLIT] "
        "Ada wrote notes on the engine. [2] Ada also likes long swims. [0] Ada knew people in London. [1]\n"
    )
    (split,) = [name for name in ("train", "dev", "test") if (output / f"webbrain-g/{name}.txt").read_text()]
    assert (output / f"webbrain-g/{split}.txt").read_text() == expected
    positives = [line.split("\t")[:3] for line in (output / f"webbrain-r/{split}.tsv").read_text().splitlines()]
    assert positives == [["u:ada", "Ada", "u:ada#ref1@0-33"], ["u:ada", "Ada", "u:ada#ref2@0-91"]]
    corpus = {row["id"]: row["contents"] for row in _rows(output / "webbrain-r/corpus.jsonl")}
    assert corpus["u:ada#ref1@0-33"] == "Many people live in London today."


def test_both_formats_say_the_same(built: Path) -> None:
    for name in ("train", "dev", "test", "train.retrieved", "warmup-train"):
        rows = _rows(built / f"webbrain-g/{name}.jsonl")
        lines = (built / f"webbrain-g/{name}.txt").read_text().splitlines()
        assert rows
        assert [as_line(from_json(row)) for row in rows] == lines
        for row, line in zip(rows, lines, strict=True):
            assert parse_line(line)[2] == [(one["text"], tuple(one["citations"])) for one in row["sentences"]]


def test_evidence_never_holds_a_lead(built: Path, source: Path) -> None:
    leads = [row["text"][: row["sections"][0]["end"]] for row in _rows(source)]
    texts = (built / "webbrain-r/corpus.jsonl").read_text()
    references = [one for path in built.glob("webbrain-g/*.jsonl") for row in _rows(path) for one in row["references"]]
    assert not any(lead in texts for lead in leads)
    assert not any(lead in one["text"] for one in references for lead in leads)


def test_retrieved_references_come_in_rank_order_with_the_own_body(built: Path) -> None:
    rows = _rows(built / "webbrain-g/train.retrieved.jsonl")
    assert all(one["source"] == "retrieved" for row in rows for one in row["references"])
    assert all(row["references"][0]["doc_id"] == row["id"] for row in rows)


def test_negatives_are_of_other_documents(built: Path) -> None:
    known = {row["id"] for row in _rows(built / "webbrain-r/corpus.jsonl")}
    supports = {
        row["id"]: {one["passage_id"] for one in row["references"] if one["source"] != "distractor"}
        for name in ("train", "dev", "test")
        for row in _rows(built / f"webbrain-g/{name}.jsonl")
    }
    seen: dict[str, set[str]] = {}
    for name in ("train", "dev", "test"):
        for line in (built / f"webbrain-r/{name}.tsv").read_text().splitlines():
            query, _, positive, *negatives = line.split("\t")
            seen.setdefault(query, set()).add(positive)
            assert {positive, *negatives} <= known
            assert len(set(negatives)) == 4
            documents = {one.partition("@")[0] for one in supports[query]} | {query}
            assert not documents & {one.partition("#")[0].partition("@")[0] for one in negatives}
    assert seen == supports


def test_a_second_page_of_an_id_is_rejected_and_counted(built: Path) -> None:
    counts = json.loads((built / "dataset.json").read_text())["counts"]
    ids = [row["id"] for name in ("train", "dev", "test") for row in _rows(built / f"webbrain-g/{name}.jsonl")]
    assert len(ids) == len(set(ids)) == sum(counts[f"examples/{name}"] for name in ("train", "dev", "test"))
    assert counts["records"] == counts["pages"] == 25
    assert counts["reject/duplicate_id"] == 1
    turned_away = sum(number for name, number in counts.items() if name.startswith("reject/"))
    assert len(ids) + turned_away == 25


def test_describe_and_card(built: Path, tmp_path: Path) -> None:
    found = describe(built)
    assert found["sets"]["train"]["examples"] == found["counts"]["examples/train"]
    assert sum(found["sets"]["train"]["histograms"]["sentences"].values()) == found["sets"]["train"]["examples"]
    plots = write_plots(found, tmp_path / "plots")
    assert all(path.read_text().startswith("<svg") for path in plots)
    assert len(plots) >= 6
    assert "not stated" in (built / "README.md").read_text()
    with pytest.raises(CorpusError, match="dataset build"):
        describe(tmp_path)


def test_two_workers_give_what_one_gives(source: Path, built: Path, tmp_path: Path) -> None:
    build_dataset(source, tmp_path / "two", SMALL, workers=2)
    assert _digest(tmp_path / "two") == _digest(built)


def test_a_finished_dataset_is_kept_and_another_refused(source: Path, built: Path) -> None:
    before = _digest(built)
    assert not build_dataset(source, built, SMALL).fresh
    with pytest.raises(ConfigError, match="another --output"):
        build_dataset(source, built, DatasetSettings(rho=0.5))
    assert _digest(built) == before
    with pytest.raises(CorpusError):
        build_dataset(source / "absent", built)


BUILD = """
import sys
from pathlib import Path
from indexing.datasets.build import build_dataset
from indexing.datasets.settings import DatasetSettings
from indexing.datasets.stage import ShardFiles, read_receipt, shard_path
settings = DatasetSettings(evidence="both", dev_share=0.2, test_share=0.2, passage_tokens=40, shard_pages=2)
if __name__ == "__main__":
    build_dataset(Path(sys.argv[1]), Path(sys.argv[2]), settings, workers=int(sys.argv[3]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_build_goes_on_to_the_same_dataset(source: Path, built: Path, tmp_path: Path, workers: int) -> None:
    output, script = tmp_path / "out", tmp_path / "build.py"
    script.write_text(BUILD)
    for stage in ("pages", "examples"):
        command = [sys.executable, str(script), str(source), str(output), str(workers)]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        _wait_for(output / "stage" / stage, process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (output / "dataset.json").exists()
    report = build_dataset(source, output, SMALL, workers=1)
    assert report.resumed > 0
    assert _digest(output) == _digest(built)


def _wait_for(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the first shard of a stage has its receipt."""
    deadline = time.monotonic() + 60
    while not any(folder.glob(".*.receipt.json")):
        assert process.poll() is None, "the build ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_shard_whose_file_was_cut_is_not_finished(tmp_path: Path) -> None:
    with ShardFiles(tmp_path, 7, ("pages",)) as shard:
        shard.write("pages", {"id": 1})
        shard.counts["pages"] += 1
        assert read_receipt(tmp_path, 7) is None
    receipt = read_receipt(tmp_path, 7)
    assert receipt is not None
    assert receipt.counts == {"pages": 1}
    shard_path(tmp_path, 7, "pages").write_text("{")
    assert read_receipt(tmp_path, 7) is None


def test_an_unfinished_dataset_of_other_settings_is_not_touched(source: Path, tmp_path: Path) -> None:
    stage = tmp_path / "out/stage"
    stage.mkdir(parents=True)
    (stage / "plan.json").write_text('{"plan_id": "other"}')
    with pytest.raises(ConfigError, match="unfinished dataset"):
        build_dataset(source, tmp_path / "out", SMALL)
