"""Tier 2 with a tiny random classifier made on the spot: what it says means nothing, but the path to it is real."""

from __future__ import annotations

from pathlib import Path

import pytest

from webbrain.errors import ConfigError, ModelNotFound
from webbrain.grounding.nli import NliScorer
from webbrain.grounding.scorers import make_scorer
from webbrain.types import Claim, Passage

torch = pytest.importorskip("torch", reason="tier 2 needs torch")
transformers = pytest.importorskip("transformers", reason="tier 2 needs transformers")

TEXT = "The old bridge fell into the river. Nobody was hurt. " * 30
LABELS = {0: "entailment", 1: "neutral", 2: "contradiction"}


def make_model(folder: Path, labels: dict[int, str]) -> Path:
    """A random BERT of two layers over a vocabulary of letters."""
    letters = [*"abcdefghijklmnopqrstuvwxyz.,'0123456789"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(pieces))
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        num_labels=len(labels), id2label=labels, label2id={name: at for at, name in labels.items()},
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), model_max_length=128).save_pretrained(folder)
    return folder


def passage(text: str) -> Passage:
    return Passage("p", "d", "", text, 0, len(text))


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> NliScorer:
    return make_scorer(f"nli:{make_model(tmp_path_factory.mktemp('nli') / 'model', LABELS)}")  # type: ignore[return-value]


def test_a_long_source_is_read_in_windows_that_fit(scorer: NliScorer) -> None:
    verdict = scorer.score(Claim("The bridge fell."), [passage(TEXT)])
    assert 0 < verdict.score < 1
    assert verdict.label in ("supported", "contradicted", "not_supported")
    windows = scorer._windows(TEXT, "The bridge fell.")
    assert len(windows) > 1
    assert "The old bridge fell into the river." in windows[0]
    assert "Nobody was hurt." in windows[-1]


def test_the_model_is_named(scorer: NliScorer) -> None:
    assert scorer.name.startswith("nli:")
    assert scorer.score(Claim("It fell."), [passage("It fell.")]).reasons[0].startswith(scorer.name)


@pytest.mark.parametrize(("claim", "text"), [("", "It fell."), ("It fell.", " "), ("long " * 200, "It fell.")])
def test_what_cannot_be_read_is_not_checked(scorer: NliScorer, claim: str, text: str) -> None:
    assert scorer.score(Claim(claim), [passage(text)]).label == "not_checked"


def test_classes_that_say_nothing_of_support_are_refused(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", {0: "POSITIVE", 1: "NEGATIVE"})
    with pytest.raises(ConfigError, match="POSITIVE"):
        NliScorer(str(folder)).score(Claim("It fell."), [passage("It fell.")])


def test_a_folder_without_a_model_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"needs tokenizer\.json"):
        NliScorer(str(tmp_path)).score(Claim("It fell."), [passage("It fell.")])
