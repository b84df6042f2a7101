"""Every text measure agrees with another implementation on random inputs.

BLEU and ROUGE call their reference packages, so they are held against the formulas written out here; METEOR against
nltk; CIDEr-D against values that pycocoevalcap 1.2 gave, and both CIDErs against the formulas; BERTScore against the
formula of bert-score 0.3.13 (`greedy_cos_idf`, compared with that function once: at most 1e-7 apart).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.meteor_score import single_meteor_score
from rouge_score.rouge_scorer import RougeScorer

from eval.core import Item
from eval.measures.answers import token_f1
from eval.measures.bertscore import bert_score
from eval.measures.bleu import Bleu
from eval.measures.cider import Weights, cider, cider_d
from eval.measures.fragments import fragments
from eval.measures.meteor import meteor
from eval.measures.redundancy import repeated_runs, rouge_l
from eval.measures.refer import refer
from eval.measures.rouge import Rouge
from eval.measures.tokens import stem
from webbrain.types import Article, Sentence

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
quick = settings(deadline=None, max_examples=60)
WORDS = "river rivers bank banks old stone walked walking city water".split()
texts = st.lists(st.sampled_from(WORDS), max_size=14)
filled = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14)
reference_sets = st.lists(filled, min_size=1, max_size=3)


def item(query_id: str, text: Sequence[str], references: Sequence[Sequence[str]]) -> Item:
    sentences = (Sentence(" ".join(text), ()),) if text else ()
    return Item(query_id, Article("q", sentences, (), "ok"), tuple(" ".join(words) for words in references))


def grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def bleu_counts(text: Sequence[str], references: Sequence[Sequence[str]], n: int) -> tuple[int, int]:
    best: Counter[tuple[str, ...]] = Counter()
    for reference in references:
        best |= grams(reference, n)
    return (grams(text, n) & best).total(), grams(text, n).total()


def bleu(counts: list[tuple[int, int]], length: int, target: int, effective: bool) -> float:
    """Papineni's geometric mean, a zero precision smoothed to 1/2, 1/4 ... of one match (as mteval does)."""
    if not length or not any(right for right, _ in counts):
        return 0.0
    logs, smooth = [], 1.0
    for right, total in counts:
        if total == 0:
            if effective:
                break
            return 0.0
        if right == 0:
            smooth *= 2
        logs.append(math.log(right / total if right else 1 / (smooth * total)))
    return min(1.0, math.exp(1 - target / length)) * math.exp(sum(logs) / len(logs))


def closest(text: Sequence[str], references: Sequence[Sequence[str]]) -> int:
    return min((len(reference) for reference in references), key=lambda size: (abs(size - len(text)), size))


@quick
@given(st.lists(st.tuples(texts, reference_sets), min_size=1, max_size=4))
def test_bleu_is_papinenis_formula_for_a_query_and_for_the_corpus(
    cases: list[tuple[list[str], list[list[str]]]],
) -> None:
    scores = Bleu().score([item(str(number), *case) for number, case in enumerate(cases)])
    for order, found in enumerate(scores, 1):
        assert found.name == f"BLEU-{order}"
        counted = [[bleu_counts(*case, n) for n in range(1, order + 1)] for case in cases]
        for number, (text, references) in enumerate(cases):
            expected = bleu(counted[number], len(text), closest(text, references), effective=True)
            assert found.values[str(number)] == pytest.approx(expected, abs=1e-6)
        summed = [tuple(map(sum, zip(*column, strict=True))) for column in zip(*counted, strict=True)]
        lengths = sum(len(text) for text, _ in cases), sum(closest(*case) for case in cases)
        assert found.pooled == pytest.approx(bleu(summed, *lengths, effective=False), abs=1e-6)  # type: ignore[arg-type]


def subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    if not one or not other:
        return 0
    if one[-1] == other[-1]:
        return 1 + subsequence(one[:-1], other[:-1])
    return max(subsequence(one[:-1], other), subsequence(one, other[:-1]))


def f1(shared: int, ours: int, theirs: int) -> float:
    return 2 * shared / (ours + theirs) if shared else 0.0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(WORDS[4:]), max_size=8),
    st.lists(st.lists(st.sampled_from(WORDS[4:]), min_size=1, max_size=8), min_size=1, max_size=2),
)
def test_rouge_is_lins_formula_with_the_best_reference(text: list[str], references: list[list[str]]) -> None:
    """Words that Porter's stemmer leaves alone but for "walked" and "walking", which it makes one."""
    plain = [["walk" if word.startswith("walk") else word for word in words] for words in [text, *references]]
    ours, theirs = plain[0], plain[1:]
    expected = {
        "ROUGE-1": max(f1((grams(ours, 1) & grams(t, 1)).total(), len(ours), len(t)) for t in theirs),
        "ROUGE-2": max(f1((grams(ours, 2) & grams(t, 2)).total(), len(ours) - 1, len(t) - 1) for t in theirs),
        "ROUGE-L": max(f1(subsequence(ours, t), len(ours), len(t)) for t in theirs),
    }
    found = {scores.name: scores.values["q"] for scores in Rouge().score([item("q", text, references)])}
    assert found == pytest.approx(expected, abs=1e-6)


class NoSynonyms:
    def synsets(self, word: str) -> list[str]:
        return []


class OurStemmer:
    def stem(self, word: str) -> str:
        return stem(word)


@settings(deadline=None, max_examples=300)
@given(texts, texts)
def test_meteor_is_nltks_without_synonyms(text: list[str], reference: list[str]) -> None:
    expected = single_meteor_score(reference, text, stemmer=OurStemmer(), wordnet=NoSynonyms())
    assert meteor(text, reference) == pytest.approx(expected, abs=1e-9)


