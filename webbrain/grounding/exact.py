"""The exact checks: every number and name of a claim must stand in its passages, and most of its other words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from webbrain.analysis import Analyzer, is_stop
from webbrain.grounding.facts import names, numbers, spelled_numbers
from webbrain.grounding.normal import comparable
from webbrain.types import Claim, Label, Passage, Verdict

SUPPORTED = 0.8
PARTLY = 0.5
# The most a claim can score while a number or a name of it is missing from its passages.
MISSING_FACT_CAP = 0.3


class ExactScorer:
    """Implements `webbrain.protocols.SupportScorer` without a model: quotation, numbers, names, then word coverage."""

    name = "exact"

    def __init__(self) -> None:
        self.analyzer = Analyzer()

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        evidence = "\n".join(f"{source.title}. {source.text}" for source in sources if source.text.strip())
        if not claim.text.strip() or not evidence:
            return Verdict("not_checked", 0.0, "", ("the claim is empty" if evidence else "no passage is cited",))
        if comparable(claim.text) in comparable(evidence):
            return Verdict("supported", 1.0, claim.text, ("the passage says it in these words",))
        reasons = [*_missing_numbers(claim.text, evidence), *_missing_names(claim.text, evidence)]
        score = self._coverage(claim.text, evidence)
        if reasons:
            score = min(score, MISSING_FACT_CAP)
        return Verdict(_label(score), round(score, 4), "", (*reasons, f"{score:.0%} of the words are in the passage"))

    def _coverage(self, claim: str, evidence: str) -> float:
        """Share of the claim's distinct content terms that the evidence holds."""
        wanted = {term for term in self.analyzer.terms(claim) if not is_stop(term)}
        held = set(self.analyzer.terms(evidence))
        return len(wanted & held) / len(wanted) if wanted else 0.0


def _label(score: float) -> Label:
    if score >= SUPPORTED:
        return "supported"
    return "partly" if score >= PARTLY else "not_supported"


def _missing_numbers(claim: str, evidence: str) -> list[str]:
    held = numbers(evidence) | spelled_numbers(evidence)
    return [f"the number {number} is not in the passage" for number in sorted(numbers(claim) - held)]


def _missing_names(claim: str, evidence: str) -> list[str]:
    words = set(re.findall(r"[^\W\d_]+", evidence.casefold()))
    folded = evidence.casefold()
    missing = [name for name in sorted(names(claim)) if name not in folded and not set(name.split("-")) <= words]
    return [f"the name {name!r} is not in the passage" for name in missing]


_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{12,400})[\"”«»]")


def altered_quotes(claim: str, evidence: str) -> list[str]:
    """A reason for each quotation of three words or more that the evidence does not have word for word."""
    held = _bare(evidence)
    quotes = [quote for quote in _QUOTED.findall(claim) if len(quote.split()) >= 3]
    return [f"the passage does not have the words {quote!r}" for quote in quotes if _bare(quote) not in held]


def _bare(text: str) -> str:
    """Comparable words alone: the comma or full stop before a closing quotation mark is not part of it."""
    return " ".join(re.findall(r"\w+(?:'\w+)?", comparable(text)))
