"""Sentences of a text as character offsets, by rules: no model, linear time, any script.

Everything that is not white space lies in exactly one span. Text without punctuation (menus, lower-cased dumps) is cut
into pieces of a sentence's length, so that nothing downstream has to cope with a page as one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONG_WORDS = 40  # more words than this without a stop are cut ...
PIECE_WORDS = (20, 30)  # ... into pieces of this many
LONG_CHARS = 200  # the same for scripts without spaces, in characters
HEADING_CHARS = 60  # a shorter line without closing punctuation is a heading or a menu entry

_ABBREVIATIONS = frozenset(
    """dr mr mrs ms prof rev hon st sr jr gen col lt sgt capt cmdr maj adm gov sen rep pres supt det insp fr br
    e.g i.e cf viz vs v etc al ca c approx est fig figs no nos vol vols p pp ch sec eq ed eds trans ser
    inc ltd co corp bros dept univ assn ave blvd rd mt ft u.s u.k u.n u.s.a d.c a.m p.m b.c a.d ph.d m.d b.a m.a
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun op messrs mme mlle""".split()
)
# After these a capital letter may well begin a sentence; after the others it never does.
_MAY_END = frozenset("etc inc ltd co corp bros jr sr al u.s u.k u.n u.s.a d.c a.m p.m b.c a.d ph.d m.d b.a m.a".split())
_STARTERS = frozenset(
    """the a an he she it they we i in on at by for from with after before when while although however but and this that
    these those his her its their there as since during both one two many some most""".split()
)
_CLOSERS = r"[\"'”’»)\]]*"
# What ends a sentence, by its first character: a pattern that begins with a set of characters is searched for quickly.
_STOP = re.compile(
    rf"[.!?…。！？｡؟۔।॥](?:(?<=[.!?…])[.!?…]*{_CLOSERS}(?:\s?\[[\w ,]{{1,12}}\])*(?=\s|$)|"
    r"(?<=[.!?])[.!?]*(?:\[\d{1,3}\])+(?=\w)|(?<=[。！？｡])[。！？｡]*[”’」』）]*|(?<=[؟۔।॥])[؟۔।॥]*(?=\s|$))"
)
_NO_WORD = re.compile(r"[^\w.’'-]+")
_NEXT = re.compile(r"\s*[\"'“‘«(\[]*(\w+)")
_LINE = re.compile(r"\n\s*")
_WORD = re.compile(r"\S+")
_BULLET = re.compile(r"(?:[-*•‣▪◦·]|\d{1,3}[.)]|[a-z]\))\s")
_CUT_BEFORE = frozenset(
    "the in on at but and or he she it they for from with when while after before that which who as".split()
)
_CLOSED = re.compile(r"[.!?…:;,。！？｡؟۔।॥][\"'”’)\]»」』]*\s*$")
WRAPPED_SHARE = 0.25  # of the line ends, so many run on in lower case in a text that is wrapped at a margin


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a text."""

    start: int
    end: int


