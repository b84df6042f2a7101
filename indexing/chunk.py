"""Documents to passages: whole sentences, about a hundred words, offsets that slice back to the document's text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from webbrain.errors import ConfigError
from webbrain.grounding.sentences import LONG_CHARS, Span, split_sentences

PARAGRAPH_SHARE = 0.75  # of the target, from which a passage ends with its paragraph
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_WORD_AND_SPACE = re.compile(r"\S+\s*")
_INSIDE = re.compile("[]。！？｡]")  # after these a sentence may end within a word
_CLAUSE = re.compile(r"[,;:)\]、，；]\s*|\s+-\s+|\s+[–—]\s+")


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """Sizes in words: a passage ends at a sentence near `target_words`, never has more than `max_words`, and a rest
    under `min_words` joins the passage before it where that stays under the maximum."""

    target_words: int = 110
    max_words: int = 160
    min_words: int = 50

    def __post_init__(self) -> None:
        if not 0 <= self.min_words <= self.target_words <= self.max_words:
            raise ConfigError(
                f"passages of {self.min_words} <= {self.target_words} <= {self.max_words} words: "
                "minimum, target and maximum must be in that order; change --target-words"
            )

    @classmethod
    def around(cls, target_words: int) -> ChunkSettings:
        """Settings for another target, the other sizes in proportion."""
        return cls(target_words, max(round(target_words * 1.45), target_words), min(50, target_words // 2))


def chunk(text: str, settings: ChunkSettings) -> list[Span]:
    """The passages of a text, in order, not overlapping, each sentence in one of them; [] for a text without words."""
    if _is_short(text, settings):
        start = len(text) - len(text.lstrip())
        return [Span(start, len(text.rstrip()))]
    return _merge_rest(text, list(_group(text, settings)), settings)


def _is_short(text: str, settings: ChunkSettings) -> bool:
    """Whether a text is one passage wherever its sentences end, as those of a corpus of passages are."""
    if len(text) > 10 * settings.target_words:
        return False
    words = count_words(text)
    if text.count("\n") <= 1:
        return 0 < words <= settings.target_words
    cuts = len(_INSIDE.findall(text)) + len(text) // LONG_CHARS
    return words > 0 and words + cuts < PARAGRAPH_SHARE * settings.target_words  # no paragraph closes it either


def count_words(text: str) -> float:
    """Words by white space; in scripts without spaces a character counts as half a word."""
    if text.isascii() or not _UNSPACED.search(text):
        return len(text.split())
    unspaced = len(_UNSPACED.findall(text))
    return len(_UNSPACED.sub(" ", text).split()) + unspaced / 2


def _group(text: str, settings: ChunkSettings) -> Iterator[Span]:
    """Greedy: sentences until the target is nearest, or earlier at the end of a paragraph close to it."""
    begin: Span | None = None
    end, words = 0, 0.0
    for sentence in _sentences(text, settings.max_words):
        size = count_words(text[sentence.start : sentence.end])
        if begin is not None and _closes(text[end : sentence.start], words, size, settings):
            yield Span(begin.start, end)
            begin, words = None, 0.0
        begin = begin or sentence
        end, words = sentence.end, words + size
    if begin is not None:
        yield Span(begin.start, end)


def _closes(gap: str, words: float, following: float, settings: ChunkSettings) -> bool:
    """Whether the passage ends before the next sentence; `gap` is the white space between."""
    if words + following > settings.max_words:
        return True
    if gap.count("\n") > 1 and words >= PARAGRAPH_SHARE * settings.target_words:
        return True
    return words + following - settings.target_words > settings.target_words - words


def _sentences(text: str, max_words: int) -> Iterator[Span]:
    """Sentences, the longer ones cut at a clause or a space."""
    for span in split_sentences(text):
        while count_words(text[span.start : span.end]) > max_words:
            cut = _cut(text, span, max_words)
            end = cut
            while end > span.start and text[end - 1].isspace():
                end -= 1
            yield Span(span.start, end)
            span = Span(cut, span.end)
        yield span


def _cut(text: str, span: Span, max_words: int) -> int:
    """Where to cut a long sentence: after its last clause mark within reach, else at a space, else anywhere."""
    reach = span.start
    words = 0.0
    for match in _WORD_AND_SPACE.finditer(text, span.start, span.end):
        words += count_words(match.group())
        if words > max_words:
            break
        reach = match.end()
    if reach <= span.start:
        return min(span.start + 2 * max_words, span.end - 1)
    clauses = [
        match.end() for match in _CLAUSE.finditer(text, span.start, reach) if match.end() > (span.start + reach) // 2
    ]
    return clauses[-1] if clauses else reach


def _merge_rest(text: str, spans: list[Span], settings: ChunkSettings) -> list[Span]:
    """A last passage under the minimum joins the one before it, where both fit."""
    if len(spans) > 1 and count_words(text[spans[-1].start : spans[-1].end]) < settings.min_words:
        joined = Span(spans[-2].start, spans[-1].end)
        if count_words(text[joined.start : joined.end]) <= settings.max_words:
            return [*spans[:-2], joined]
    return spans
