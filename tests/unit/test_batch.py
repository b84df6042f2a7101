"""`webbrain run`: resumable after any kill, the same for any number of workers, streaming, one setting a file."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.batch import RunSettings, count_done, provenance, run_batch
from webbrain.errors import ConfigError, CorpusError, WebBrainError
from webbrain.facts import model_facts
from webbrain.types import Query
from webbrain.workers import in_order
from webbrain.writing.modes import EvidenceMode

ROOT = Path(__file__).parents[2]
TOPICS = ("harbour", "violin", "glacier", "tomato", "compass", "lantern", "orchard", "viaduct")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen short pages, two a topic, without vectors."""
    folder = tmp_path_factory.mktemp("batch")
    corpus = folder / "corpus.jsonl"
    with corpus.open("w", encoding="utf-8") as file:
        for topic, turn in itertools.product(TOPICS, (1, 2)):
            text = (
                f"The {topic} of Brunnen is a well known {topic} in the south of the valley. "
                f"It was built in {1800 + 7 * turn} by the guild of masons. "
                f"Every {topic} of the region was copied from it, and visitor number {turn} wrote about it at length."
            )
            file.write(json.dumps({"id": f"{topic}-{turn}", "title": f"{topic.title()} {turn}", "text": text}) + "\n")
    build(corpus, folder / "index", BuildSettings(encoder=None, duplicates="keep"))
    return folder / "index"


QUERIES = [Query(f"q {number}", f"{topic} of Brunnen") for number, topic in enumerate(TOPICS * 4)]


def _run(settings: RunSettings, output: Path, **options: object) -> bytes:
    list(run_batch(settings, QUERIES, output, **options))  # type: ignore[arg-type]
    return output.read_bytes()


@pytest.fixture(scope="module")
def whole(index: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The unbroken output of each task."""
    folder = tmp_path_factory.mktemp("whole")
    return {task: _run(RunSettings(task, index, writer="extractive"), folder / task) for task in ("search", "write")}  # type: ignore[arg-type]


def test_articles_are_written_and_carry_their_provenance(whole: dict[str, bytes]) -> None:
    rows = [json.loads(line) for line in whole["write"].splitlines()]
    assert [row["query_id"] for row in rows] == [query.query_id for query in QUERIES]
    assert {row["status"] for row in rows} == {"ok"}
    assert all(row["provenance"]["index"] and row["provenance"]["writer"] == "extractive" for row in rows)
    assert rows[0]["provenance"]["evidence"] == {"source": "retrieved", "references_used": None}


@pytest.mark.parametrize("task", ["search", "write"])
def test_cut_anywhere_and_resumed_gives_the_same_bytes(
    task: str, index: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    rng = random.Random(3)
    for cut in [0, 1, len(whole[task]) - 1, len(whole[task]), *rng.sample(range(len(whole[task])), 12)]:
        output = tmp_path / f"{cut}"
        output.write_bytes(whole[task][:cut])
        assert _run(RunSettings(task, index, writer="extractive"), output, resume=True) == whole[task]  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_bytes(
    workers: int, index: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    assert _run(RunSettings("write", index, writer="extractive"), tmp_path / "out", workers=workers) == whole["write"]


def test_what_is_done_is_counted_as_a_resumed_run_sees_it(whole: dict[str, bytes], tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert count_done(output, "write") == 0
    output.write_bytes(b"".join(whole["write"].splitlines(keepends=True)[:5]) + b'{"query_id": "torn')
    assert count_done(output, "write") == 5
    output.write_bytes(whole["search"])
    assert count_done(output, "search") == len(QUERIES) - 1  # the last one may lack lines, so it is searched again


def _command(index: Path, queries: Path, output: Path, workers: int) -> list[str]:
    files = ["--index", str(index), "--queries", str(queries), "--output", str(output)]
    return [
        sys.executable,
        "-m",
        "webbrain",
        "run",
        "--task",
        "write",
        "--writer",
        "extractive",
        *files,
        "--resume",
        "--workers",
        str(workers),
    ]


def _queries_file(folder: Path) -> Path:
    path = folder / "queries.jsonl"
    path.write_text("".join(json.dumps({"id": q.query_id, "text": q.text}) + "\n" for q in QUERIES), encoding="utf-8")
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again_it_loses_and_repeats_nothing(
    workers: int, index: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    output, command = tmp_path / "out", _command(index, _queries_file(tmp_path), tmp_path / "out", workers)
    kills = 0
    for wanted in (1, 7, 8, 20):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True)
        while process.poll() is None and (not output.exists() or output.read_bytes().count(b"\n") < wanted):
            time.sleep(0.002)
        if process.poll() is None:
            kills += 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert output.read_bytes() == whole["write"]
    assert kills >= 2, "the kills came too late to prove anything"


def test_workers_do_not_outlive_a_killed_parent(index: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = _command(index, _queries_file(tmp_path), output, 2)
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and (not output.exists() or not output.read_bytes()):
        time.sleep(0.002)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while _alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(process.pid)


def _alive(session: int) -> bool:
    """Whether any process of the session runs."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


def test_queries_are_read_as_they_are_needed(index: Path, tmp_path: Path) -> None:
    """An endless stream of queries: a run that listed them first would never yield."""

    def endless() -> Iterator[Query]:
        for number in itertools.count():
            read.append(number)
            yield Query(str(number), "harbour")

    for workers, most in ((1, 6), (2, 20)):
        read: list[int] = []
        run = run_batch(RunSettings("search", index, k=3), endless(), tmp_path / str(workers), workers=workers)
        assert [query.query_id for query in itertools.islice(run, 5)] == list("01234")
        run.close()  # type: ignore[attr-defined]
        assert len(read) <= most


def _double(_: None) -> object:
    return lambda item: 1 // item


def test_an_error_in_a_worker_is_the_error_of_the_run() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(_double, (None,), [1, 0, 1], 2))  # type: ignore[arg-type]


