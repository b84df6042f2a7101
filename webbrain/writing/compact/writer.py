"""The `compact` writer: exported decoder, the index's encoder, beam search; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from webbrain.encoding.default import default_encoder
from webbrain.encoding.encoder import OnnxEncoder
from webbrain.errors import ConfigError
from webbrain.facts import model_facts
from webbrain.models import DEFAULT_ENCODER
from webbrain.types import Passage, Sentence
from webbrain.writing.compact.beam import Rule, beam_search, no_repeat, not_before, sample
from webbrain.writing.compact.card import OWN_ENCODER, TOKENIZER
from webbrain.writing.compact.runtime import CompactRuntime
from webbrain.writing.compact.surface import Surface, join_pieces
from webbrain.writing.fid.rules import DecodingRules
from webbrain.writing.fid.vocabulary import MAX_REFERENCES, MarkedSentence, Vocabulary, reference_text
from webbrain.writing.fid.writer import Decoding
from webbrain.writing.marks_repair import repair_marks

MIN_TOKENS = 130  # by ROUGE on development articles; see docs/results.md


@dataclass(frozen=True, slots=True)
class _Loaded:
    runtime: CompactRuntime
    vocabulary: Vocabulary
    encoder: OnnxEncoder


@dataclass(slots=True)
class CompactWriter:
    """Implements `webbrain.protocols.Writer`; `model` is a folder that `webbrain train writer` exported."""

    encoder: Any = None
    model: str | None = None
    decoding: Decoding = field(default_factory=lambda: Decoding(max_tokens=200, min_tokens=MIN_TOKENS))
    threads: int | None = None
    name: str = "compact"
    _loaded: _Loaded | None = None

    def load(self) -> _Loaded:
        """Read the folder once; raises ConfigError without one or for another encoder, ModelNotFound for a bad one."""
        if self._loaded is None:
            if self.model is None:
                raise ConfigError("writer 'compact' needs a model; add --model FOLDER (see `webbrain train writer`)")
            from tokenizers import Tokenizer

            folder = Path(self.model)
            runtime = CompactRuntime.open(folder, self.threads)
            vocabulary = Vocabulary(Tokenizer.from_file(str(folder / TOKENIZER)))
            self._loaded = _Loaded(runtime, vocabulary, self._encoder_for(runtime, folder))
        return self._loaded

    def _encoder_for(self, runtime: CompactRuntime, folder: Path) -> OnnxEncoder:
        """The writer's own encoder where it was trained, else the index's or the default one, if it reads that."""
        if (folder / OWN_ENCODER).is_dir():
            return OnnxEncoder(folder / OWN_ENCODER)
        card = runtime.card
        if isinstance(self.encoder, OnnxEncoder) and self.encoder.card.weights_sha256 == card.encoder_sha256:
            return self.encoder
        if card.encoder == DEFAULT_ENCODER:  # an index without vectors, or with those of another encoder
            encoder = default_encoder()
            if encoder.card.weights_sha256 == card.encoder_sha256:
                return encoder
        raise ConfigError(
            f"writer {self.model} reads the vectors of {card.encoder}, which this index does not carry; "
            f"build the index with --encoder {card.encoder}"
        )

    def facts(self) -> dict[str, object]:
        return {**({} if self.model is None else model_facts(self.model)), "decoding": asdict(self.decoding)}

    def write(self, query: str, evidence: Sequence[Passage]) -> list[Sentence]:
        """Sentences from the first MAX_REFERENCES passages, each citing one of them."""
        references = list(evidence[:MAX_REFERENCES])
        if not references:
            return []
        written = self.generate(query, references)
        return repair_marks([Sentence(item.text, item.marks) for item in written], references)

    def generate(self, query: str, references: Sequence[Passage]) -> list[MarkedSentence]:
        """The sentences as the model wrote them, in the evidence's spelling, marks [0] included."""
        vocabulary = self.load().vocabulary
        ids = self.generate_ids(query, references)
        ended = vocabulary.end[0] in ids
        surface = Surface([query, *(reference_text(passage) for passage in references)])
        found = []
        for words, marks in vocabulary.split(ids):
            text = surface.write(join_pieces([vocabulary.tokenizer.id_to_token(token) for token in words]))
            if text and (marks or ended):
                found.append(MarkedSentence(text, marks))
        return found

    def generate_ids(self, query: str, references: Sequence[Passage]) -> list[int]:
        loaded, decoding = self.load(), self.decoding
        card, vocabulary = loaded.runtime.card, loaded.vocabulary
        rows, numbers = vocabulary.sources(query, references, card.source_tokens, numbered=True)
        state = loaded.runtime.begin([loaded.encoder.encode_ids(row) for row in rows], rows, numbers)
        rules: list[Rule] = [DecodingRules(vocabulary, references, red=decoding.red).apply]
        if least := decoding.least(len(references)):
            rules.insert(0, not_before(least, vocabulary.end[0]))
        if decoding.no_repeat:
            rules.insert(0, no_repeat(decoding.no_repeat))
        bounds = {
            "start": card.start,
            "end": vocabulary.end[0],
            "max_tokens": min(decoding.max_tokens, card.target_tokens),
        }

        def step(ids: Sequence[int]) -> Any:
            return loaded.runtime.step(state, ids)

        if decoding.sample:
            nucleus, heat, seed = decoding.top_p, decoding.temperature, decoding.seed
            return sample(step, rules, **bounds, top_p=nucleus, temperature=heat, seed=seed)
        return beam_search(step, state.keep, rules, **bounds, beams=decoding.beams)
