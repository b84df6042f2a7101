"""Tier 1, the default: alignment features and the binding checker under a sign-constrained additive model. Numpy only.

The model can only ever count more coverage for a claim and more wrong words against it, so it cannot learn what an
edited sentence looks like. Made by `webbrain.training.support`; see docs/model-cards/support.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from webbrain.grounding.binding import BindingNet, Floats
from webbrain.grounding.exact import altered_quotes
from webbrain.grounding.features import CLAIM_FEATURES, CLAIM_SIGNS, Reading, read
from webbrain.grounding.focus import Source
from webbrain.grounding.lexicon import WEIGHTS
from webbrain.grounding.normal import comparable, tidy
from webbrain.grounding.sentences import split_sentences
from webbrain.grounding.vectors import WordVectors
from webbrain.grounding.words import FUNCTION, NUMBER, Words, read_words
from webbrain.types import Claim, Label, Passage, Verdict

SUPPORTED = 0.5  # the model is fitted so that this is the best cut on its training sets, taken alike
PARTLY = 0.25
# The most that a claim scores that says the opposite, or has a number or a quotation that the passage does not have.
FAILED_CHECK = 0.45
SUSPECT = 0.0  # log-odds from which a word is named among the reasons
NAMED_WORDS = 3
WORD_SCORES = ("worst_word", "worst_two", "worst_four", "mean_log_odds", "mean_wrong", "any_wrong")
FEATURES = (*CLAIM_FEATURES, *WORD_SCORES)
SIGNS = (*CLAIM_SIGNS, *(-1 for _ in WORD_SCORES))


@dataclass(frozen=True, slots=True)
class Additive:
    """Log-odds `intercept + weights @ features`; every weight has its feature's sign or is 0."""

    weights: Floats
    intercept: float

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Additive:
        return cls(np.array([held["weights"].get(name, 0.0) for name in FEATURES], np.float32), held["intercept"])

    def as_json(self) -> dict[str, Any]:
        weights = {name: round(float(w), 6) for name, w in zip(FEATURES, self.weights, strict=True) if w}
        return {"weights": weights, "intercept": round(self.intercept, 6)}

    def log_odds(self, features: Floats) -> float:
        return float(self.weights @ features) + self.intercept


@dataclass(frozen=True, slots=True)
class Model:
    """A claim is as well supported as its coverage allows and as its worst words allow: a soft minimum of the two."""

    coverage: Additive
    binding: Additive

    @classmethod
    def load(cls, path: Path) -> Model:
        held = json.loads(path.read_text(encoding="utf-8"))
        return cls(Additive.from_json(held["coverage"]), Additive.from_json(held["binding"]))

    def save(self, path: Path) -> None:
        held = {"coverage": self.coverage.as_json(), "binding": self.binding.as_json()}
        path.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")

    def log_odds(self, features: Floats) -> float:
        return -float(np.logaddexp(-self.coverage.log_odds(features), -self.binding.log_odds(features)))

    def probability(self, features: Floats) -> float:
        return float(1 / (1 + np.exp(-self.log_odds(features))))

    def shifted(self, by: float) -> Model:
        """The same order, with all log-odds raised by `by`."""
        return Model(*(replace(part, intercept=part.intercept + by) for part in (self.coverage, self.binding)))


@dataclass(frozen=True, slots=True)
class Parts:
    """What is loaded once for all scorers of the process."""

    vectors: WordVectors
    binding: BindingNet
    model: Model


@lru_cache(maxsize=1)
def load_parts() -> Parts:
    return Parts(
        WordVectors.load(WEIGHTS / "vectors.npz"),
        BindingNet.load(WEIGHTS / "binding.npz"),
        Model.load(WEIGHTS / "tier1.json"),
    )


@dataclass(frozen=True, slots=True)
class Inspection:
    """A claim read against a source: `features` as named by FEATURES, `wrong` the log-odds of each claim word."""

    words: Words
    reading: Reading
    wrong: Floats
    features: Floats


def inspect(claim: str, source: Source, vectors: WordVectors, binding: BindingNet) -> Inspection | None:
    """None when claim or source has no words."""
    words = read_words(claim)
    if not len(words) or not len(source.words):
        return None
    reading = read(claim, words, source, vectors)
    near = reading.focus
    c, p = vectors(claim, words), vectors(near.text, near.words)
    wrong = binding(words, near.words, c, p, reading.alignment)
    features = np.concatenate([reading.claim, word_scores(wrong, np.array(words.weights, np.float32))])
    return Inspection(words, reading, wrong, features.astype(np.float32))


def word_scores(wrong: Floats, weights: Floats) -> Floats:
    """WORD_SCORES of the words' log-odds: the worst ones, means by weight, and the odds that any word is wrong."""
    worst = np.sort(wrong)[::-1]
    share = weights / max(float(weights.sum()), 1e-9)
    chance = 1 / (1 + np.exp(-wrong))
    any_wrong = float(np.log(np.exp(np.minimum(wrong, 20)).sum()))
    means = (float(wrong @ share), float(chance @ share))
    return np.array([worst[0], worst[:2].mean(), worst[:4].mean(), *means, any_wrong], np.float32)


class SecondOpinion(Protocol):
    """Puts right the score that the model gives a sentence of a claim, before the exact checks; and says why."""

    def __call__(self, sentence: str, claim: str, source: Source, score: float) -> tuple[float, str]: ...


