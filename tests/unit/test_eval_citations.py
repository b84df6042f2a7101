"""Citation recall and precision: equal to ALCE on well-formed marks, stricter on the traps it falls into."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.checks import CheckedSentence, check_article
from eval.citations import CitationMeasures
from eval.core import Item
from eval.inputs import article_from_json, read_articles
from webbrain.errors import CorpusError
from webbrain.grounding.exact import ExactScorer
from webbrain.types import Article, Claim, Passage, Reference, Sentence, Verdict

BORN = "Ada Lovelace was born in London in 1815."
DIED = "Ada Lovelace died in Marylebone in 1852."
OTHER = "The bakery opens at nine and sells rye bread."


class WordScorer:
    """Supported when the passages together hold every word of the claim: support that can be counted by hand."""

    name = "words"

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        held = {word for source in sources for word in source.text.split()}
        wanted = claim.text.split()
        share = sum(word in held for word in wanted) / len(wanted)
        return Verdict("supported" if share == 1 else "not_supported", share)


def _article(text: str, references: Sequence[str] = (BORN, DIED, OTHER)) -> Article:
    return article_from_json({"text": text, "references": list(references)})


def _check(text: str, references: Sequence[str] = (BORN, DIED, OTHER)) -> list[CheckedSentence]:
    return list(check_article("q", _article(text, references), ExactScorer()).sentences)


def _scores(article: Article | None) -> dict[str, float | None]:
    return {scores.name: scores.values["q"] for scores in CitationMeasures(ExactScorer()).score([Item("q", article)])}


def _alce(sentences: list[str], docs: list[str]) -> tuple[float, float]:
    """`compute_autoais` of ALCE, written again from its description: (recall, precision) of one item."""

    def entails(places: list[int], claim: str) -> int:
        held = " ".join(docs[place] for place in places).split()
        return int(all(word in held for word in claim.split()))

    entail = entail_prec = total = 0
    for sentence in sentences:
        claim = re.sub(r"\[\d+", "", re.sub(r" \[\d+", "", sentence)).replace("]", "").strip()
        ref = [int(mark[1:]) - 1 for mark in re.findall(r"\[\d+", sentence)]
        joint = entails(ref, claim) if ref else 0
        total += len(ref)
        entail += joint
        if joint and len(ref) > 1:
            for place in ref:
                rest = [other for other in ref if other != place]
                entail_prec += bool(entails([place], claim) or not entails(rest, claim))
        else:
            entail_prec += joint
    return entail / len(sentences), entail_prec / total if total else 0.0


def test_equals_alce_on_random_articles() -> None:
    rng = random.Random(7)
    words = "abcdefgh"
    for _ in range(400):
        docs = [" ".join(rng.sample(words, rng.randint(1, 6))) for _ in range(4)]
        claims = [" ".join(rng.sample(words, rng.randint(1, 3))) for _ in range(rng.randint(1, 5))]
        cited = [tuple(rng.sample(range(1, 5), rng.randint(0, 3))) for _ in claims]
        sentences = tuple(Sentence(claim, markers) for claim, markers in zip(claims, cited, strict=True))
        references = tuple(Reference(n, Passage(str(n), str(n), "", doc, 0, 0)) for n, doc in enumerate(docs, 1))
        article = Article("q", sentences, references, "ok")
        found = {s.name: s.values["q"] for s in CitationMeasures(WordScorer()).score([Item("q", article)])}
        marked = [claim + " " + "".join(f"[{n}]" for n in ns) for claim, ns in zip(claims, cited, strict=True)]
        recall, precision = _alce(marked, docs)
        assert found["citation_recall"] == pytest.approx(recall, abs=1e-9)
        if any(cited):
            assert found["citation_precision"] == pytest.approx(precision, abs=1e-9)
        else:
            assert found["citation_precision"] is None


@pytest.mark.parametrize(
    ("text", "recall", "precision"),
    [
        (f"{BORN[:-1]} [1].", 1.0, 1.0),
        (f"{BORN[:-1]} [3, 1].", 1.0, 0.5),  # `[3, 1]` is two marks: ALCE reads the first only
        (f"{BORN[:-1]} [1, 3].", 1.0, 0.5),
        (f"{BORN[:-1]} [0].", 0.0, None),  # `[0]` is no reference: ALCE reads it as the last document
        (f"{OTHER[:-1]} [0].", 0.0, None),
        (f"{BORN[:-1]} [1][9].", 1.0, 0.5),  # an unknown mark is punished
        (f"{BORN[:-1]} [9].", 0.0, 0.0),
        (f"{BORN}[1] {DIED}[2]", 1.0, 1.0),  # marks after the full stop belong to the sentence before
        (f"{BORN} [1] {DIED} [2]", 1.0, 1.0),
        (f"{BORN} {DIED}", 0.0, None),
        (f"{BORN[:-1]} [1-3].", 1.0, 1 / 3),
    ],
)
def test_traps(text: str, recall: float, precision: float | None) -> None:
    found = _scores(_article(text))
    assert found["citation_recall"] == pytest.approx(recall)
    assert found["citation_precision"] == (precision if precision is None else pytest.approx(precision))


@pytest.mark.parametrize("empty", ["", "   "])
def test_an_empty_passage_supports_nothing(empty: str) -> None:
    sentence = _check(f"{BORN[:-1]} [1].", [empty])[0]
    assert (sentence.kind, sentence.supported, sentence.marks[0].precise) == ("not_checked", False, False)


def test_a_zero_based_reference_list_is_taken_at_its_word() -> None:
    row = {"text": f"{BORN[:-1]} [0].", "references": [{"marker": 0, "text": BORN}]}
    assert check_article("q", article_from_json(row), ExactScorer()).sentences[0].kind == "supported"


def test_kinds_of_sentences_are_told_apart() -> None:
    both = "Ada Lovelace was born in 1815 and died in 1852"
    assert _check(f"{both} [1][2].")[0].kind == "joint"
    assert _check(f"{BORN[:-1]} [1].")[0].kind == "supported"
    assert _check(f"{BORN[:-1]} [3].")[0].kind == "elsewhere"
    assert _check(f"{BORN[:-1]} [3].")[0].elsewhere == (1,)
    assert _check("Charles Babbage sold shoes in 1999 [3].")[0].kind == "not_supported"
    assert _check(f"{BORN[:-1]} [8].")[0].kind == "unresolved"
    assert _check(BORN)[0].kind == "uncited"
    assert _check(BORN)[0].elsewhere == (1,)


def test_joint_support_needs_every_passage_and_over_citation_is_counted() -> None:
    both = "Ada Lovelace was born in 1815 and died in 1852"
    jointly = _check(f"{both} [1][2].")[0]
    assert [mark.precise for mark in jointly.marks] == [True, True]
    padded = _check(f"{both} [1][2][3].")[0]
    assert [mark.precise for mark in padded.marks] == [True, True, False]
    assert padded.over_cited == 1
    assert _scores(_article(f"{both} [1][2][3]."))["over_citation"] == pytest.approx(1 / 3)


def test_a_missing_article_scores_zero_and_an_empty_one_does_not_apply() -> None:
    assert _scores(None)["citation_recall"] == 0.0
    assert _scores(None)["citation_precision"] == 0.0
    abstained = Article("q", (), (), "no_evidence")
    assert set(_scores(abstained).values()) == {None}


def test_rows_of_other_systems_are_read(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    row = {"query_id": "7", "text": f"{BORN}[1]", "references": [{"text": BORN, "title": "Ada", "url": "https://a.b"}]}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    article = next(iter(read_articles(path))).article
    assert article.sentences == (Sentence(BORN, (1,)),)
    assert article.references[0].passage.title == "Ada"


@pytest.mark.parametrize(
    "references",
    [[{"marker": 1, "text": "a"}, {"marker": 1, "text": "b"}], [{"marker": "1", "text": "a"}], [7], "a string"],
)
def test_malformed_references_are_an_error_with_its_line(tmp_path: Path, references: object) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(json.dumps({"query_id": "7", "text": "A [1].", "references": references}), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"run.jsonl:1"):
        list(read_articles(path))
