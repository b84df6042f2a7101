"""Reference marks after writing: each sentence cites the reference it shares most words with.

RED of WebBrain (Qian et al. 2023, arXiv 2304.04358), as a step that any writer's sentences can go through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webbrain.analysis import Analyzer, is_stop
from webbrain.types import Passage, Sentence

RHO = 0.3  # the paper's least term recall for a passage to support a sentence
_ANALYZER = Analyzer()


def overlap_words(text: str) -> frozenset[str]:
    """The stemmed words of a text that count for overlap: stop words are left out."""
    return frozenset(term for term in _ANALYZER.terms(text) if not is_stop(term))


def overlap_ratio(sentence: frozenset[str], reference: frozenset[str]) -> float:
    """Share of the sentence's words that stand in the reference, in [0, 1]; 0 for a sentence without words."""
    return len(sentence & reference) / len(sentence) if sentence else 0.0


def best_reference(text: str, references: Sequence[frozenset[str]], prefer: int = 0) -> int:
    """Number (from 1) of the reference with the largest overlap; on a tie `prefer`, then the first."""
    wanted = overlap_words(text)
    ratios = [overlap_ratio(wanted, words) for words in references]
    best = max(ratios)
    return prefer if 0 < prefer <= len(ratios) and ratios[prefer - 1] == best else ratios.index(best) + 1


def repair_marks(sentences: Sequence[Sentence], evidence: Sequence[Passage], rho: float = RHO) -> list[Sentence]:
    """Every sentence with marks that resolve: marks of nothing are taken away, and a sentence left with none cites the
    passage of largest overlap, or is left out when that overlap is not over `rho`.
    """
    words = [overlap_words(f"{passage.title} {passage.text}") for passage in evidence]
    repaired = (_repair(sentence, words, rho) for sentence in sentences)
    return [sentence for sentence in repaired if sentence is not None]


def _repair(sentence: Sentence, words: Sequence[frozenset[str]], rho: float) -> Sentence | None:
    real = tuple(dict.fromkeys(mark for mark in sentence.citations if 0 < mark <= len(words)))
    if real or not words:
        return replace(sentence, citations=real) if real else None
    best = best_reference(sentence.text, words)
    if overlap_ratio(overlap_words(sentence.text), words[best - 1]) <= rho:
        return None
    return replace(sentence, citations=(best,))