def split_sentences(text: str) -> list[Span]:
    """Spans in order, not overlapping, without white space at either end; together they hold all that is no space."""
    spans: list[Span] = []
    for start, end in _blocks(text):
        begin = start
        for stop in [*_stops(text, start, end), end]:
            first, last = _trim(text, begin, stop)
            if last - first > LONG_CHARS and _is_long(text[first:last].split()):
                spans.extend(_cut_long(text, first, last))
            elif first < last:
                spans.append(Span(first, last))
            begin = stop
    return spans


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that belong together: a paragraph, a heading, a bullet."""
    begin = 0
    wrapped = _is_wrapped(text)
    for match in _LINE.finditer(text):
        runs_on = match.end() < len(text) and text[match.end()].islower()
        if not (wrapped or runs_on) or _ends_block(text, begin, match):
            yield begin, match.start()
            begin = match.end()
    yield begin, len(text)


def _ends_block(text: str, begin: int, line_end: re.Match[str]) -> bool:
    if line_end.group().count("\n") > 1 or _BULLET.match(text, line_end.end()):
        return True
    start = max(text.rfind("\n", begin, line_end.start()) + 1, begin)
    size = line_end.start() - start
    return size < HEADING_CHARS and not _CLOSED.search(text, max(start, line_end.start() - 8), line_end.start())


def _is_wrapped(text: str) -> bool:
    """Whether line ends fall inside sentences, as in mail and plain-text prose; elsewhere every line is a block."""
    running_on = lines = 0
    for match in _LINE.finditer(text):
        lines += 1
        if match.end() < len(text) and text[match.end()].islower():
            running_on += not _CLOSED.search(text, max(0, match.start() - 8), match.start())
    return running_on > WRAPPED_SHARE * lines


def _stops(text: str, begin: int, end: int) -> Iterator[int]:
    """Ends of sentences inside a block."""
    for match in _STOP.finditer(text, begin, end):
        if match.group()[0] in "。！？｡؟۔।॥" or _is_boundary(text, match, begin, end):
            yield match.end()


def _is_boundary(text: str, stop: re.Match[str], begin: int, end: int) -> bool:
    following = _NEXT.match(text, stop.end(), min(end, stop.end() + 40))
    if following is None:
        return True
    word = following.group(1)
    if stop.group()[0] != "." or stop.group().startswith("..."):
        return not word[0].islower()
    if word[0].islower():
        return False
    before = _NO_WORD.split(text[max(begin, stop.start() - 24) : stop.start()].removesuffix("\n"))[-1]
    return not before or not _is_abbreviation(before, word)


def _is_abbreviation(before: str, following: str) -> bool:
    """Whether the dot after `before` belongs to the word and not to the sentence."""
    word = before.lower().strip("'’").lstrip(".")
    if len(word) == 1 and word.isalpha() and before[-1].isupper():
        return following.lower() not in _STARTERS  # an initial: J. R. R. Tolkien
    if word in _MAY_END:
        return following.lower() not in _STARTERS
    if word in _ABBREVIATIONS:
        return word not in ("no", "p", "sun", "sat", "mar", "fig", "sec", "c", "op") or following[0].isdigit()
    return bool(re.fullmatch(r"(?:[a-z]\.)+[a-z]", word)) and following.lower() not in _STARTERS


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _is_long(words: list[str]) -> bool:
    """Whether there is anything to cut."""
    return len(words) > LONG_WORDS or max(map(len, words)) > LONG_CHARS


def _cut_long(text: str, start: int, end: int) -> Iterator[Span]:
    """The pieces of a span that is far longer than a sentence."""
    words = [match.span() for match in _WORD.finditer(text, start, end)]
    first = 0
    while first < len(words):
        last = _piece(text, words, first)
        yield from _cut_characters(words[first][0], words[last - 1][1], unspaced=last - first == 1)
        first = last


def _piece(text: str, words: list[tuple[int, int]], first: int) -> int:
    """Where the piece that begins with word `first` ends (exclusive)."""
    if len(words) - first <= LONG_WORDS:
        long_word = next((at for at in range(first, len(words)) if _size(words[at]) > LONG_CHARS), None)
        return len(words) if long_word is None else max(long_word, first + 1)
    least, most = PIECE_WORDS
    window = range(first + least, first + most)
    for at in range(first, first + most):
        if _size(words[at]) > LONG_CHARS:
            return max(at, first + 1)
    for at in window:
        if text[words[at - 1][1] - 1] in ",;:":
            return at
    for at in window:
        if text[words[at][0] : words[at][1]].lower() in _CUT_BEFORE:
            return at
    return first + most - 5


def _size(word: tuple[int, int]) -> int:
    return word[1] - word[0]


def _cut_characters(start: int, end: int, *, unspaced: bool) -> Iterator[Span]:
    if not unspaced or end - start <= LONG_CHARS:
        yield Span(start, end)
        return
    for begin in range(start, end, LONG_CHARS):
        yield Span(begin, min(begin + LONG_CHARS, end))
