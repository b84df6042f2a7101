"""QAGS and Triple Score by rules: they tell a true article from one with its facts exchanged."""

from __future__ import annotations

import pytest

from eval.core import Item
from eval.measures import make_measure
from eval.measures.answers import answer_spans
from eval.measures.qags_offline import ClozeAnswerer, ClozeAsker
from eval.measures.triple import Triple, parse_triples, triple_score
from eval.measures.triple_offline import agree, extract_triples
from webbrain.errors import ConfigError
from webbrain.types import Article, Passage, Reference, Sentence

SOURCE = (
    "Apollo 11 was launched by a Saturn V rocket on 16 July 1969. Neil Armstrong landed on the Moon on 20 July. "
    "Michael Collins stayed in orbit. The crew brought home 21 kilograms of rock."
)
TRUE = ("Apollo 11 was launched on 16 July 1969 by a Saturn V.", "It brought home 21 kilograms of rock.")
# Every name, number and date stands in the source, at another predicate.
EXCHANGED = ("Michael Collins landed on the Moon on 16 July 1969.", "Neil Armstrong stayed in orbit.")


def item(*sentences: str, source: str = SOURCE) -> Item:
    passage = Passage("p", "d", "Apollo 11", source, 0, len(source))
    article = Article("Apollo 11", tuple(Sentence(text, (1,)) for text in sentences), (Reference(1, passage),), "ok")
    return Item("q", article, (source,))


def value(name: str, found: Item) -> float | None:
    return make_measure(name).score([found])[0].values["q"]


def test_answers_asked_for_are_names_numbers_and_dates() -> None:
    text = "The Museum of the Moon, in July 1969 and on the 5th, gave Apollo 11 and O'Brien 3.5 prizes."
    found = [(span.kind, text[span.start : span.end]) for span in answer_spans(text)]
    names = [("name", "Museum of the Moon"), ("date", "July 1969"), ("number", "5")]
    assert found == [*names, ("name", "Apollo 11"), ("name", "O'Brien"), ("number", "3.5")]


def test_a_cloze_is_answered_from_the_most_similar_context() -> None:
    question = next(q for q in ClozeAsker().ask(["Neil Armstrong stayed in orbit."]) if q.answer == "Neil Armstrong")
    assert ClozeAnswerer().answer(question, SOURCE) == "Michael Collins"
    assert ClozeAnswerer().answer(question, "Bread is baked in Paris.") == ""


def test_a_number_is_asked_for_by_a_number() -> None:
    (question,) = ClozeAsker().ask(["the crew brought home 21 kilograms of rock."])
    source = "The crew brought home kilograms of rock for Houston. Later 33 kilograms came."
    assert ClozeAnswerer().answer(question, source) == "33"


@pytest.mark.parametrize("against", ["references", "evidence"])
def test_qags_offline_tells_true_from_exchanged(against: str) -> None:
    name = f"qags-offline:against={against}"
    true, exchanged = value(name, item(*TRUE)), value(name, item(*EXCHANGED))
    assert true == 1.0
    assert exchanged is not None
    assert exchanged < 0.5
    label = make_measure(name).score([item(*TRUE)])[0].name
    assert label == ("QAGS-offline" if against == "references" else "QAGS-offline (evidence)")


def test_an_article_without_questions_has_no_qags() -> None:
    found = make_measure("qags-offline").score([item("it rained."), Item("m", None, (SOURCE,))])[0]
    assert found.values == {"q": None, "m": None}
    assert "no question" in found.reasons["q"]


def test_triples_by_rules() -> None:
    found = extract_triples(
        [
            "Neil Armstrong, who died in 2012, became the first man on the Moon.",
            "He was not born in Paris and, in 1969, landed there.",
        ]
    )
    assert found[:3] == [
        Triple("Neil Armstrong", "died in", "2012"),
        Triple("Neil Armstrong", "became", "the first man"),
        Triple("Neil Armstrong", "became on", "the Moon"),
    ]
    assert Triple("Neil Armstrong", "not born in", "Paris") in found
    assert extract_triples(["of the", "", "Stop"]) == []


def test_triple_offline_tells_true_from_changed() -> None:
    assert value("triple-offline", item("Apollo 11 was launched on 16 July 1969.")) == 1.0
    assert value("triple-offline", item("Apollo 11 was launched on 17 July 1969.")) == 0.0
    assert value("triple-offline:against=evidence", item("Apollo 11 was launched on 16 July.")) == 1.0
    assert value("triple-offline", item("Sourdough was baked in Paris.")) is None


def test_agreement_is_containment_of_content() -> None:
    assert agree("the Saturn V rocket", "a Saturn V")
    assert agree("two moons", "the moon of two")
    assert not agree("the Moon", "the Sun")
    assert not agree("the", "the")
    assert not agree("born in", "born to")


def test_only_triples_that_both_texts_speak_of_are_judged() -> None:
    theirs = [Triple("a", "r", "x"), Triple("a", "r", "y")]

    def same(one: str, other: str) -> bool:
        return one == other

    ours = [Triple("a", "r", "y"), Triple("a", "r", "z"), Triple("b", "r", "x"), Triple("a", "r", "y")]
    assert triple_score(ours, theirs, same) == 0.5
    assert triple_score([Triple("b", "r", "x")], theirs, same) is None


def test_rebels_output_is_parsed_and_broken_parts_are_left_out() -> None:
    output = "<s><triplet> Ada <subj> London <obj> born in <subj> 1815 <obj> born on <triplet> X <subj> Y</s><pad>"
    assert parse_triples(output) == [Triple("Ada", "born in", "London"), Triple("Ada", "born on", "1815")]
    assert parse_triples("Ada was born.") == []


@pytest.mark.parametrize("name", ["qags-offline:against=nothing", "triple-offline:against=nothing", "triple"])
def test_wrong_options_are_named(name: str) -> None:
    with pytest.raises(ConfigError):
        make_measure(name).score([item(*TRUE)])
