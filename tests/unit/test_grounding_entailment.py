"""Entailment models from ONNX folders: no torch, whatever classes and lengths they were exported with."""

from __future__ import annotations

import json
import subprocess
import sys
from math import exp
from pathlib import Path

import pytest

from tests.entailing import make_classifier
from webbrain.errors import ConfigError, ModelNotFound
from webbrain.grounding.entailment import open_model
from webbrain.grounding.nli import NliScorer
from webbrain.types import Claim, Passage

BRIDGE = "The old bridge fell into the river ."


def passage(text: str) -> Passage:
    return Passage("p", "d", "", text, 0, len(text))


@pytest.mark.parametrize("width", ["n", 32])
def test_shares_of_three_classes(tmp_path: Path, width: int | str) -> None:
    model = open_model(str(make_classifier(tmp_path / "m", width=width)))
    neither, against = model.opinion(BRIDGE, "it fell"), model.opinion(BRIDGE, "it fell not")
    assert exp(neither.supported) == pytest.approx(1 / 3)
    assert neither.lean == pytest.approx(0)
    assert against.lean == pytest.approx(-4)
    assert exp(against.contradicted) == pytest.approx(exp(4) / (exp(4) + 2))


@pytest.mark.parametrize(
    ("labels", "lean"),
    [(("other", "contradiction"), -4.0), (("contradiction", "other"), -4.0), (("not_supported", "supported"), 0.0)],
)
def test_a_missing_class_is_all_that_the_other_is_not(tmp_path: Path, labels: tuple[str, str], lean: float) -> None:
    found = open_model(str(make_classifier(tmp_path / "m", labels))).opinion(BRIDGE, "it fell not")
    assert found.lean == pytest.approx(lean)
    assert exp(found.supported) + exp(found.contradicted) == pytest.approx(1)


def test_a_long_passage_is_cut_and_the_claim_is_not(tmp_path: Path) -> None:
    model = open_model(str(make_classifier(tmp_path / "m", width=16)))
    assert model.opinion("the " * 100 + "not", "it fell").lean == pytest.approx(0)
    assert model.opinion("the " * 100, "it fell not").lean == pytest.approx(-4)
    assert model.room("it fell") == 16 - 2 - 3


def test_control_tokens_of_a_page_are_words(tmp_path: Path) -> None:
    model = open_model(str(make_classifier(tmp_path / "m")))
    assert model.backend.length("[SEP]") > 1


def test_nli_reads_an_onnx_folder_without_torch(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "m")
    code = (
        "import sys; from webbrain.grounding.scorers import make_scorer; from webbrain.types import Claim, Passage\n"
        f"verdict = make_scorer('nli:{folder}').score(Claim('It fell not .'), "
        f"[Passage('p', 'd', '', {BRIDGE!r}, 0, 9)])\n"
        "print(verdict.label, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["contradicted", "False"]


def test_a_model_without_a_class_for_it_never_says_contradicted(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "m", ("not_supported", "supported"))
    assert NliScorer(str(folder)).score(Claim("It fell not ."), [passage(BRIDGE)]).label != "contradicted"


def test_a_folder_that_is_not_whole(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelNotFound, match=r"needs tokenizer\.json"):
        open_model(str(folder))


def test_classes_that_say_nothing(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "m", ("good", "bad"))
    with pytest.raises(ConfigError, match="good, bad"):
        open_model(str(folder))
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "ENTAILMENT", "1": "rest"}}), encoding="utf-8")
    assert open_model(str(folder)).classes.supported == 0
    (folder / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="id2label"):
        open_model(str(folder))


@pytest.mark.parametrize("labels", [("entails", "neutral", "contradiction"), ("entailment", "neutral", "contradicts")])
def test_of_three_classes_both_must_be_known(tmp_path: Path, labels: tuple[str, ...]) -> None:
    """A missing class would be the sum of the other two, neutral among them."""
    with pytest.raises(ConfigError, match="not known which"):
        open_model(str(make_classifier(tmp_path / "m", labels)))


def test_a_copy_of_a_listed_model_is_known_by_its_folder(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "cross-encoder/nli-deberta-v3-base", ("LABEL_0", "LABEL_1", "LABEL_2"))
    assert open_model(str(folder)).classes.licence == "Apache-2.0"


def test_narrow_ids_and_positions_are_fed(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "m", narrow=True, more="position_ids")
    assert open_model(str(folder)).opinion(BRIDGE, "it fell not").lean == pytest.approx(-4)


def test_what_a_graph_cannot_be_given_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="bbox"):
        open_model(str(make_classifier(tmp_path / "m", more="bbox")))
    folder = make_classifier(tmp_path / "other")
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "entailment", "1": "rest"}}), encoding="utf-8")
    with pytest.raises(ModelNotFound, match="2 classes"):
        open_model(str(folder))
