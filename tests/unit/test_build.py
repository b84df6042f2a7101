from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexing import build as module
from indexing import disk, work
from indexing.build import build
from indexing.settings import BuildSettings, Plan
from webbrain.analysis import AnalyzerSettings
from webbrain.errors import ConfigError, CorpusError, IndexStale, ModelNotFound, WebBrainError
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index

PLAIN = BuildSettings(encoder=None)
TEXTS = [f"Text number {n} about {word}." for n, word in enumerate("dogs cats birds fish stars boats".split())]


class Notes:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.read: list[tuple[int, int, int]] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def reading(self, done_bytes: int, total_bytes: int, documents: int) -> None:
        self.read.append((done_bytes, total_bytes, documents))

    def encoding(self, shard: int, done: int, total: int) -> None:
        raise AssertionError("no vectors were asked for")


def side_file(index: Index, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (index.build / name).read_text().splitlines()]


class TestWhatIsKept:
    def test_documents_come_back_as_they_were(self, make_index: Callable[..., Index]) -> None:
        rows = [
            {"id": "a", "title": "First", "text": "Größe.\n\nZwei Sätze. 漢字。", "url": "http://a", "year": 1999},
            {"id": "b", "text": "No title here."},
        ]
        index = make_index(rows)
        first, second = (index.passages[0].document(number) for number in (0, 1))
        assert (first.doc_id, first.title, first.url) == ("a", "First", "http://a")
        assert first.text == rows[0]["text"]
        assert first.metadata == {"year": 1999}
        assert (second.doc_id, second.title, second.url) == ("b", "", "")
        for row in range(len(index)):
            passage = index.passage(row)
            document = first if passage.doc_id == "a" else second
            assert document.text[passage.start : passage.end] == passage.text

    def test_rejects_say_why_and_are_counted(self, make_index: Callable[..., Index]) -> None:
        index = make_index([{"id": "a", "text": "One."}, {"id": "a", "text": "Two."}, {"id": "b", "text": " "}])
        rejects = side_file(index, "rejects.jsonl")
        assert [(row["doc_id"], row["line"], row["reason"]) for row in rejects] == [
            ("a", 2, "duplicate_id"),
            ("b", 3, "empty_text"),
        ]
        assert index.manifest.totals["rejects"] == 2
        assert index.manifest.totals["documents"] == 1

    @pytest.mark.parametrize("shard", [1, 2, 100])
    def test_duplicates_are_folded_across_shards_with_their_addresses(
        self, make_index: Callable[..., Index], shard: int
    ) -> None:
        rows = [{"id": str(n), "text": text, "url": f"http://{n}"} for n, text in enumerate([*TEXTS, TEXTS[1].upper()])]
        index = make_index(rows, shard_passages=shard)
        assert side_file(index, "aliases.jsonl") == [{"same_as": "1", "doc_id": "6", "title": "", "url": "http://6"}]
        assert index.aliases == {"1": [{"doc_id": "6", "title": "", "url": "http://6"}]}
        assert (index.manifest.totals["duplicates"], index.manifest.totals["documents"]) == (1, 6)
        assert make_index(rows, duplicates="keep").manifest.totals["documents"] == 7

    def test_what_is_no_page_is_counted(self, tmp_path: Path) -> None:
        pages = "".join(
            f"<page><title>{title}</title><ns>{space}</ns><id>{n}</id><revision><text>Some text of {title}.</text>"
            "</revision></page>"
            for n, (title, space) in enumerate([("A", 0), ("Talk:A", 1), ("User:B", 2), ("C", 0)])
        )
        (tmp_path / "wiki.xml").write_text(f"<mediawiki>{pages}</mediawiki>")
        for shard in (1, 100):
            report = build(
                tmp_path / "wiki.xml", tmp_path / f"i{shard}", BuildSettings(encoder=None, shard_passages=shard)
            )
            assert (report.totals["documents"], report.totals["skipped"]) == (2, 2)

    def test_a_corpus_with_nothing_usable(self, make_index: Callable[..., Index]) -> None:
        index = make_index([{"id": "a", "text": ""}])
        assert len(index) == 0
        assert side_file(index, "rejects.jsonl")[0]["reason"] == "empty_text"
        assert make_retriever(index, "bm25").search("anything", 5) == []


