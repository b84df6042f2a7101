"""The part of a source that bears on a claim: its best sentences, in order, within a budget of words."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from webbrain.grounding.sentences import Span, split_sentences
from webbrain.grounding.words import Words, read_words

FOCUS_WORDS = 160
NEW, SEEN = 1.0, 0.25  # what a claim's word adds to a sentence when no chosen sentence holds it, and when one does


@dataclass(frozen=True, slots=True)
class Source:
    """A source read once: its text, sentences, words, and the words of sentence s as `first[s]:first[s + 1]`."""

    text: str
    spans: list[Span]
    words: Words
    first: list[int]

    @classmethod
    def read(cls, text: str) -> Source:
        spans, words = split_sentences(text), read_words(text)
        first = [bisect_left(words.starts, span.start) for span in spans]
        return cls(text, spans, words, [*first, len(words)])

    def keys(self, sentence: int) -> list[str]:
        return self.words.keys[self.first[sentence] : self.first[sentence + 1]]


@dataclass(frozen=True, slots=True)
class Focus:
    """Chosen sentences of a source as one text; `sentences[i]` is the source sentence of word i."""

    text: str
    words: Words
    sentences: list[int]


def focus(claim: Words, source: Source, budget: int = FOCUS_WORDS) -> Focus:
    """The sentences that together hold most of the claim's weight; the whole source when it fits the budget."""
    if len(source.words) <= budget:
        return _join(source, range(len(source.spans)))
    weights = dict(zip(claim.keys, claim.weights, strict=True))
    held = [weights.keys() & set(source.keys(at)) for at in range(len(source.spans))]
    chosen: set[int] = set()
    seen: set[str] = set()
    left = budget
    while left > 0 and len(chosen) < len(held):
        best = max(
            (at for at in range(len(held)) if at not in chosen),
            key=lambda at: (sum(weights[key] * (SEEN if key in seen else NEW) for key in held[at]), -at),
        )
        if chosen and len(source.keys(best)) > left:
            break
        chosen.add(best)
        seen |= held[best]
        left -= len(source.keys(best))
    return _join(source, sorted(chosen))


def _join(source: Source, chosen: range | list[int]) -> Focus:
    parts: list[str] = []
    words, owners, at = Words([], [], [], [], []), [], 0
    for sentence in chosen:
        span, rows = source.spans[sentence], slice(source.first[sentence], source.first[sentence + 1])
        shift = at - span.start
        words.starts.extend(start + shift for start in source.words.starts[rows])
        words.ends.extend(end + shift for end in source.words.ends[rows])
        words.keys.extend(source.words.keys[rows])
        words.kinds.extend(source.words.kinds[rows])
        words.weights.extend(source.words.weights[rows])
        owners.extend([sentence] * len(source.words.keys[rows]))
        parts.append(source.text[span.start : span.end])
        at += span.end - span.start + 1
    return Focus(" ".join(parts), words, owners)
