"""`index add`, `update`, `remove`: what each does to what there is, and what it costs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from indexing import changes, files, given, publish
from indexing.build import build
from indexing.compact import compact
from indexing.files import write_lock
from indexing.freshness import check_fresh
from indexing.publish import collect_garbage
from indexing.settings import BuildSettings
from indexing.update import ChangeReport, add, remove, update
from tests.unit.places import PLAIN, TEXTS, Place, counts, ids, near
from webbrain.errors import ConfigError, IndexBusy, IndexNotFound, IndexStale
from webbrain.retrieval import make_retriever
from webbrain.store import layout
from webbrain.store.verify import verify


class TestWhatIsCounted:
    def test_update(self, place: Place) -> None:
        place.build(ids(TEXTS))
        after = ids([*TEXTS[:2], "Other words.", *TEXTS[3:5]])
        assert place.update([*after, {"id": "n", "text": "New."}]) == {
            "added": 1,
            "replaced": 1,
            "removed": 1,
            "unchanged": 4,
        }
        assert place.texts() == {row["id"]: row["text"] for row in after} | {"n": "New."}

    def test_add(self, place: Place) -> None:
        place.build(ids(TEXTS[:3]))
        rows = [{"id": "b", "text": "Other."}, {"id": "c", "text": TEXTS[2]}, {"id": "n", "text": "New."}]
        assert place.add([*rows, {"id": "n", "text": "Twice."}, {"id": "e", "text": " "}]) == {
            "added": 1,
            "replaced": 1,
            "unchanged": 1,
            "rejected": 2,
        }
        assert place.texts() == {"a": TEXTS[0], "b": "Other.", "c": TEXTS[2], "n": "New."}
        assert [json.loads(line)["reason"] for line in (place.index.build / "rejects.jsonl").open()] == [
            "duplicate_id",
            "empty_text",
        ]

    def test_remove(self, place: Place) -> None:
        place.build(ids(TEXTS))
        assert counts(remove(place.output, ["a", "f", "a"])) == {"removed": 2}
        assert sorted(place.texts()) == ["b", "c", "d", "e"]
        totals = place.index.manifest.totals
        assert (totals["documents"], totals["deleted_documents"], totals["deleted_passages"]) == (4, 2, 2)
        assert place.update(ids(TEXTS)) == {"added": 2, "unchanged": 4}

    def test_ids_that_are_not_there(self, place: Place) -> None:
        place.build(ids(TEXTS))
        with pytest.raises(ConfigError, match=r"has no document x, y; mend the ids, or add --ignore-missing"):
            remove(place.output, ["a", "x", "y"])
        assert len(place.texts()) == 6
        assert not list(place.output.glob("builds/*.partial"))
        assert counts(remove(place.output, ["a", "x"], ignore_missing=True)) == {"removed": 1}

    def test_nothing_to_do_makes_no_build(self, place: Place) -> None:
        place.build(ids(TEXTS))
        for report in (
            update(place.corpus, place.output),
            add(place.corpus, place.output),
            remove(place.output, ["x"], ignore_missing=True),
        ):
            assert not report.fresh
        assert len(list(place.output.glob("builds/*"))) == 1

    def test_everything_may_go_and_come_back(self, place: Place) -> None:
        place.build(ids(TEXTS))
        remove(place.output, list("abcdef"))
        assert make_retriever(place.index, "bm25").search("dogs", 3) == []
        compact(place.output)
        assert (len(place.index), place.index.live) == (0, 0)
        assert place.update(ids(TEXTS)) == {"added": 6}
        assert len(make_retriever(place.index, "bm25").search("dogs", 3)) == 1
        assert verify(place.output, full=True) == []


class TestUnchangedPages:
    def test_cost_only_a_hash(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [*ids(TEXTS), {"id": "bad", "text": 7}, {"id": "same", "text": TEXTS[0].upper()}]
        place.build(rows)
        cleaned = []
        real = given.clean
        monkeypatch.setattr(given, "clean", lambda record: cleaned.append(record.line) or real(record))
        assert place.update([*rows, {"id": "n", "text": "New."}]) == {"added": 1, "unchanged": 7, "rejected": 1}
        assert cleaned == [9]
        rejects = (place.index.build / "rejects.jsonl").read_text().splitlines()
        assert [json.loads(line)["reason"] for line in rejects] == ["text_not_string"]
        assert place.aliases() == {"a": ["same"]}

    def test_their_files_are_the_same_on_disk(self, place: Place) -> None:
        old = place.build(ids(TEXTS[:4])).build
        place.update(ids(TEXTS))
        for pattern in layout.SHARD_FILES:
            assert (place.index.build / pattern.format(0)).samefile(old / pattern.format(0))

    def test_files_are_copied_where_there_are_no_links(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise OSError(95, "Operation not supported")

        old = place.build(ids(TEXTS[:4])).build
        monkeypatch.setattr(files.Path, "hardlink_to", refuse)
        place.update(ids(TEXTS))
        assert not (place.index.build / layout.TEXT.format(0)).samefile(old / layout.TEXT.format(0))
        assert verify(place.output, full=True) == []

    def test_a_row_written_otherwise_is_the_same_document(self, place: Place) -> None:
        place.build(ids(TEXTS))
        place.write([{"text": row["text"], "id": row["id"]} for row in ids(TEXTS)])
        assert counts(update(place.corpus, place.output)) == {"unchanged": 6}

    def test_rows_without_ids_are_known_by_their_place(self, place: Place) -> None:
        rows = [{"text": text} for text in TEXTS]
        place.build(rows)
        assert place.update([*rows, {"text": "New."}]) == {"added": 1, "unchanged": 6}
        assert place.update([rows[0], *rows[2:], {"text": "New."}])["removed"] == 1
        assert sorted(place.texts().values()) == sorted(["New.", *TEXTS[:1], *TEXTS[2:]])

    def test_a_page_and_its_references(self, tmp_path: Path) -> None:
        """One record gives several documents; what its new version has no longer goes, in `add` too."""
        place = Place(tmp_path)

        def page(references: Sequence[str]) -> dict[str, Any]:
            cited = [{"cite_id": str(n), "title": f"R{n}", "text": text} for n, text in enumerate(references)]
            return {"url": "http://p", "title": "P", "text": "The page says a lot of things.", "references": cited}

        long = [
            f"Reference {word} tells of {word} and of nothing else, in {n} words or more." * 3
            for n, word in enumerate("one two three".split())
        ]
        place.build([page(long)])
        assert sorted(place.texts()) == ["http://p", *(f"http://p#ref{n}" for n in range(3))]
        place.update([page(long[:2])])
        assert sorted(place.texts()) == ["http://p", "http://p#ref0", "http://p#ref1"]
        place.add([page([long[2]])])
        assert sorted(place.texts()) == ["http://p", "http://p#ref0"]
        assert "three" in place.texts()["http://p#ref0"]


class TestFoldedPages:
    """Equal to a build from nothing in every case; what says the same may come, go, change and move."""

    def same_as_built(self, place: Place, rows: Sequence[Any]) -> None:
        again = Place(place.output.parent / "again")
        again.build(rows)
        assert place.texts() == again.texts()
        assert place.aliases() == again.aliases()
        assert place.index.manifest.totals["duplicates"] == again.index.manifest.totals["duplicates"]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("abcd", "bcd"),  # the page that others are folded into goes
            ("abcd", "xbcd"),
            ("bcd", "abcd"),  # one like them comes before them
            ("abcd", "dcba"),
            ("abcd", "bcda"),
            ("cad", "acd"),
            ("adg", "dga"),  # a is like d, and d like g, but a is not like g
            ("dga", "adg"),
            ("gda", "agd"),
            ("ag", "adg"),
            ("adg", "ag"),
            ("aadg", "dagd"),
        ],
    )
    def test_update(self, place: Place, before: str, after: str) -> None:
        texts = {name: near(*range(count)) for count, name in enumerate("abcdefg")} | {"x": "Nothing like it."}
        rows = {name: {"id": name, "text": text} for name, text in texts.items()}
        place.build([rows[name] for name in before])
        found = [rows[name] for name in after]
        place.update(found)
        self.same_as_built(place, found)

    def test_a_page_that_says_something_else_now(self, place: Place) -> None:
        rows = ids([near(), near(1), near(2)])
        place.build(rows)
        assert place.aliases() == {"a": ["b", "c"]}
        rows[0]["text"] = "Something else."
        assert place.update(rows) == {"replaced": 1, "returned": 1, "unchanged": 2}
        assert place.aliases() == {"b": ["c"]}
        self.same_as_built(place, rows)

    def test_in_add_and_remove_a_folded_page_comes_back(self, place: Place) -> None:
        place.build(ids([near(), near(1), near(2)]))
        assert place.add([{"id": "a", "text": "Something else."}]) == {"replaced": 1, "returned": 1}
        assert place.aliases() == {"b": ["c"]}
        assert counts(remove(place.output, ["b"])) == {"removed": 1, "returned": 1}
        assert sorted(place.texts()) == ["a", "c"]
        assert place.texts()["c"].replace(" ", "") == near(2).replace(" ", "")

    def test_a_small_edit_keeps_them_folded(self, place: Place) -> None:
        place.build(ids([near(), near(1)]))
        assert place.add([{"id": "a", "text": near(3)}]) == {"replaced": 1}
        assert place.aliases() == {"a": ["b"]}

    def test_a_folded_page_may_be_removed_itself(self, place: Place) -> None:
        place.build(ids([near(), near(1), near(2)]))
        assert counts(remove(place.output, ["b"])) == {"removed": 1}
        assert place.aliases() == {"a": ["c"]}
        assert place.index.manifest.totals["deleted_passages"] == 0

    def test_an_id_that_came_twice(self, place: Place) -> None:
        """The first document of an id counts; when it goes, the second takes its place."""
        first, second, other = {"id": "a", "text": "First."}, {"id": "a", "text": "Second."}, {"id": "b", "text": "B."}
        place.build([first, other, second])
        place.update([other, second])
        assert place.texts() == {"a": "Second.", "b": "B."}
        place.update([first, other, second])
        assert place.texts() == {"a": "First.", "b": "B."}


class TestReaders:
    def test_one_that_is_open_goes_on_in_the_old_state(self, place: Place) -> None:
        old = place.build(ids(TEXTS))
        before = [(hit.passage, hit.score) for hit in make_retriever(old, "bm25").search("text about dogs", 9)]
        place.update(ids(["Text of cats.", *TEXTS[1:4], "New dogs."]))
        remove(place.output, ["b"])
        compact(place.output)
        after = [(hit.passage, hit.score) for hit in make_retriever(old, "bm25").search("text about dogs", 9)]
        assert (after, old.live) == (before, 6)
        assert place.index.live == 4

    def test_an_update_makes_an_old_index_fresh(self, place: Place) -> None:
        place.build(ids(TEXTS[:3]))
        place.add([*ids(TEXTS[:3]), {"id": "n", "text": "New."}])
        with pytest.raises(IndexStale):
            check_fresh(place.output, place.corpus)
        update(place.corpus, place.output)
        check_fresh(place.output, place.corpus)
        assert not build(place.corpus, place.output, PLAIN).fresh  # equal to what a build would make


class TestCompact:
    def test_full_shards_are_links_and_small_ones_are_merged(self, place: Place) -> None:
        old = place.build(ids(TEXTS))
        place.add([{"id": "x", "text": "One more."}])
        place.add([{"id": "y", "text": "And one more."}])
        place.add([{"id": "c", "text": "In place of c."}])
        before = [(hit.passage, hit.score) for hit in make_retriever(place.index, "bm25").search("more text of c", 20)]
        sizes = [entry.passages for entry in place.index.manifest.shards]
        report = compact(place.output)
        index = place.index
        assert report.counts["dropped_passages"] == 1
        assert (sizes, [entry.passages for entry in index.manifest.shards if entry.passages]) != ([], sizes)
        assert (len(index), index.live, index.manifest.totals["deleted_passages"]) == (8, 8, 0)
        assert (index.build / layout.TEXT.format(0)).samefile(old.build / layout.TEXT.format(0))
        assert not list(index.build.glob("passages/*.deleted.npy"))
        found = [(hit.passage, hit.score) for hit in make_retriever(index, "bm25").search("more text of c", 20)]
        assert found == before
        assert verify(place.output, full=True) == []
        assert not compact(place.output).fresh

    def test_merged_shards_are_those_of_a_build(self, place: Place) -> None:
        place.build(ids(TEXTS[:5]), BuildSettings(encoder="static", shard_passages=50))
        place.add(
            [{"id": "x", "text": "A word that no other document has: zebra."}, {"id": "b", "text": "Cats, again."}]
        )
        place.add([{"id": "y", "text": "Cats and dogs and the boats."}])
        remove(place.output, ["x"])
        compact(place.output)
        rows = [
            *ids(TEXTS[:5]),
            {"id": "b", "text": "Cats, again."},
            {"id": "y", "text": "Cats and dogs and the boats."},
        ]
        again = Place(place.output.parent / "again")
        expected = again.build([row for n, row in enumerate(rows) if n != 1], place.settings)
        assert place.index.manifest.shards == expected.manifest.shards
        names = [name for name in expected.manifest.files if name.split("/")[0] in ("passages", "bm25", "dense")]
        assert len(names) == len(layout.SHARD_FILES) + 1
        for name in names:
            assert place.index.manifest.files[name] == expected.manifest.files[name], name

    def test_changes_go_on_behind_it(self, place: Place) -> None:
        place.build(ids([near(), near(1), *TEXTS[:3]]))
        remove(place.output, ["c"])
        compact(place.output)
        assert place.update(ids(["Else.", near(1), *TEXTS[:3]])) == {
            "added": 1,
            "replaced": 1,
            "returned": 1,
            "unchanged": 3,
        }
        assert len(place.texts()) == 5


class TestAnIndexWithoutMemory:
    """Of format 1, or made elsewhere: its shards say what it holds."""

    @pytest.fixture
    def old(self, place: Place) -> Place:
        from tests.unit.test_store_errors import rewrite_manifest

        index = place.build(ids([near(), near(1), *TEXTS[:2]]))
        raw = json.loads((index.build / layout.MANIFEST).read_bytes())
        files = {name: entry for name, entry in raw["files"].items() if name != layout.STATE}
        totals = {name: number for name, number in raw["totals"].items() if not name.startswith("deleted")}
        (index.build / layout.STATE).unlink()
        rewrite_manifest(index.build, format_version=1, files=files, totals=totals)
        return place

    def test_it_is_read(self, old: Place) -> None:
        assert (sorted(old.texts()), verify(old.output, full=True)) == (["a", "c", "d"], [])

    def test_it_is_updated(self, old: Place) -> None:
        rows = [*ids([near(), near(1), *TEXTS[:2]]), {"id": "n", "text": "New."}]
        assert old.update(rows)["unchanged"] == 3
        assert (old.index.manifest.format_version, old.aliases()) == (2, {"a": ["b"]})

    def test_folded_pages_whose_text_is_lost_are_named(self, old: Place) -> None:
        report = remove(old.output, ["a"])
        assert report.lost == ["b"]
        old.update(ids([near(), near(1), *TEXTS[:2]])[1:])
        assert sorted(old.texts()) == ["b", "c", "d"]


def every_change(place: Place) -> tuple[Callable[[], ChangeReport], ...]:
    """One call of each command that changes an index."""
    return (
        lambda: add(place.corpus, place.output),
        lambda: update(place.corpus, place.output),
        lambda: remove(place.output, ["a"]),
        lambda: compact(place.output),
    )


class TestTrouble:
    def test_there_must_be_an_index(self, place: Place) -> None:
        place.write(ids(TEXTS))
        for change in every_change(place):
            with pytest.raises(IndexNotFound):
                change()
        assert not place.output.exists()

    def test_two_writers(self, place: Place) -> None:
        place.build(ids(TEXTS))
        place.write(ids(TEXTS[:2]))
        with write_lock(place.output):
            for change in every_change(place):
                with pytest.raises(IndexBusy):
                    change()

    def test_a_corpus_that_changes_while_it_is_read(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        build_id = place.build(ids(TEXTS)).build.name
        place.write(ids(TEXTS[:4]))
        real = given.clean

        def edited(record: Any) -> Any:
            place.write(ids(TEXTS[:3]))
            return real(record)

        place.write([*ids(TEXTS[:4]), {"id": "n", "text": "New."}])
        monkeypatch.setattr(given, "clean", edited)
        with pytest.raises(IndexStale, match="changed while it was read, nothing was published"):
            update(place.corpus, place.output)
        assert place.index.build.name == build_id

    def test_a_kill_while_an_unfinished_build_is_deleted(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is left of it is never gone on with."""

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        def half_way(path: Path) -> None:
            for file in path.glob("passages/*"):
                file.unlink()
            killed()

        place.build(ids(TEXTS))
        place.write([{"id": "b", "text": "Other."}])
        monkeypatch.setattr(changes.Changes, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            add(place.corpus, place.output)
        monkeypatch.setattr(publish.shutil, "rmtree", half_way)
        with pytest.raises(KeyboardInterrupt):
            collect_garbage(place.output)
        monkeypatch.undo()
        assert len(list(place.output.glob("builds/*.partial"))) == 1
        assert counts(add(place.corpus, place.output)) == {"replaced": 1}
        assert verify(place.output, full=True) == []

    @pytest.mark.parametrize("years", [-30, 30])
    def test_a_clock_that_is_set_back_or_ahead(self, place: Place, years: int) -> None:
        """Times decide nothing: contents do."""
        place.build(ids(TEXTS))
        place.write(ids([*TEXTS[:5], "Boats and ships."]))
        then = place.corpus.stat().st_mtime + years * 365 * 86400
        os.utime(place.corpus, (then, then))
        for path in place.output.rglob("*"):
            os.utime(path, (then, then))
        assert counts(update(place.corpus, place.output)) == {"replaced": 1, "unchanged": 5}
