"""Preparing in worker processes changes nothing but the time, and a dead worker is an error, not a wait."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexing import prepare as module
from indexing.block import BlockMaker
from indexing.build import build
from indexing.given import Prepared, Ready, Unpacker, prepare, prepare_all, record_keys
from indexing.memory import peak_memory
from indexing.prepare import AHEAD, BATCH_RECORDS, prepared, workers_for
from indexing.read import RawRecord, Reject, scan
from indexing.settings import BuildSettings
from indexing.terms import TermTable
from indexing.update import update
from tests.building import write_corpus
from webbrain.analysis import Analyzer
from webbrain.errors import WebBrainError
from webbrain.store.index import Index
from webbrain.store.passages import indexed_text

PLAIN = BuildSettings(encoder=None, shard_passages=60)


def rows(count: int = 150) -> list[Any]:
    """Pages, some the same, some without a text, some of other scripts, some with an id that was there."""
    found: list[Any] = [
        {"id": f"d{n}", "title": f"Page {n}", "text": f"Sentence {n} of Größe. 漢字の文。 Another one." * (1 + n % 9)}
        for n in range(count)
    ]
    found[40] = {"id": "same", "text": found[3]["text"]}
    found[50], found[60] = {"id": "d1", "text": "Another first."}, {"id": "none", "text": " "}
    return found


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    write_corpus(folder / "rows.jsonl", rows())
    (folder / "page.html").write_text(f"<html><title>T</title><body><p>{'A page of words. ' * 30}</p></body></html>")
    (folder / "note.txt").write_text("A note.\n\nOf two paragraphs.")
    with (folder / "rows.jsonl").open("a") as file:
        file.write("{broken\n")
    return folder


def files(folder: Path) -> dict[str, Any]:
    """All files but the state, whose pages SQLite may lay out as it likes."""
    manifest = Index.open(folder).manifest
    return {name: entry for name, entry in manifest.files.items() if not name.startswith("state/")}


def records(count: int) -> Iterator[RawRecord]:
    for n in range(count):
        yield RawRecord(n, "c.jsonl", n + 1, "json", b'{"id": "%d", "text": "A text of number %d."}' % (n, n))


def counted(table: TermTable, row: int) -> Counter[str]:
    part = slice(table.ends[row], table.ends[row + 1])
    terms = map(table.vocabulary.__getitem__, table.numbers[part].tolist())
    return Counter(dict(zip(terms, table.counts[part].tolist(), strict=True)))


def never(_: RawRecord) -> bool:
    return False


class TestTheSameContent:
    def test_for_any_number_of_workers(self, corpus: Path, tmp_path: Path) -> None:
        reports = [build(corpus, tmp_path / str(n), PLAIN, workers=n) for n in (1, 2)]
        assert reports[0].totals == reports[1].totals
        assert reports[0].totals["rejects"] == 3
        assert reports[0].totals["duplicates"] == 1
        assert reports[0].totals["shards"] > 2
        assert files(tmp_path / "1") == files(tmp_path / "2")

    def test_an_update_prepares_what_is_new_alone(
        self, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for n in (1, 2):
            build(corpus, tmp_path / str(n), PLAIN)
        with (corpus / "rows.jsonl").open("a") as file:
            file.write('{"id": "new", "text": "A new text."}\n')
        sent: list[RawRecord] = []
        real = module._batches

        def batches(*arguments: Any) -> Iterator[Any]:
            for batch in real(*arguments):
                sent.extend(pickle.loads(pickle.dumps(batch)).records)  # noqa: S301
                yield batch

        monkeypatch.setattr(module, "_batches", batches)
        reports = [update(corpus, tmp_path / str(n), workers=n) for n in (1, 2)]
        assert reports[0].counts == reports[1].counts
        assert reports[1].counts["added"] == 1
        assert files(tmp_path / "1") == files(tmp_path / "2")
        assert len(sent) < 5 < len(rows())

    def test_what_comes_back_is_what_would_be_made_here(self, corpus: Path) -> None:
        analyzer = Analyzer(PLAIN.analyzer)
        maker, unpacker = BlockMaker(analyzer), Unpacker()
        for record in scan(corpus):
            packed = pickle.loads(pickle.dumps(prepare_all([record], PLAIN, maker)))  # noqa: S301
            (given,) = unpacker.unpacked(packed)
            assert given.keys == record_keys(record)
            for item, found in zip(prepare(record, PLAIN), given.items, strict=True):
                if isinstance(item, Reject):
                    assert found == item
                    continue
                assert isinstance(found, Ready)
                check(item, found, analyzer)


def check(item: Prepared, found: Ready, analyzer: Analyzer) -> None:
    document, block = item.document, found.block
    texts = [indexed_text(document.title, document.text[span.start : span.end]) for span in item.passages]
    assert (found.doc_id, found.content, found.passages) == (document.doc_id, item.content, len(item.passages))
    assert block.document(found.number) == document
    assert list(block.indexed_texts(found.number, found.number + 1)) == texts
    assert block.terms is not None
    rows = range(*block.first_rows[found.number : found.number + 2])
    assert [counted(block.terms, row) for row in rows] == [Counter(analyzer.terms(text)) for text in texts]
    assert item.fingerprint is not None
    assert found.fingerprint is not None
    assert found.fingerprint.exact == item.fingerprint.exact
    assert found.fingerprint.numbers == item.fingerprint.numbers
    assert found.fingerprint.bands == item.fingerprint.bands


class TestTheFlow:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_in_order_and_no_further_ahead_than_the_workers_need(self, workers: int) -> None:
        read = 0

        def counted() -> Iterator[RawRecord]:
            nonlocal read
            for record in records(40 * BATCH_RECORDS):
                read += 1
                yield record

        for place, (record, given) in enumerate(prepared(counted(), PLAIN, workers, never)):
            assert record.ordinal == place
            assert given is not None
            assert [item.doc_id for item in given.items if isinstance(item, Ready)] == [str(place)]
            assert read - place <= (2 * AHEAD + 1) * BATCH_RECORDS
        assert place + 1 == read == 40 * BATCH_RECORDS

    def test_a_batch_of_large_records_is_short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "BATCH_BYTES", 100)
        sizes = [len(batch.records) for batch in module._batches(records(9), never)]
        assert sum(sizes) == 9
        assert max(sizes) <= 3

    def test_small_corpora_start_no_processes(self, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert workers_for(corpus, None, 8) == 1
        assert workers_for(corpus, 3, 8) == 3
        monkeypatch.setattr(module, "SMALL_BYTES", 10)
        assert workers_for(corpus, None, 8) == 8

    def test_memory_is_told(self) -> None:
        assert 10_000_000 < peak_memory()["own"] < 1 << 40


class TestADeadWorker:
    def test_it_is_an_error_and_the_build_goes_on_when_it_is_run_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "AHEAD", 2)  # so that the worker has work to do when it dies
        corpus = write_corpus(tmp_path / "c.jsonl", [f"Number {n} of many texts. " * 12 for n in range(4000)])
        settings = BuildSettings(encoder=None, shard_passages=250, duplicates="keep")
        killed = threading.Event()
        before = set(multiprocessing.active_children())

        def kill() -> None:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                receipts = list(tmp_path.glob("i/builds/*.partial/bm25/00001.*"))
                workers = [one for one in multiprocessing.active_children() if one not in before]
                if receipts and workers and workers[0].pid:
                    os.kill(workers[0].pid, signal.SIGKILL)
                    killed.set()
                    return
                time.sleep(0.005)

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(
            WebBrainError, match=r"a worker process died, .* run the same command again.* shards are kept"
        ):
            build(corpus, tmp_path / "i", settings, workers=2)
        killer.join()
        assert killed.is_set()
        report = build(corpus, tmp_path / "i", settings, workers=2)
        assert report.resumed_shards >= 1
        build(corpus, tmp_path / "unbroken", settings)
        assert files(tmp_path / "i") == files(tmp_path / "unbroken")