@dataclass(slots=True)
class Tier1Scorer:
    """Implements `webbrain.protocols.SupportScorer`; without `parts` those that ship, loaded at the first claim."""

    parts: Parts | None = None
    opinion: SecondOpinion | None = None
    name: str = "tier1"

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        held = sorted(_with_title(source) for source in sources if source.text.strip())
        together = self.score_text(claim.text, "\n".join(held))
        if len(held) < 2 or together.score == 1:
            return together
        # More passages never make a claim less supported than the best one does alone.
        return max(together, *(self.score_text(claim.text, text) for text in held), key=lambda verdict: verdict.score)

    def score_text(self, claim: str, source: str) -> Verdict:
        """Verdict for a claim against one text; of several sentences the worst one decides."""
        claim = tidy(claim)
        if not claim or not source.strip():
            return _not_checked("the claim is empty" if not claim else "no passage is cited")
        text = Source.read(source)
        parts = self.parts or load_parts()
        sentences = [claim[span.start : span.end] for span in split_sentences(claim)]
        verdicts = [_score_sentence(sentence, claim, text, parts, self.opinion) for sentence in sentences]
        checked = [verdict for verdict in verdicts if verdict.label != "not_checked"]
        if not checked:
            return verdicts[0]
        worst = min(checked, key=lambda verdict: verdict.score)
        if worst.label == "not_supported" and any(verdict.label == "supported" for verdict in checked):
            return replace(worst, label="partly")
        return worst


def _score_sentence(sentence: str, claim: str, source: Source, parts: Parts, opinion: SecondOpinion | None) -> Verdict:
    if _copied(sentence, source.text):
        return Verdict("supported", 1.0, sentence, ("tier1: the passage says it in these words",))
    found = inspect(sentence, source, parts.vectors, parts.binding)
    if found is None or not _has_content(found.words):
        return _not_checked("the claim has no word that could be checked")
    if not found.reading.alignment.same.any():
        return _unrelated(sentence, source.text)
    score = parts.model.probability(found.features)
    if opinion is None:
        return _verdict(sentence, source.text, found, score)
    score, reason = opinion(sentence, claim, source, score)
    verdict = _verdict(sentence, source.text, found, score)
    return replace(verdict, reasons=(*verdict.reasons, reason))


def _with_title(source: Passage) -> str:
    return f"{source.title}. {source.text}" if source.title else source.text


def _copied(claim: str, source: str) -> bool:
    """Whether the claim stands in the source word for word, from word boundary to word boundary."""
    wanted, text = comparable(claim), comparable(source)
    at = text.find(wanted)
    if at < 0 or len(wanted.split()) < 3:
        return False
    before, after = text[at - 1 : at], text[at + len(wanted) : at + len(wanted) + 1]
    return not (before.isalnum() or (after.isalnum() and wanted[-1:].isalnum()))


def _has_content(words: Words) -> bool:
    return any(kind != FUNCTION for kind in words.kinds)


def _unrelated(claim: str, source: str) -> Verdict:
    """No word in common: another language or script cannot be judged, the same one is simply not supported."""
    if _latin(claim) != _latin(source):
        return _not_checked("claim and passage are in different scripts")
    return Verdict("not_supported", 0.0, "", ("tier1: claim and passage share no word",))


def _latin(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return sum(char < "\u0250" for char in letters) * 2 >= len(letters)


def _verdict(claim: str, source: str, found: Inspection, score: float) -> Verdict:
    failed = [*_missing_numbers(claim, found), *altered_quotes(claim, source)]
    conflicts = _conflicts(found)
    if failed or conflicts:
        score = min(score, FAILED_CHECK)
    label = "contradicted" if conflicts else _label(score)
    reasons = (*failed, *_suspect_words(claim, found)) if label != "supported" else ()
    covered = f"tier1: {found.features[0]:.0%} of the words by weight are in the passage"
    return Verdict(label, round(score, 4), _evidence(source, found), (*reasons, covered))


def _label(score: float) -> Label:
    if score >= SUPPORTED:
        return "supported"
    return "partly" if score >= PARTLY else "not_supported"


def _conflicts(found: Inspection) -> bool:
    """Whether the passage says the opposite of the right thing: an opposite word or a negation where all else fits."""
    at = FEATURES.index
    features = found.features
    denied = max(features[at("negation_added")], features[at("negation_dropped")])
    return bool(features[at("coverage")] >= 0.7 and (denied > 0 or features[at("opposite")] >= 0.6))


def _missing_numbers(claim: str, found: Inspection) -> list[str]:
    words = found.words
    held = found.reading.alignment.features[:, 0] > 0
    return [
        f"the number {claim[start:end]} is not in the passage"
        for start, end, kind, there in zip(words.starts, words.ends, words.kinds, held, strict=True)
        if kind == NUMBER and not there
    ]


def _suspect_words(claim: str, found: Inspection) -> list[str]:
    """The words most likely to be wrong, and whether they are missing or stand in another context."""
    order = [int(at) for at in np.argsort(-found.wrong, kind="stable")[:NAMED_WORDS] if found.wrong[at] > SUSPECT]
    there = found.reading.alignment.features[:, 0] > 0
    return [
        f"{claim[found.words.starts[at] : found.words.ends[at]]!r} "
        + ("is in the passage, but not said of this" if there[at] else "is not in the passage")
        for at in sorted(order)
    ]


def _evidence(source: str, found: Inspection) -> str:
    """The sentence of the source that most of the claim's weight is aligned to."""
    owners = np.array(found.reading.focus.sentences)[found.reading.alignment.best]
    best = np.bincount(owners, found.words.weights).argmax()
    span = found.reading.source.spans[int(best)]
    return source[span.start : span.end]


def _not_checked(reason: str) -> Verdict:
    return Verdict("not_checked", 0.0, "", (f"tier1: {reason}",))
