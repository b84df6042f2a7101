"""Tier 2: sequence classifiers that were trained to tell entailment, by name from the hub or from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import exp

from webbrain.facts import model_facts
from webbrain.grounding.entailment import DEFAULT_MODEL, EntailmentModel, open_model, require_folder
from webbrain.grounding.sentences import split_sentences
from webbrain.types import Claim, Label, Passage, Verdict

SUPPORTED = CONTRADICTED = 0.5


class NliScorer:
    """Implements `webbrain.protocols.SupportScorer`; the model is loaded at the first claim."""

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        require_folder(model)
        self.model = model

    @property
    def name(self) -> str:
        return f"nli:{self.model}"

    @cached_property
    def _classifier(self) -> EntailmentModel:
        return open_model(self.model)

    def facts(self) -> dict[str, object]:
        return model_facts(self.model)

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        text = "\n".join(f"{source.title}\n{source.text}" for source in sources if source.text.strip())
        if not claim.text.strip() or not text:
            return Verdict("not_checked", 0.0, "", ("the claim is empty" if text else "no passage is cited",))
        windows = self._windows(text, claim.text)
        if not windows:
            return Verdict("not_checked", 0.0, "", ("the claim is longer than the model can read",))
        judged = [(self._classifier.opinion(window, claim.text), window) for window in windows]
        supported, evidence = max((exp(found.supported), window) for found, window in judged)
        contradicted, against = max((exp(found.contradicted), window) for found, window in judged)
        if self._classifier.classes.contradicted is None:
            contradicted = 0.0
        return self._verdict(supported, evidence, contradicted, against)

    def _verdict(self, supported: float, evidence: str, contradicted: float, against: str) -> Verdict:
        reasons = (f"{self.name}: {supported:.0%} entailed, {contradicted:.0%} contradicted",)
        label: Label = "supported" if supported >= SUPPORTED else "not_supported"
        if label == "not_supported" and contradicted > CONTRADICTED:
            return Verdict("contradicted", round(supported, 4), against, reasons)
        return Verdict(label, round(supported, 4), evidence if label == "supported" else "", reasons)

    def _windows(self, text: str, claim: str) -> list[str]:
        """Runs of whole sentences that fit the model beside the claim, each beginning with the last one's end."""
        if not self._classifier.can_read(claim):
            return []
        length, room = self._classifier.backend.length, self._classifier.room(claim)
        windows: list[list[str]] = [[]]
        used = 0
        for span in split_sentences(text):
            sentence = text[span.start : span.end]
            size = length(sentence)
            if windows[-1] and used + size > room:
                windows.append(windows[-1][-1:])
                used = length(windows[-1][0])
                if used + size > room:
                    windows[-1], used = [], 0
            windows[-1].append(sentence)
            used += size
        return [" ".join(window) for window in windows if window]