class TestTheSamePlan:
    def test_nothing_is_done_twice(self, tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
        corpus = make_corpus(TEXTS)
        first = build(corpus, tmp_path / "i", PLAIN)
        notes = Notes()
        again = build(corpus, tmp_path / "i", PLAIN, progress=notes)
        assert (first.fresh, again.fresh) == (True, False)
        assert (again.build_id, again.totals) == (first.build_id, first.totals)
        assert notes.notes == ["this corpus is already indexed with these settings: nothing to do"]
        forced = build(corpus, tmp_path / "i", PLAIN, force=True)
        assert forced.fresh
        assert forced.build_id == f"{first.build_id}.2"
        assert Index.open(tmp_path / "i").build.name == forced.build_id

    def test_an_earlier_build_becomes_current_again(self, tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
        first = build(make_corpus(TEXTS), tmp_path / "i", PLAIN)
        build(make_corpus(TEXTS[:2]), tmp_path / "i", PLAIN)
        assert len(Index.open(tmp_path / "i")) == 2
        assert not build(make_corpus(TEXTS), tmp_path / "i", PLAIN).fresh
        assert Index.open(tmp_path / "i").build.name == first.build_id

    def test_a_damaged_build_is_made_anew(self, tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
        corpus = make_corpus(TEXTS)
        build(corpus, tmp_path / "i", PLAIN)
        next((tmp_path / "i" / "builds").glob("*/passages/*.text")).unlink()
        assert build(corpus, tmp_path / "i", PLAIN).fresh
        assert len(Index.open(tmp_path / "i")) == len(TEXTS)

    def test_what_changes_the_plan(self) -> None:
        plain = Plan("f", None, PLAIN)
        others = [
            Plan("g", None, PLAIN),
            Plan("f", "w", PLAIN),
            Plan("f", None, BuildSettings(encoder=None, shard_passages=9)),
            Plan("f", None, BuildSettings(encoder=None, analyzer=AnalyzerSettings("none"))),
            Plan("f", None, BuildSettings(encoder=None, duplicates="keep")),
        ]
        assert len({plain.build_id, *(other.build_id for other in others)}) == len(others) + 1
        assert Plan("f", None, BuildSettings(encoder=None)).build_id == plain.build_id


class TestRefusals:
    def test_paths(self, tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
        corpus = make_corpus(TEXTS)
        with pytest.raises(CorpusError, match="no such file or folder"):
            build(tmp_path / "none", tmp_path / "i", PLAIN)
        with pytest.raises(ConfigError, match="is a file; give a folder"):
            build(corpus, corpus, PLAIN)
        with pytest.raises(ConfigError, match="lies inside the corpus; give an --output outside"):
            build(corpus.parent, corpus.parent / "i", PLAIN)
        assert not (tmp_path / "i").exists()

    def test_settings(self) -> None:
        with pytest.raises(ConfigError, match="shards of 0 passages"):
            BuildSettings(shard_passages=0)

    def test_an_encoder_that_is_nowhere(
        self, tmp_path: Path, make_corpus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WEBBRAIN_OFFLINE", "1")
        with pytest.raises(ModelNotFound):
            build(make_corpus(TEXTS), tmp_path / "i", BuildSettings(encoder="nobody/nothing"))
        assert not (tmp_path / "i").exists()

    def test_a_short_disk(
        self, tmp_path: Path, make_corpus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = namedtuple("usage", "free")
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: usage(100))
        notes = Notes()
        with pytest.raises(ConfigError, match=r"has 0 MB free, the index needs about .* free some or give another"):
            build(make_corpus(TEXTS), tmp_path / "i", PLAIN, progress=notes)
        assert notes.notes[0].startswith("estimated disk: ")
        assert not (tmp_path / "i" / "builds").exists()

    def test_the_estimate_follows_kind_and_packing(self) -> None:
        plain = disk._estimate("a.jsonl", 1000)
        assert plain == 1000 * disk.INDEX_PER_TEXT
        assert disk._estimate("a.jsonl.gz", 1000) == 4 * plain
        assert disk._estimate("a.HTML", 1000) < disk._estimate("a.html.gz", 1000) == plain
        assert disk._estimate("a.warc.gz", 1000) < plain


class TestAChangingCorpus:
    def test_an_edit_while_it_is_read_publishes_nothing(
        self, tmp_path: Path, make_corpus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        corpus = make_corpus(TEXTS)
        real = work.scan

        def edited(*arguments: Any) -> Any:
            corpus.write_text(corpus.read_text().replace("cats", "bats"))
            return real(*arguments)

        monkeypatch.setattr(work, "scan", edited)
        with pytest.raises(IndexStale, match="changed while it was read, nothing was published; run the same command"):
            build(corpus, tmp_path / "i", PLAIN)
        with pytest.raises(WebBrainError):
            Index.open(tmp_path / "i")
        monkeypatch.setattr(work, "scan", real)
        assert build(corpus, tmp_path / "i", PLAIN).fresh
        assert make_retriever(Index.open(tmp_path / "i")).search("bats", 1)

    @pytest.mark.parametrize("place", [0, 3_000_000, 5_900_000])
    def test_no_edit_between_kill_and_resume_is_missed(self, tmp_path: Path, place: int) -> None:
        """In a large file too, and of the same size at the same time."""
        corpus = tmp_path / "c.jsonl"
        row = json.dumps({"text": "a word of many " * 40}) + "\n"
        corpus.write_text(row * (6_000_000 // len(row)))
        before = Plan(module.fingerprint(corpus), None, PLAIN)
        times = (corpus.stat().st_atime_ns, corpus.stat().st_mtime_ns)
        with corpus.open("r+b") as file:
            file.seek(place)
            file.seek(place + file.read(200).index(b"many"))
            file.write(b"more")
        os.utime(corpus, ns=times)
        assert Plan(module.fingerprint(corpus), None, PLAIN).build_id != before.build_id


class Interrupted(Exception):
    pass


def stop_after(monkeypatch: pytest.MonkeyPatch, shards: int) -> None:
    """Let builds break off once they have finished so many shards."""
    real = work.Work._make_shard

    def make_shard(self: Any, *arguments: Any) -> None:
        real(self, *arguments)
        if len(self.receipts) == shards:
            raise Interrupted

    monkeypatch.setattr(work.Work, "_make_shard", make_shard)


class TestResuming:
    @pytest.fixture
    def broken_off(
        self, tmp_path: Path, make_corpus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> tuple[Path, Path, BuildSettings]:
        """(corpus, index, settings) of a build that has three finished shards of seven."""
        corpus = make_corpus([*TEXTS, TEXTS[5].upper(), *(f"More text {n}." for n in range(6)), TEXTS[0].upper()])
        settings = BuildSettings(encoder=None, shard_passages=2)
        with monkeypatch.context() as patch:
            stop_after(patch, 3)
            with pytest.raises(Interrupted):
                build(corpus, tmp_path / "i", settings)
        return corpus, tmp_path / "i", settings

    def finish(self, broken_off: tuple[Path, Path, BuildSettings], resumed: int) -> None:
        """The build goes on after so many shards and comes out like an unbroken one."""
        corpus, folder, settings = broken_off
        report = build(corpus, folder, settings)
        assert report.resumed_shards == resumed
        build(corpus, folder.with_name("unbroken"), settings)
        found, expected = Index.open(folder), Index.open(folder.with_name("unbroken"))
        assert found.manifest.files == expected.manifest.files
        assert found.manifest.totals == expected.manifest.totals
        assert found.manifest.totals["duplicates"] == 2
        assert [path.name for path in (folder / "builds").iterdir()] == [report.build_id]

    def test_finished_shards_are_kept(self, broken_off: tuple[Path, Path, BuildSettings]) -> None:
        self.finish(broken_off, 3)

    def test_without_a_file_of_a_shard_it_begins_again(self, broken_off: tuple[Path, Path, BuildSettings]) -> None:
        next(broken_off[1].glob("builds/*.partial/bm25/00001.terms")).unlink()
        self.finish(broken_off, 0)

    def test_without_its_memory_of_duplicates_it_begins_again(
        self, broken_off: tuple[Path, Path, BuildSettings]
    ) -> None:
        for path in broken_off[1].glob("builds/*.partial/stage/state.sqlite*"):
            path.unlink()
        self.finish(broken_off, 0)

    def test_another_state_of_the_corpus_begins_again(self, broken_off: tuple[Path, Path, BuildSettings]) -> None:
        corpus = broken_off[0]
        corpus.write_text(corpus.read_text().replace("More text 0", "Less text 0"))
        self.finish(broken_off, 0)

    def test_other_settings_begin_again(self, broken_off: tuple[Path, Path, BuildSettings]) -> None:
        self.finish((*broken_off[:2], BuildSettings(encoder=None, shard_passages=3)), 0)

    def test_what_is_on_disk_is_not_estimated_again(
        self, broken_off: tuple[Path, Path, BuildSettings], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        corpus, folder, settings = broken_off
        usage = namedtuple("usage", "free")
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: usage(0))
        with pytest.raises(ConfigError):
            build(corpus, folder.with_name("another"), settings)
        assert build(corpus, folder, settings).fresh


def test_progress_is_told_of_bytes_and_documents(tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
    corpus, notes = make_corpus(TEXTS), Notes()
    build(corpus, tmp_path / "i", PLAIN, progress=notes)
    size = corpus.stat().st_size
    assert notes.read[-1] == (size, size, len(TEXTS))


def test_an_index_does_not_need_its_corpus(tmp_path: Path, make_corpus: Callable[..., Path]) -> None:
    corpus = make_corpus(TEXTS)
    build(corpus, tmp_path / "i", PLAIN)
    shutil.rmtree(corpus.parent)
    assert make_retriever(Index.open(tmp_path / "i")).search("cats", 1)[0].passage.text == TEXTS[1]