class _Stubborn(Exception):
    """Can be pickled, and not be read again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def _unreadable(_: None) -> object:
    def answer(kind: str) -> object:
        if kind == "raise":
            raise _Stubborn("no", "reading")
        return threading.Lock()

    return answer


@pytest.mark.parametrize("kind", ["raise", "return"])
def test_an_answer_that_cannot_travel_is_an_error_and_no_endless_wait(kind: str) -> None:
    with pytest.raises(TypeError):
        list(in_order(_unreadable, (None,), [kind], 2))  # type: ignore[arg-type]


def _die(_: None) -> object:
    return lambda item: os._exit(9)


def test_a_dead_worker_is_one_sentence() -> None:
    with pytest.raises(WebBrainError, match="worker process died"):
        list(in_order(_die, (None,), [1, 2], 2))  # type: ignore[arg-type]


def _shout(_: None) -> Callable[[int], bytes]:
    """The first question kills its worker while an answer that no pipe can hold is on its way: whoever would take it is
    stopped meanwhile."""

    def answer(number: int) -> bytes:
        if number == 0:
            parent = os.getppid()
            subprocess.Popen(["sh", "-c", f"sleep 1; kill -CONT {parent}"])
            os.kill(parent, signal.SIGSTOP)
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return bytes(1 << 24)

    return answer


def test_a_worker_killed_in_the_middle_of_an_answer_is_no_endless_wait(tmp_path: Path) -> None:
    script = (
        "from tests.unit.test_batch import _shout\n"
        "from webbrain.errors import WebBrainError\nfrom webbrain.workers import in_order\n"
        "if __name__ == '__main__':\n"
        "    try:\n        list(in_order(_shout, (None,), range(6), 2))\n"
        "    except WebBrainError as error:\n        print(error)\n"
    )
    path = tmp_path / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "a worker process died" in done.stdout, done.stderr


@pytest.mark.parametrize(("weight", "most"), [(1, 8), (2, 4), (100, 2), (0.5, 16)])
def test_heavy_items_are_fewer_at_once(weight: float, most: int) -> None:
    """Two workers may have four items each of weight one; of heavier ones less, but both have work."""
    read: list[int] = []
    items = (read.append(number) or number for number in itertools.count(1))
    stream = in_order(_double, (None,), items, 2, weigh=lambda _: weight)  # type: ignore[arg-type]
    for taken, _ in enumerate(itertools.islice(stream, 6), 1):
        assert len(read) - taken == most - 1
    stream.close()  # type: ignore[attr-defined]


def test_no_worker_is_left_behind_whoever_stops(index: Path) -> None:
    before = set(multiprocessing.active_children())
    stream = in_order(_double, (None,), itertools.count(1), 2)  # type: ignore[arg-type]
    assert [result for _, result in itertools.islice(stream, 3)] == [1, 0, 0]
    assert set(multiprocessing.active_children()) - before
    stream.close()  # type: ignore[attr-defined]
    assert not set(multiprocessing.active_children()) - before


def test_an_unknown_writer_is_told_from_a_worker_too(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown writer 'nobody'"):
        list(run_batch(RunSettings("write", index, writer="nobody"), QUERIES, tmp_path / "out", workers=2))


def test_an_output_of_other_settings_is_not_gone_on_with(index: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    output = tmp_path / "out"
    _run(RunSettings("search", index, k=5), output)
    with pytest.raises(ConfigError, match=r"other settings \(k\)"):
        _run(RunSettings("search", index, k=6), output, resume=True)
    with pytest.raises(ConfigError, match="add --resume"):
        _run(RunSettings("search", index, k=5), output)


def test_gold_evidence_is_the_judged_documents_and_nothing_else(index: Path, tmp_path: Path) -> None:
    qrels = tmp_path / "qrels.tsv"
    qrels.write_text("q 0\ttomato-2\t1\nq 0\tviolin-1\t0\n", encoding="utf-8")
    mode = EvidenceMode("gold")
    rows = [
        json.loads(line)
        for line in _run(
            RunSettings("write", index, writer="extractive", evidence=mode, qrels=qrels), tmp_path / "o"
        ).splitlines()
    ]
    assert {reference["doc_id"] for reference in rows[0]["references"]} == {"tomato-2"}  # though the query says harbour
    assert {row["status"] for row in rows[1:]} == {"no_evidence"}  # nothing is judged relevant to them
    assert rows[0]["provenance"]["retriever"] == "gold"
    assert rows[0]["provenance"]["evidence"]["source"] == "gold"


@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_writer_gets_no_more_references_than_allowed(most: int, index: Path, tmp_path: Path) -> None:
    settings = RunSettings("write", index, writer="extractive", evidence=EvidenceMode(references_used=most))
    rows = [json.loads(line) for line in _run(settings, tmp_path / "out").splitlines()]
    assert {row["provenance"]["counts"]["evidence"] for row in rows} == {most}
    assert {row["status"] for row in rows} == ({"ok"} if most else {"no_evidence"})


@pytest.mark.parametrize(
    "settings",
    [
        RunSettings("search", Path("x"), evidence=EvidenceMode("gold"), qrels=Path("q")),
        RunSettings("write", Path("x"), evidence=EvidenceMode("gold")),
        RunSettings("write", Path("x"), qrels=Path("q")),
    ],
)
def test_settings_that_contradict_each_other(settings: RunSettings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        list(run_batch(settings, QUERIES, tmp_path / "out"))


def test_a_file_that_is_no_run_is_left_alone(index: Path, tmp_path: Path) -> None:
    output = tmp_path / "notes.txt"
    output.write_text("dear diary\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"notes.txt:1"):
        _run(RunSettings("write", index, writer="extractive"), output, resume=True)
    assert output.read_text(encoding="utf-8") == "dear diary\n"
    assert list(tmp_path.iterdir()) == [output]


def test_the_scorer_that_was_named_checks_every_sentence(index: Path, tmp_path: Path) -> None:
    settings = RunSettings("write", index, writer="extractive", scorer="exact")
    rows = [json.loads(line) for line in _run(settings, tmp_path / "out").splitlines()]
    assert {row["provenance"]["scorer"] for row in rows} == {"exact"}
    with pytest.raises(ConfigError, match="scorer"):
        _run(RunSettings("write", index, writer="extractive"), tmp_path / "out", resume=True)


def test_a_search_has_no_sentences_to_check(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--scorer is for"):
        _run(RunSettings("search", index, scorer="exact"), tmp_path / "out")


def test_a_run_from_before_scorers_could_be_named_goes_on(index: Path, tmp_path: Path) -> None:
    settings = RunSettings("write", index, writer="extractive")
    whole = _run(settings, tmp_path / "out")
    facts = tmp_path / "out.provenance.json"
    held = json.loads(facts.read_text(encoding="utf-8"))
    assert held.pop("scorer") == "tier1"
    assert (held.pop("writer_settings"), held.pop("scorer_settings")) == ({}, {})
    facts.write_text(json.dumps(held), encoding="utf-8")
    assert _run(settings, tmp_path / "out", resume=True) == whole


def test_a_run_does_not_go_on_with_another_model_of_the_same_name(index: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.onnx").write_bytes(b"one")
    settings, output = RunSettings("write", index, scorer=f"nli:{model}"), tmp_path / "out"
    model_facts.cache_clear()
    output.write_text("")
    Path(f"{output}.provenance.json").write_text(json.dumps(provenance(settings)), encoding="utf-8")
    assert list(run_batch(settings, [], output, resume=True)) == []
    (model / "model.onnx").write_bytes(b"two")
    model_facts.cache_clear()
    with pytest.raises(ConfigError, match="scorer_settings"):
        list(run_batch(settings, [], output, resume=True))
