"""Verified writing: a sentence that its passage does not support is cited anew, written anew, quoted, or dropped.

Whatever the writer, what is left stands in a passage by the scorer's judgement, and `Sentence.origin` says how.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from webbrain.grounding.normal import comparable, tidy
from webbrain.grounding.sentences import split_sentences
from webbrain.protocols import SupportScorer, Writer
from webbrain.types import Claim, Passage, Sentence, Verdict
from webbrain.writing.events import Dropped
from webbrain.writing.marks_repair import RHO, overlap_ratio, overlap_words
from webbrain.writing.quality import flaws, is_dangling

PASSAGES_TRIED = 8  # the passages that share most words with the sentence
MAX_REWRITES = 3  # passages that a writer is asked to write from again, per article: each costs a whole decoding


@dataclass(slots=True)
class Verifier:
    """Checks the sentences of one article about `query`; `writer`, if given, is asked to write them anew."""

    scorer: SupportScorer
    passages: Sequence[Passage]
    query: str = ""
    writer: Writer | None = None
    keep: float = 0.5
    _words: list[frozenset[str]] = field(init=False)
    _rewritten: dict[int, list[Sentence]] = field(init=False, default_factory=dict)
    _said: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._words = [overlap_words(f"{passage.title} {passage.text}") for passage in self.passages]

    def check(self, sentence: Sentence) -> Sentence | Dropped:
        """The sentence, or what stands in its place, with its support; dropped with the reason when nothing does."""
        verdict = self._verdict(sentence)
        if verdict.score >= self.keep:
            return self._say(replace(sentence, support=verdict.score))
        markers = self._near(sentence)
        for mend in (self._recite, self._rewrite, self._quote):  # in order of cost
            best = max(mend(sentence, markers), key=lambda item: item.support or 0.0, default=None)
            if best is not None:
                return self._say(best)
        return Dropped(sentence.text, "; ".join(verdict.reasons))

    def _say(self, sentence: Sentence) -> Sentence:
        self._said.add(comparable(sentence.text))
        return sentence

    def _verdict(self, sentence: Sentence) -> Verdict:
        cited = [self.passages[marker - 1] for marker in sentence.citations]
        return self.scorer.score(Claim(sentence.text, sentence.citations), cited)

    def _near(self, sentence: Sentence) -> list[int]:
        """Markers of the passages that share most words with the sentence, best first."""
        wanted = overlap_words(sentence.text)
        ratios = {marker: overlap_ratio(wanted, words) for marker, words in enumerate(self._words, start=1)}
        return sorted(ratios, key=lambda marker: (-ratios[marker], marker))[:PASSAGES_TRIED]

    def _supported(self, sentences: Iterator[Sentence]) -> Iterator[Sentence]:
        """Those that are new and that their passage supports, with the support."""
        for sentence in sentences:
            if comparable(sentence.text) not in self._said:
                score = self._verdict(sentence).score
                if score >= self.keep:
                    yield replace(sentence, support=score)

    def _recite(self, sentence: Sentence, markers: Sequence[int]) -> Iterator[Sentence]:
        others = (marker for marker in markers if sentence.citations != (marker,))
        return self._supported(replace(sentence, citations=(marker,), origin="recited") for marker in others)

    def _rewrite(self, sentence: Sentence, markers: Sequence[int]) -> Iterator[Sentence]:
        """What the writer writes from the nearest passage alone, where it is about the same."""
        if self.writer is None or not markers:
            return iter(())
        marker = markers[0]
        if marker not in self._rewritten and len(self._rewritten) < MAX_REWRITES:
            self._rewritten[marker] = self.writer.write(self.query, [self.passages[marker - 1]])
        own = (item for item in self._rewritten.get(marker, []) if item.origin != "quoted")  # a floor's: `_quote` does
        written = [replace(item, citations=(marker,), origin="rewritten") for item in own]
        return self._supported(iter(_nearest(sentence, written)))

    def _quote(self, sentence: Sentence, markers: Sequence[int]) -> Iterator[Sentence]:
        """The sentences of the near passages that are about the same, word for word."""
        found = [
            Sentence(text, (marker,), origin="quoted")
            for marker in markers
            for text in _fit_sentences(self.passages[marker - 1].text)
        ]
        return self._supported(iter(_nearest(sentence, found)))


def _nearest(sentence: Sentence, others: Sequence[Sentence]) -> list[Sentence]:
    """The one of `others` that shares most of the sentence's words, if that is more than RHO of them."""
    wanted = overlap_words(sentence.text)
    ratios = [overlap_ratio(wanted, overlap_words(other.text)) for other in others]
    best = max(ratios, default=0.0)
    return [others[ratios.index(best)]] if best > RHO else []


def _fit_sentences(text: str) -> Iterator[str]:
    for span in split_sentences(text):
        found = tidy(text[span.start : span.end])
        if not flaws(found) and not is_dangling(found):
            yield found
