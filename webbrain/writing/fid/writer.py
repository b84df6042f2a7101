"""The `fid` writer: a Hugging Face seq2seq that reads the references by Fusion-in-Decoder. Needs the `train` extra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from webbrain.errors import ConfigError
from webbrain.facts import model_facts
from webbrain.types import Passage, Sentence
from webbrain.writing.fid.rules import DecodingRules
from webbrain.writing.fid.vocabulary import MAX_REFERENCES, MarkedSentence
from webbrain.writing.marks_repair import repair_marks

if TYPE_CHECKING:
    from webbrain.writing.fid.folder import LoadedModel


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to decode; the defaults are the paper's. `top_p` and `temperature` count when sampling.

    `min_tokens` are those of an article from MAX_REFERENCES references, from fewer in proportion: a search by the mean
    probability of a token likes to end after one sentence.
    """

    beams: int = 5
    max_tokens: int = 512
    min_tokens: int = 0
    no_repeat: int = 3
    sample: bool = False
    top_p: float = 0.9
    temperature: float = 1.0
    seed: int = 0
    red: bool = True

    def least(self, references: int) -> int:
        """Tokens to write at least."""
        return self.min_tokens * references // MAX_REFERENCES


@dataclass(slots=True)
class FidWriter:
    """Implements `webbrain.protocols.Writer`; the encoder of the index is not used. `model` is a folder or hub name."""

    encoder: Any = None
    model: str | None = None
    decoding: Decoding = field(default_factory=Decoding)
    source_tokens: int = 256
    name: str = "fid"
    _loaded: LoadedModel | None = None

    def load(self) -> LoadedModel:
        """Read the model once; raises ConfigError without a name, ModelNotFound when there is none of that name."""
        if self._loaded is None:
            if self.model is None:
                raise ConfigError("writer 'fid' needs a model; add --model FOLDER or --model HUB_NAME")
            from webbrain.writing.fid.folder import load_model

            self._loaded = load_model(self.model)
        return self._loaded

    def facts(self) -> dict[str, object]:
        return {**({} if self.model is None else model_facts(self.model)), "decoding": asdict(self.decoding)}

    def write(self, query: str, evidence: Sequence[Passage]) -> list[Sentence]:
        """Sentences from the first MAX_REFERENCES passages, each citing one of them."""
        references = list(evidence[:MAX_REFERENCES])
        if not references:
            return []
        generated = self.generate(query, references)
        return repair_marks([Sentence(item.text, item.marks) for item in generated], references)

    def generate(self, query: str, references: Sequence[Passage]) -> list[MarkedSentence]:
        """The sentences as the model wrote them, marks [0] and missing marks included."""
        import torch

        from webbrain.writing.fid.batch import pad_sources
        from webbrain.writing.fid.constrain import RuledLogits

        loaded, decoding = self.load(), self.decoding
        rows, numbers = loaded.vocabulary.sources(query, references, self.source_tokens, numbered=loaded.numbered)
        ids, mask = pad_sources([rows], loaded.pad)
        torch.manual_seed(decoding.seed)
        sampling = {"top_p": decoding.top_p, "temperature": decoding.temperature} if decoding.sample else {}
        out = loaded.model.generate(
            ids,
            mask,
            torch.tensor([numbers]),
            num_beams=1 if decoding.sample else decoding.beams,
            do_sample=decoding.sample,
            max_new_tokens=min(decoding.max_tokens, loaded.target_tokens),
            min_new_tokens=decoding.least(len(references)),
            no_repeat_ngram_size=decoding.no_repeat,
            early_stopping=not decoding.sample and decoding.beams > 1,
            logits_processor=[RuledLogits([DecodingRules(loaded.vocabulary, references, red=decoding.red)])],
            **sampling,
        )
        return loaded.vocabulary.sentences(out[0].tolist()[1:])
