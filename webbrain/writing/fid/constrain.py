"""The decoding rules as a `transformers` logits processor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor

from webbrain.writing.fid.rules import DecodingRules


class RuledLogits(LogitsProcessor):
    """`rules[i]` governs the i-th example; `skip` decoder ids stand before the first written one."""

    def __init__(self, rules: Sequence[DecodingRules], skip: int = 1) -> None:
        self.rules = rules
        self.skip = skip

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        beams = len(input_ids) // len(self.rules)
        ruled = scores.float().cpu().numpy().copy()
        for row, ids in enumerate(input_ids.tolist()):
            self.rules[row // beams].apply(ids[self.skip :], ruled[row])
        return torch.from_numpy(ruled).to(scores)  # type: ignore[return-value]
