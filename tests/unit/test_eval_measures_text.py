"""Text measures over items: what is 0, what does not apply, and known values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from eval.core import Item, Scores
from eval.measures import make_measure
from eval.measures.bertscore import BertScore, token_vectors
from eval.text import match, score_items
from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.encoding.default import default_encoder
from webbrain.errors import ConfigError
from webbrain.models import DEFAULT_ENCODER, resolve
from webbrain.types import Article, Passage, Reference, Sentence

LEAD = "Ada Lovelace was an English mathematician and writer. She wrote the first published program in 1843."


def article(*sentences: str, passages: Sequence[str] = (), cites: tuple[int, ...] = (1,)) -> Article:
    references = tuple(
        Reference(number, Passage(f"p{number}", f"d{number}", "", text, 0, len(text)))
        for number, text in enumerate(passages, 1)
    )
    status = "ok" if sentences else "no_evidence"
    return Article("Ada", tuple(Sentence(text, cites) for text in sentences), references, status)  # type: ignore[arg-type]


def scores(name: str, *items: Item) -> dict[str, Scores]:
    return {found.name: found for found in make_measure(name).score(items)}


SAME = Item("same", article(LEAD), (LEAD,))
OTHER = Item("other", article("Bicycles have two wheels."), ("Sourdough is a bread of flour and water.",))
EMPTY = Item("empty", article(), (LEAD,))
MISSING = Item("missing", None, (LEAD,))
UNJUDGED = Item("unjudged", article(LEAD))


@pytest.mark.parametrize("name", ["bleu", "meteor", "rouge", "cider"])
def test_likeness_is_highest_for_the_same_text_and_zero_for_none(name: str) -> None:
    for found in scores(name, SAME, OTHER, EMPTY, MISSING, UNJUDGED).values():
        values = found.values
        assert list(values) == ["same", "other", "empty", "missing", "unjudged"]
        top = {"CIDEr": 10.0, "CIDEr-D": 10.0}.get(found.name, 1.0)
        assert values["same"] == pytest.approx(top, abs=1e-3)
        assert values["other"] == pytest.approx(0.0, abs=0.25)
        assert (values["empty"], values["missing"], values["unjudged"]) == (0.0, 0.0, None)
        assert "no reference" in found.reasons["unjudged"]
        assert found.summary().n_excluded == 1


@pytest.mark.parametrize("name", ["bleu", "meteor", "rouge"])
def test_the_best_of_several_references_counts(name: str) -> None:
    both = Item("q", article(LEAD), ("Sourdough is a bread.", LEAD))
    for found in scores(name, both).values():
        assert found.values["q"] == pytest.approx(1.0, abs=1e-3)


def test_cider_does_not_apply_to_one_document() -> None:
    for found in scores("cider", SAME, UNJUDGED).values():
        assert found.values == {"same": None, "unjudged": None}
        assert "at least two" in found.reasons["same"]


def test_rouge_does_not_apply_to_a_script_that_it_does_not_read() -> None:
    found = scores("rouge", Item("ja", article("東京は日本の首都。"), ("東京は日本の首都。",)))["ROUGE-1"]
    assert found.values == {"ja": None}
    assert "Latin" in found.reasons["ja"]
    assert scores("meteor", Item("ja", article("東京は日本の首都。"), ("東京は日本の首都。",)))[
        "METEOR(exact, stem)"
    ].values["ja"] == pytest.approx(1.0, abs=0.01)


def test_length_and_abstention_count_articles() -> None:
    items = (SAME, EMPTY, MISSING)
    assert scores("length", *items)["words"].values == {"same": 16, "empty": 0, "missing": None}
    assert scores("length", *items)["sentences"].values == {"same": 1, "empty": 0, "missing": None}
    assert scores("abstention", *items)["abstained"].values == {"same": 0, "empty": 1, "missing": None}
    assert scores("abstention", *items)["missing"].values == {"same": 0, "empty": 0, "missing": 1}


def test_refer_is_over_cited_sentences_only() -> None:
    passages = ["Ada wrote programs for engines.", "Nobody read the notes."]
    cited = article("Ada wrote programs.", passages=passages, cites=(1, 9))
    assert scores("refer", Item("q", cited))["refer"].values["q"] == pytest.approx(3 / 4)
    both = article("Ada wrote notes.", passages=passages, cites=(2, 1))
    assert scores("refer", Item("q", both))["refer"].values["q"] == pytest.approx(3 / 7)
    for nothing in (article("Ada wrote.", passages=passages, cites=()), article("Ada.", passages=["The of"])):
        assert scores("refer", Item("q", nothing))["refer"].values["q"] is None


def test_a_copy_has_full_coverage_and_the_density_of_its_length() -> None:
    passages = ["Ada Lovelace wrote notes on an engine", "in London at night"]
    copied = scores("coverage", Item("q", article("Ada Lovelace wrote notes.", passages=passages)))
    assert (copied["coverage"].values["q"], copied["density"].values["q"]) == (1.0, 4.0)
    # A fragment does not run from one passage into the next: 7 words, then 2, of 9.
    across = scores(
        "coverage", Item("q", article("Ada Lovelace wrote notes on an engine in London", passages=passages))
    )
    assert across["density"].values["q"] == pytest.approx((49 + 4) / 9)
    assert scores("coverage", EMPTY)["coverage"].values["empty"] is None


def test_redundancy_sees_repeated_sentences() -> None:
    again = scores("redundancy", Item("q", article("Ada wrote many notes.", "Ada wrote many notes.", "It rained.")))
    assert again["redundancy"].values["q"] == pytest.approx(2 / 3)
    assert again["repeated 3-grams"].values["q"] == pytest.approx(0.5)
    alone = scores("redundancy", Item("q", article("It rained.")))
    assert (alone["redundancy"].values["q"], alone["repeated 3-grams"].values["q"]) == (None, None)


def test_queries_are_those_of_the_references_in_their_order() -> None:
    from eval.inputs import ArticleRow

    rows = [ArticleRow("x", article(LEAD)), ArticleRow("b", article("Ada."))]
    items, left_out = match(rows, {"a": ("A.",), "b": ("B.",)})
    assert [(item.query_id, item.text) for item in items] == [("a", ""), ("b", "Ada.")]
    assert left_out == ("x",)
    found = score_items(items, [make_measure("length")], left_out)
    assert (found.missing, found.left_out) == (("a",), ("x",))
    with pytest.raises(ConfigError, match="'words'"):
        score_items(items, [make_measure("length"), make_measure("length")])


def _has_encoder() -> bool:
    from webbrain.errors import ModelNotFound

    try:
        return bool(resolve(DEFAULT_ENCODER, offline=True))
    except ModelNotFound:
        return False


needs_encoder = pytest.mark.skipif(not _has_encoder(), reason="the default encoder is not on this machine")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of its own, so that the encoder is made here."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@needs_encoder
def test_bertscore_names_its_encoder_and_ranks_paraphrase_over_noise(cache: Path) -> None:
    near = Item("near", article("Lovelace, a British mathematician, published a computer program."), (LEAD,))
    found = BertScore().score([SAME, near, OTHER, EMPTY])[0]
    assert found.name == "BERTScore(all-MiniLM-L6-v2, int8)"
    values = {query_id: value or 0.0 for query_id, value in found.values.items()}
    assert values["same"] == pytest.approx(1.0, abs=1e-5)
    assert 1 > values["near"] > values["other"] > values["empty"] == 0.0
    assert len(list((cache / "webbrain").iterdir())) == 1


@needs_encoder
def test_bertscore_takes_the_encoder_of_an_index(tmp_path: Path) -> None:
    (tmp_path / "ada.txt").write_text(LEAD)
    build(tmp_path / "ada.txt", tmp_path / "index", BuildSettings(precision="fp32"))
    found = scores(f"bertscore:index={tmp_path / 'index'}", SAME)
    assert found["BERTScore(all-MiniLM-L6-v2, fp32)"].values["same"] == pytest.approx(1.0, abs=1e-5)


@needs_encoder
@pytest.mark.parametrize(("text", "tokens"), [("year " * 900, 900), ("," * 600, 600), ("", 0), ("year", 1)])
def test_no_token_of_a_long_text_is_cut_off(cache: Path, text: str, tokens: int) -> None:
    assert token_vectors(default_encoder(), text).shape == (tokens, 384)


@needs_encoder
def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="XDG_CACHE_HOME"):
        default_encoder()
