"""A build of the same corpus with other settings: what holds is taken over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indexing.build import build
from indexing.chunk import ChunkSettings
from indexing.progress import Silent
from indexing.settings import BuildSettings
from tests.unit.places import TEXTS, Place, ids, near
from webbrain.analysis import AnalyzerSettings
from webbrain.store import layout
from webbrain.store.verify import verify

MIXED = [*ids([near(), near(1), *TEXTS]), {"id": "bad", "text": 7}]


class TestOtherSettings:
    """Of the same corpus: what holds is taken over, and the result is that of a build from nothing."""

    def rebuilt(self, place: Place, settings: BuildSettings) -> list[str]:
        """Build with other settings, compare; returns what the build said."""
        said: list[str] = []
        progress = Silent()
        progress.note = said.append  # type: ignore[method-assign]
        build(place.corpus, place.output, settings, threads=1, progress=progress)
        again = Place(place.output.parent / "again")
        found, expected = place.index, again.build(MIXED, settings)
        assert found.manifest.files == expected.manifest.files
        assert found.manifest.totals == expected.manifest.totals
        assert verify(place.output, full=True) == []
        return said

    def test_another_encoder_takes_passages_over(self, place: Place) -> None:
        old = place.build(MIXED)
        said = self.rebuilt(place, BuildSettings(encoder="static", shard_passages=2))
        assert "the corpus is the same, and so are its passages: reusing them and BM25, only vectors are made" in said
        assert (place.index.build / layout.TEXT.format(1)).samefile(old.build / layout.TEXT.format(1))

    @pytest.mark.parametrize(
        "settings",
        [
            BuildSettings(ChunkSettings.around(60), encoder=None, shard_passages=2),
            BuildSettings(encoder=None, shard_passages=100),
            BuildSettings(analyzer=AnalyzerSettings("none"), encoder=None, shard_passages=1),
        ],
        ids=["chunker", "shards", "analyzer"],
    )
    def test_other_passages_are_cut_from_the_documents(self, place: Place, settings: BuildSettings) -> None:
        place.build(MIXED)
        said = self.rebuilt(place, settings)
        assert "the corpus is the same: reusing its cleaned documents from the index, they are only cut anew" in said

    def test_changes_go_on_behind_it(self, place: Place) -> None:
        place.build(MIXED)
        build(place.corpus, place.output, BuildSettings(ChunkSettings.around(60), encoder=None))
        assert place.update([{"id": "a", "text": "Else."}, *MIXED[1:]]) == {
            "replaced": 1,
            "returned": 1,
            "unchanged": 7,
            "rejected": 1,
        }

    def test_not_of_another_corpus_nor_by_force(self, place: Place) -> None:
        place.build(MIXED)
        place.write(MIXED[1:])
        said: list[str] = []
        progress = Silent()
        progress.note = said.append  # type: ignore[method-assign]
        other = BuildSettings(encoder=None, shard_passages=9)
        build(place.corpus, place.output, other, progress=progress)
        build(place.corpus, place.output, replace(other, shard_passages=5), force=True, progress=progress)
        assert not [sentence for sentence in said if "reusing" in sentence]
        assert "`webbrain index update " in " ".join(said)
