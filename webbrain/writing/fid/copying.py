"""The optional copy mechanism: a pointer-generator (See, Liu and Manning, ACL 2017) over the fused references."""

from __future__ import annotations

import torch
from torch import Tensor, nn

TINY = 1e-9


class CopyHead(nn.Module):
    """p(token) = gate * p_generate(token) + (1 - gate) * attention on the source positions that hold the token."""

    def __init__(self, decoder_dim: int, encoder_dim: int, dim: int = 64) -> None:
        super().__init__()
        self.query = nn.Linear(decoder_dim, dim)
        self.key = nn.Linear(encoder_dim, dim)
        self.gate = nn.Linear(decoder_dim, 1)
        self.scale = dim**-0.5
        nn.init.constant_(self.gate.bias, 1.0)  # begin as a writer that mostly generates

    def attend(self, decoder: Tensor, encoder: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(attention (b, t, m), log gate odds (b, t, 1)) from decoder (b, t, d), encoder (b, m, e), mask (b, m)."""
        weights = self.query(decoder) @ self.key(encoder).transpose(1, 2) * self.scale
        weights = weights.float().masked_fill(~mask.bool()[:, None], torch.finfo(torch.float32).min)
        return weights.softmax(-1), self.gate(decoder).float()

    def token_log_probs(
        self, logits: Tensor, decoder: Tensor, encoder: Tensor, mask: Tensor, source: Tensor, labels: Tensor
    ) -> Tensor:
        """Log-probability (b, t) of each label (b, t), without making the distribution over the vocabulary."""
        attention, odds = self.attend(decoder, encoder, mask)
        copied = (attention * (source[:, None] == labels[..., None])).sum(-1)
        generated = logits.float().log_softmax(-1).gather(-1, labels[..., None]).squeeze(-1)
        gate = odds.squeeze(-1)
        from_vocabulary = generated + nn.functional.logsigmoid(gate)
        return torch.logaddexp(from_vocabulary, copied.clamp_min(TINY).log() + nn.functional.logsigmoid(-gate))

    def log_probs(self, logits: Tensor, decoder: Tensor, encoder: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        """Log-probabilities (b, t, vocabulary) of the mixture."""
        attention, odds = self.attend(decoder, encoder, mask)
        gate = odds.sigmoid()
        mixed = gate * logits.float().softmax(-1)
        places = source[:, None].expand_as(attention)
        return mixed.scatter_add(-1, places, (1 - gate) * attention).clamp_min(TINY).log()
