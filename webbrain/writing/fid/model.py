"""Fusion-in-Decoder (Izacard and Grave, EACL 2021, arXiv 2007.01282) over a Hugging Face encoder-decoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from webbrain.writing.fid.copying import CopyHead
from webbrain.writing.fid.vocabulary import MARKS

IGNORED = -100  # label of a position that does not count


@dataclass(frozen=True, slots=True)
class Sources:
    """Encoded references side by side: `states` (b, k * n, dim), `mask` and `ids` (b, k * n)."""

    states: Tensor
    mask: Tensor
    ids: Tensor

    def repeated(self, rows: int) -> Sources:
        """One copy per beam, for `rows` rows of the decoder."""
        beams = rows // self.ids.shape[0]
        return Sources(*(part.repeat_interleave(beams, 0) for part in (self.states, self.mask, self.ids)))


class FusionInDecoder(nn.Module):
    """`copy` adds a copy mechanism. `numbered` adds a learned vector per reference number to the encoder's states, for
    encoders that must not see the marks (a frozen one); otherwise the number stands in the source text.
    """

    def __init__(
        self, seq2seq: Any, *, copy: bool = False, numbered: bool = False, frozen_encoder: bool = False
    ) -> None:
        super().__init__()
        self.seq2seq = seq2seq
        self.frozen_encoder = frozen_encoder
        config = seq2seq.config
        encoder, decoder = (width(getattr(config, side, config)) for side in ("encoder", "decoder"))
        self.copy = CopyHead(decoder, encoder) if copy else None
        self.numbers = nn.Embedding(len(MARKS), encoder) if numbered else None
        if frozen_encoder:
            seq2seq.get_encoder().requires_grad_(False)
        self._last_hidden: Tensor | None = None
        self._copying: Sources | None = None
        seq2seq.get_output_embeddings().register_forward_hook(self._after_projection)

    def encode(self, ids: Tensor, mask: Tensor, numbers: Tensor | None = None) -> Sources:
        """Encode each reference on its own: ids and mask (b, k, n), numbers (b, k), an absent one masked."""
        batch, count, length = ids.shape
        rows, row_mask = ids.flatten(0, 1), mask.flatten(0, 1)
        present = row_mask.any(-1)
        encoded = self._encode_rows(rows[present], row_mask[present])
        states = encoded.new_zeros(batch * count, length, encoded.shape[-1])
        states = states.masked_scatter(present[:, None, None], encoded)
        if self.numbers is not None:
            labels = torch.arange(1, count + 1, device=ids.device).expand(batch, count) if numbers is None else numbers
            states = states + self.numbers(labels).to(states.dtype).flatten(0, 1)[:, None]
        fused = states.reshape(batch, count * length, -1)
        return Sources(fused, mask.reshape(batch, -1), ids.reshape(batch, -1))

    def _encode_rows(self, ids: Tensor, mask: Tensor) -> Tensor:
        extra = {}
        if self.seq2seq.config.model_type == "led":  # Longformer attention: the first token sees all
            extra["global_attention_mask"] = torch.zeros_like(mask).index_fill(1, torch.zeros_like(mask[0, :1]), 1)
        encoder = self.seq2seq.get_encoder()
        if self.frozen_encoder:
            encoder.eval()  # no dropout: it must give what it gives in retrieval
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen_encoder):
            return cast(Tensor, encoder(input_ids=ids, attention_mask=mask, **extra).last_hidden_state)

    def logits(self, sources: Sources, decoder_ids: Tensor) -> Tensor:
        """Logits (b, t, vocabulary) of the writer without its copy mechanism."""
        outputs = self.seq2seq(
            encoder_outputs=BaseModelOutput(last_hidden_state=sources.states),
            attention_mask=sources.mask,
            decoder_input_ids=decoder_ids,
            use_cache=False,
        )
        return cast(Tensor, outputs.logits)

    def forward(
        self, ids: Tensor, mask: Tensor, labels: Tensor, numbers: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """(summed negative log-likelihood, number of labels) of labels (b, t), where IGNORED labels do not count."""
        sources = self.encode(ids, mask, numbers)
        decoder_ids = self.seq2seq.prepare_decoder_input_ids_from_labels(labels=labels)
        logits = self.logits(sources, decoder_ids)
        counted = labels != IGNORED
        wanted = labels.masked_fill(~counted, 0)
        log_probs = self._token_log_probs(logits, sources, wanted)
        return -(log_probs * counted).sum(), counted.sum()

    def _token_log_probs(self, logits: Tensor, sources: Sources, labels: Tensor) -> Tensor:
        if self.copy is None:
            return logits.float().log_softmax(-1).gather(-1, labels[..., None]).squeeze(-1)
        hidden, self._last_hidden = self._last_hidden, None
        assert hidden is not None
        return self.copy.token_log_probs(logits, hidden, sources.states, sources.mask, sources.ids, labels)

    @torch.no_grad()
    def generate(self, ids: Tensor, mask: Tensor, numbers: Tensor | None = None, **decoding: Any) -> Tensor:
        """Ids (b, t) by `transformers` generation: `num_beams`, `do_sample`, `logits_processor` and the like."""
        sources = self.encode(ids, mask, numbers)
        with self._copy_from(sources):
            return cast(
                Tensor,
                self.seq2seq.generate(
                    encoder_outputs=BaseModelOutput(last_hidden_state=sources.states),
                    attention_mask=sources.mask,
                    **decoding,
                ),
            )

    @contextmanager
    def _copy_from(self, sources: Sources) -> Iterator[None]:
        self._copying = sources if self.copy is not None else None
        try:
            yield
        finally:
            self._copying = None

    def _after_projection(self, _: nn.Module, inputs: tuple[Tensor, ...], logits: Tensor) -> Tensor:
        """Runs after the output projection: keeps its input for the loss, and mixes in the copies when generating."""
        hidden = inputs[0]
        self._last_hidden = hidden if self.copy is not None and self._copying is None else None
        if self.copy is None or self._copying is None:
            return logits
        sources = self._copying.repeated(hidden.shape[0])
        return self.copy.log_probs(logits, hidden, sources.states, sources.mask, sources.ids)


def width(config: Any) -> int:
    """Size of a model's hidden states."""
    return int(getattr(config, "d_model", None) or config.hidden_size)
