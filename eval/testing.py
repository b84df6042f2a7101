"""What every measure must do, as tests to inherit (as those of `webbrain.testing`): give the measure as a fixture.

class TestMyMeasure(MeasureConformance):
    @pytest.fixture
    def measure(self):
        return MyMeasure()
"""

from __future__ import annotations

from collections.abc import Mapping

from webbrain.types import Article, Passage, Reference, Sentence

from .core import Item, Measure, Scores

TEXT = "Ada Lovelace, a mathematician, wrote 3 notes in July 1843. She was born in London."


class MeasureConformance:
    """The contract of `eval.core.Measure`."""

    def test_every_query_has_a_value_or_a_reason(self, measure: Measure) -> None:
        for scores in measure.score(every_kind_of_item()):
            assert list(scores.values) == [item.query_id for item in every_kind_of_item()]
            for query_id, value in scores.values.items():
                assert value is not None or scores.reasons.get(query_id), f"{scores.name}: no reason for {query_id}"
            assert scores.summary().n + scores.summary().n_excluded == len(scores.values)

    def test_each_scores_has_a_name_of_its_own(self, measure: Measure) -> None:
        names = [scores.name for scores in measure.score(every_kind_of_item())]
        assert names
        assert len(set(names)) == len(names)

    def test_no_query_at_all_is_no_value(self, measure: Measure) -> None:
        assert all(scores.summary().value is None for scores in measure.score([]))

    def test_scores_do_not_depend_on_the_order_of_queries(self, measure: Measure) -> None:
        items = every_kind_of_item()
        assert _rounded(measure.score(items)) == _rounded(measure.score(items[::-1]))

    def test_scores_are_the_same_twice(self, measure: Measure) -> None:
        assert measure.score(every_kind_of_item()) == measure.score(every_kind_of_item())

    def test_a_missing_article_never_beats_the_reference_itself(self, measure: Measure) -> None:
        for scores in measure.score(every_kind_of_item()):
            missing, same = scores.values["missing"], scores.values["same"]
            assert missing is None or same is None or missing <= same or scores.name == "missing"


def every_kind_of_item() -> list[Item]:
    """Queries answered, copied, abstained, missing and unjudged; unusual marks, scripts, passages and lengths."""
    return [
        Item("same", _article(TEXT), (TEXT,)),
        Item("two", _article("Ada wrote notes.", "In 1843 Ada wrote notes."), ("Ada wrote notes.", TEXT)),
        Item("abstained", Article("q", (), (), "no_evidence"), (TEXT,)),
        Item("missing", None, (TEXT,)),
        Item("unjudged", _article(TEXT)),
        Item("nothing", None),
        Item("unmarked", _article("Ada wrote.", cites=()), (TEXT,)),
        Item("unknown mark", _article("Ada wrote.", cites=(0, 7, 7)), (TEXT,)),
        Item("empty passage", _article("Ada wrote.", passage=" "), (TEXT,)),
        Item("no words", _article("… — !", "?"), ("!",)),
        Item("script", _article("東京は日本の首都。"), ("東京は日本の首都である。",)),
        Item("long", _article("Ada wrote notes on engines. " * 70), (TEXT * 15,)),
    ]


def _article(*sentences: str, cites: tuple[int, ...] = (1,), passage: str = TEXT) -> Article:
    reference = Reference(1, Passage("p", "d", "Ada", passage, 0, len(passage)))
    return Article("Ada", tuple(Sentence(text, cites) for text in sentences), (reference,), "ok")


def _rounded(found: list[Scores]) -> dict[str, Mapping[str, float | None]]:
    """By name and query, so that the order of neither matters."""
    return {
        scores.name: {name: None if value is None else round(value, 9) for name, value in sorted(scores.values.items())}
        for scores in found
    }
