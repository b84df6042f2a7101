"""Tier 2: sequence classifiers that were trained to tell entailment, by name from the hub or from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webbrain.errors import ConfigError, ModelNotFound
from webbrain.extras import needs
from webbrain.grounding.sentences import split_sentences
from webbrain.types import Claim, Label, Passage, Verdict

SUPPORTED = CONTRADICTED = 0.5
DEFAULT_MODEL = "MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli"


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A classifier known to work: its licence, and the index of each class (None: it has no such class)."""

    licence: str
    supported: int
    contradicted: int | None


# Class order from each model's own card. Weights under a non-commercial licence are not listed.
MODELS = {
    "MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli": NamedModel("MIT", 0, 2),
    "cross-encoder/nli-deberta-v3-base": NamedModel("Apache-2.0", 1, 0),
    "cross-encoder/nli-MiniLM2-L6-H768": NamedModel("Apache-2.0", 1, 0),
    "lytang/MiniCheck-RoBERTa-Large": NamedModel("MIT", 1, None),
    "lytang/MiniCheck-DeBERTa-v3-Large": NamedModel("MIT", 1, None),
}


class NliScorer:
    """Implements `webbrain.protocols.SupportScorer`; the model is loaded at the first claim."""

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        self.model = model
        self._classifier: Any = None
        self._tokenizer: Any = None
        self._classes: NamedModel | None = None

    @property
    def name(self) -> str:
        return f"nli:{self.model}"

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        text = "\n".join(f"{source.title}\n{source.text}" for source in sources if source.text.strip())
        if not claim.text.strip() or not text:
            return Verdict("not_checked", 0.0, "", ("the claim is empty" if text else "no passage is cited",))
        self._load()
        windows = self._windows(text, claim.text)
        if not windows:
            return Verdict("not_checked", 0.0, "", ("the claim is longer than the model can read",))
        judged = [(*self._probabilities(window, claim.text), window) for window in windows]
        supported, _, evidence = max(judged)
        contradicted, against = max((probability, window) for _, probability, window in judged)
        return self._verdict(supported, evidence, contradicted, against)

    def _verdict(self, supported: float, evidence: str, contradicted: float, against: str) -> Verdict:
        reasons = (f"{self.name}: {supported:.0%} entailed, {contradicted:.0%} contradicted",)
        label: Label = "supported" if supported >= SUPPORTED else "not_supported"
        if label == "not_supported" and contradicted > CONTRADICTED:
            return Verdict("contradicted", round(supported, 4), against, reasons)
        return Verdict(label, round(supported, 4), evidence if label == "supported" else "", reasons)

    def _load(self) -> None:
        if self._classifier is not None:
            return
        with needs("eval-models"):
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(self.model)
            self._classifier = AutoModelForSequenceClassification.from_pretrained(self.model, use_safetensors=True)
        except (OSError, ValueError) as error:
            raise ModelNotFound(
                f"support model {self.model!r} cannot be loaded ({str(error).splitlines()[0]}); run "
                f"`hf download {self.model}` where there is a network, or name a folder"
            ) from error
        self._classifier.eval()
        self._classes = MODELS.get(self.model) or _classes_of(self.model, self._classifier.config.id2label)

    def _windows(self, text: str, claim: str) -> list[str]:
        """Runs of whole sentences that fit the model beside the claim, each beginning with the last one's end."""
        limit = min(self._tokenizer.model_max_length, 512)
        room = limit - self._length(claim) - self._tokenizer.num_special_tokens_to_add(pair=True)
        if room < limit // 4:
            return []
        windows: list[list[str]] = [[]]
        used = 0
        for span in split_sentences(text):
            sentence = text[span.start : span.end]
            size = self._length(sentence)
            if windows[-1] and used + size > room:
                windows.append(windows[-1][-1:])
                used = self._length(windows[-1][0])
                if used + size > room:
                    windows[-1], used = [], 0
            windows[-1].append(sentence)
            used += size
        return [" ".join(window) for window in windows if window]

    def _length(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _probabilities(self, passage: str, claim: str) -> tuple[float, float]:
        """(supported, contradicted) of a claim against one window."""
        import torch

        assert self._classes is not None
        inputs = self._tokenizer(passage, claim, truncation="only_first", max_length=512, return_tensors="pt")
        with torch.inference_mode():
            shares = self._classifier(**inputs).logits[0].softmax(-1).tolist()
        contradicted = self._classes.contradicted
        return shares[self._classes.supported], 0.0 if contradicted is None else shares[contradicted]


def _classes_of(model: str, labels: dict[int, str]) -> NamedModel:
    """The classes by their names in the model's configuration."""
    named = {label.lower(): index for index, label in labels.items()}
    supported = next((named[label] for label in ("entailment", "supported", "consistent") if label in named), None)
    if supported is None:
        raise ConfigError(
            f"support model {model!r} has the classes {', '.join(labels.values())}, none of which says that a claim is "
            f"supported; name one of {', '.join(MODELS)}"
        )
    contradicted = next((named[label] for label in ("contradiction", "refuted") if label in named), None)
    return NamedModel("unknown", supported, contradicted)
