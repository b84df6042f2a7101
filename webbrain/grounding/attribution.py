"""Do a sentence's marks carry it: one passage alone, several only together, an uncited one, or none; which are idle?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from webbrain.protocols import SupportScorer
from webbrain.types import Claim, Passage, Verdict

Carried = Literal["alone", "joint", "supported_elsewhere", "unsupported", "not_checked"]


@dataclass(frozen=True, slots=True)
class Attribution:
    """How a claim's citations carry it.

    `carried` is "alone" when one cited passage supports the claim, "joint" when only several together do,
    "supported_elsewhere" when none of the cited but an uncited passage does (`elsewhere` is its place in `uncited`),
    "unsupported" when none does and "not_checked" when nothing could be decided. `verdict` is that of the cited
    passages together, `each` those of every cited passage alone. `idle` are the places in `cited` that the claim does
    not need: over-citation, in the sense of ALCE's citation precision (Gao et al. 2023).
    """

    carried: Carried
    verdict: Verdict
    each: tuple[Verdict, ...]
    idle: tuple[int, ...] = ()
    elsewhere: int | None = None


def classify_citations(
    claim: Claim, cited: Sequence[Passage], uncited: Sequence[Passage], scorer: SupportScorer
) -> Attribution:
    """Check a claim against its cited passages together, each alone, and, when they fail, the uncited ones."""
    each = tuple(scorer.score(claim, [passage]) for passage in cited)
    verdict = each[0] if len(cited) == 1 else scorer.score(claim, cited)
    best = max(each, key=lambda single: single.score, default=verdict)
    if best.label == "supported":
        return Attribution("alone", _higher(best, verdict), each, _idle_alone(each))
    if verdict.label == "supported":
        return Attribution("joint", verdict, each, _idle_joint(claim, cited, scorer))
    for place, passage in enumerate(uncited):
        if scorer.score(claim, [passage]).label == "supported":
            return Attribution("supported_elsewhere", verdict, each, tuple(range(len(cited))), place)
    undecided = verdict.label == "not_checked"
    return Attribution("not_checked" if undecided else "unsupported", verdict, each)


def _higher(best: Verdict, together: Verdict) -> Verdict:
    """More passages never make a claim less supported than the best one does alone."""
    return best if best.score >= together.score else together


def _idle_alone(each: Sequence[Verdict]) -> tuple[int, ...]:
    """Where one passage carries the claim, those that do not carry it themselves are idle."""
    return tuple(place for place, single in enumerate(each) if single.label != "supported")


def _idle_joint(claim: Claim, cited: Sequence[Passage], scorer: SupportScorer) -> tuple[int, ...]:
    """Passages that can be left out, one after the other from the last, while the rest still carries the claim."""
    kept = list(range(len(cited)))
    for place in reversed(range(len(cited))):
        rest = [other for other in kept if other != place]
        if len(rest) > 1 and scorer.score(claim, [cited[other] for other in rest]).label == "supported":
            kept = rest
    return tuple(place for place in range(len(cited)) if place not in kept)