def test_meteor_of_the_example_in_nltks_documentation() -> None:
    """Published there as 0.6944 with synonyms, of which none applies."""
    text = "it is a guide to action which ensures that the military always obeys the commands of the party".split()
    reference = "it is a guide to action that ensures that the military will forever heed party commands".split()
    assert meteor(text, reference) == pytest.approx(0.6944, abs=5e-5)


COCO = [0.59192958, 0.36318786, 0.0, 0.554631158, 0.809617865, 0.0]
COCO += [0.269430595, 0.553781562, 0.557411963, 1.137271237, 1.126145291, 1.138121729]


def test_cider_d_is_that_of_pycocoevalcap() -> None:
    draw = random.Random(7)

    def text(least: int, most: int) -> list[str]:
        return [draw.choice("abcdefg") for _ in range(draw.randint(least, most))]

    cases = [(text(0, 14), [text(1, 14) for _ in range(draw.randint(1, 3))]) for _ in range(12)]
    weights = Weights.of([references for _, references in cases])
    assert [cider_d(*case, weights) for case in cases] == pytest.approx(COCO, abs=1e-6)


def cider_vectors(
    cases: Sequence[Sequence[Sequence[str]]], words: Sequence[str], n: int
) -> dict[tuple[str, ...], float]:
    def documents(gram: tuple[str, ...]) -> int:
        return sum(any(gram in grams(reference, n) for reference in references) for references in cases)

    return {gram: count * math.log(len(cases) / max(1, documents(gram))) for gram, count in grams(words, n).items()}


@quick
@given(st.lists(st.tuples(texts, reference_sets), min_size=2, max_size=4))
def test_cider_and_cider_d_are_vedantams_formulas(cases: list[tuple[list[str], list[list[str]]]]) -> None:
    sets = [references for _, references in cases]
    weights = Weights.of(sets)
    for text, references in cases:
        plain, penalised = [], []
        for n in (1, 2, 3, 4):
            for reference in references:
                ours, theirs = cider_vectors(sets, text, n), cider_vectors(sets, reference, n)
                size = np.linalg.norm(list(ours.values())) * np.linalg.norm(list(theirs.values()))
                dot = sum(ours[gram] * theirs.get(gram, 0) for gram in ours)
                clipped = sum(min(ours[gram], theirs.get(gram, 0)) * theirs.get(gram, 0) for gram in ours)
                apart = grams(text, 2).total() - grams(reference, 2).total()
                plain.append(dot / size if size else 0)
                penalised.append(clipped / size * math.exp(-(apart**2) / 72) if size else 0)
        assert cider(text, references, weights) == pytest.approx(10 * np.mean(plain), abs=1e-6)
        assert cider_d(text, references, weights) == pytest.approx(10 * np.mean(penalised), abs=1e-6)


@quick
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_bert_score_is_zhangs_formula(m: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours, theirs = (rng.uniform(0, 1, size=(size, 5)) for size in (m, n))
    cosine = [[float(a @ b) / math.sqrt(float(a @ a) * float(b @ b)) for b in theirs] for a in ours]
    precision = sum(map(max, cosine)) / m
    recall = sum(max(row[column] for row in cosine) for column in range(n)) / n
    unit = [(rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32) for rows in (ours, theirs)]
    expected = (precision, recall, 2 * precision * recall / (precision + recall))
    assert bert_score(*unit) == pytest.approx(expected, abs=1e-6)


def longest_runs(text: list[str], source: list[str]) -> list[int]:
    """The definition of Grusky et al. by slices: at each place the longest run of the text that the source has."""
    found, at = [], 0
    while at < len(text):
        sizes = range(len(text) - at, 0, -1)
        slices = [source[i:j] for i in range(len(source)) for j in range(i + 1, len(source) + 1)]
        size = next((size for size in sizes if text[at : at + size] in slices), 0)
        found += [size] if size else []
        at += max(size, 1)
    return found


@quick
@given(texts, texts)
def test_fragments_are_the_longest_shared_runs(text: list[str], source: list[str]) -> None:
    assert fragments(text, source) == longest_runs(text, source)


@quick
@given(texts, texts)
def test_sentence_likeness_is_rouge_l(one: list[str], other: list[str]) -> None:
    expected = RougeScorer(["rougeL"]).score(" ".join(one), " ".join(other))["rougeL"].fmeasure
    assert rouge_l(one, other) == pytest.approx(expected, abs=1e-6)


@quick
@given(st.lists(texts, max_size=5))
def test_repeated_runs_are_those_seen_before(sentences: list[list[str]]) -> None:
    seen: set[tuple[str, ...]] = set()
    again = total = 0
    for words in sentences:
        for first, (second, third) in zip(words, pairwise(words[1:]), strict=False):
            total += 1
            again += (first, second, third) in seen
            seen.add((first, second, third))
    assert repeated_runs(sentences) == (pytest.approx(again / total, abs=1e-6) if total else None)


@quick
@given(texts, st.lists(texts, max_size=3))
def test_refer_score_is_the_share_of_cited_words(sentence: list[str], passages: list[list[str]]) -> None:
    cited = {word for passage in passages for word in passage}
    expected = len(cited & set(sentence)) / len(cited) if cited else None
    found = refer(" ".join([*sentence, "the"]), [" ".join(["of", *passage]) for passage in passages])
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-6))


@quick
@given(texts, texts)
def test_token_f1_is_squads(one: list[str], other: list[str]) -> None:
    shared = sum(min(one.count(word), other.count(word)) for word in set(one))
    expected = 2 * shared / (len(one) + len(other)) if one and other else float(one == other)
    assert token_f1("The " + " ".join(one) + ".", " ".join(other)) == pytest.approx(expected, abs=1e-6)
