"""Rules of decoding, the same for torch and ONNX Runtime: marks must resolve, and RED chooses them by overlap.

RED is reference-mark-enhanced decoding of WebBrain (Qian et al. 2023, arXiv 2304.04358): when the most likely token is
a mark other than [0], it becomes the mark of the reference with the largest word overlap with the sentence before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from webbrain.types import Passage
from webbrain.writing.fid.vocabulary import MARKS, Vocabulary, reference_text
from webbrain.writing.marks_repair import best_reference, overlap_words

Scores = NDArray[np.float32]


class DecodingRules:
    """Rules for one query and its references; `red` switches reference-mark-enhanced decoding."""

    def __init__(self, vocabulary: Vocabulary, references: Sequence[Passage], *, red: bool = True) -> None:
        self.vocabulary = vocabulary
        self.words = [overlap_words(reference_text(passage)) for passage in references]
        self.red = red
        never = vocabulary.control - set(vocabulary.marks[: len(references) + 1]) - set(vocabulary.end)
        self.never = np.array(sorted(never), np.int64)
        self.marks = np.array(vocabulary.marks, np.int64)

    def apply(self, written: Sequence[int], scores: Scores) -> None:
        """Change the scores (vocabulary,) of the next token in place, given the ids written so far."""
        scores[self.never] = -np.inf
        if not written or self._closed(written):
            scores[self.vocabulary.end] = scores[self.vocabulary.end] if written else -np.inf
            self._forbid_marks(written, scores)
            return
        top = self.vocabulary.number(int(scores.argmax()))
        if self.red and top:
            self._prefer(self._choice(written, top), scores)

    def _closed(self, written: Sequence[int]) -> bool:
        return self.vocabulary.number(written[-1]) is not None

    def _forbid_marks(self, written: Sequence[int], scores: Scores) -> None:
        """No mark before any word; after a mark none again that the sentence has, and none beside [0]."""
        run: set[int] = set()
        for token in reversed(written):
            number = self.vocabulary.number(token)
            if number is None:
                break
            run.add(number)
        banned = set(range(len(MARKS))) if not written or 0 in run else run | {0}
        scores[self.marks[sorted(banned)]] = -np.inf

    def _choice(self, written: Sequence[int], top: int) -> int:
        *_, (words, _) = self.vocabulary.split(written)
        return best_reference(self.vocabulary.decode(words), self.words, prefer=top)

    def _prefer(self, number: int, scores: Scores) -> None:
        best = scores.max()
        scores[self.marks[1:]] = -np.inf
        scores[self.marks[number]] = best
