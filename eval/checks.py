"""Every sentence of an article checked against what it cites: what citation measures, facts and report stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from webbrain.protocols import SupportScorer
from webbrain.types import Article, Claim, Passage, Sentence, Verdict
from webbrain.writing.marks import NO_REFERENCE

Kind = Literal["supported", "joint", "elsewhere", "not_supported", "not_checked", "unresolved", "uncited"]
KINDS: tuple[Kind, ...] = ("supported", "joint", "elsewhere", "not_supported", "not_checked", "unresolved", "uncited")


@dataclass(frozen=True, slots=True)
class CheckedMark:
    """One mark of a sentence: what it points to (None: nothing), what that passage says alone, whether it is needed.

    `precise` as in ALCE: the sentence is supported, and this passage supports it alone or cannot be left out.
    """

    marker: int
    passage: Passage | None
    verdict: Verdict | None
    precise: bool


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """`verdict` is of all cited passages together; `elsewhere` holds markers of uncited references that support it."""

    sentence: Sentence
    marks: tuple[CheckedMark, ...]
    verdict: Verdict
    elsewhere: tuple[int, ...]

    @property
    def supported(self) -> bool:
        return self.verdict.label == "supported"

    @property
    def kind(self) -> Kind:
        """How the sentence stands. "joint": its passages support it together but none alone."""
        if not self.marks:
            return "uncited"
        if all(mark.passage is None for mark in self.marks):
            return "unresolved"
        if self.supported:
            alone = any(mark.verdict is not None and mark.verdict.label == "supported" for mark in self.marks)
            return "supported" if alone else "joint"
        if self.elsewhere:
            return "elsewhere"
        return "not_checked" if self.verdict.label == "not_checked" else "not_supported"

    @property
    def over_cited(self) -> int:
        """Marks that resolve but that a supported sentence could do without."""
        return sum(mark.passage is not None and not mark.precise for mark in self.marks) if self.supported else 0


@dataclass(frozen=True, slots=True)
class CheckedArticle:
    query_id: str
    article: Article
    sentences: tuple[CheckedSentence, ...]


def check_article(query_id: str, article: Article, scorer: SupportScorer) -> CheckedArticle:
    """Check every sentence with `scorer`. A mark `[0]` that is no reference's says "needs none", and cites nothing."""
    by_marker = {reference.marker: reference.passage for reference in article.references}
    checked = tuple(_check(sentence, by_marker, scorer) for sentence in article.sentences)
    return CheckedArticle(query_id, article, checked)


def _check(sentence: Sentence, by_marker: dict[int, Passage], scorer: SupportScorer) -> CheckedSentence:
    markers = [n for n in dict.fromkeys(sentence.citations) if n != NO_REFERENCE or n in by_marker]
    cited = [n for n in markers if n in by_marker]
    verdict = _verdict(scorer, sentence, cited, by_marker)
    alone = {n: verdict if len(cited) == 1 else _verdict(scorer, sentence, [n], by_marker) for n in cited}
    supported = verdict.label == "supported"
    precise = {
        n
        for n in cited
        if supported and (alone[n].label == "supported" or _is_needed(scorer, sentence, n, cited, by_marker))
    }
    others = [] if supported else [n for n in by_marker if n not in cited]
    elsewhere = [n for n in others if _verdict(scorer, sentence, [n], by_marker).label == "supported"]
    marks = tuple(CheckedMark(n, by_marker.get(n), alone.get(n), n in precise) for n in markers)
    return CheckedSentence(sentence, marks, verdict, tuple(elsewhere))


def _is_needed(
    scorer: SupportScorer, sentence: Sentence, marker: int, cited: list[int], by_marker: dict[int, Passage]
) -> bool:
    rest = [n for n in cited if n != marker]
    return _verdict(scorer, sentence, rest, by_marker).label != "supported"


def _verdict(scorer: SupportScorer, sentence: Sentence, markers: list[int], by_marker: dict[int, Passage]) -> Verdict:
    if not markers:
        return Verdict("not_checked", 0.0, "", ("no passage is cited",))
    return scorer.score(Claim(sentence.text, tuple(markers)), [by_marker[n] for n in markers])
