"""Word pieces without case or accents become text again, after the evidence's own spelling.

An uncased BERT vocabulary knows "mary", "curie", "1" "," "200" and "co" "-" "author". How these are written, and which
stand together without a space, is in the passages that the sentence was written from: so it is read there.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%’")
_NO_SPACE_AFTER = frozenset("([{$£€#‘")
_SENTENCE_END = frozenset(".!?")


class Surface:
    """The spelling of some texts: of a word the commonest form, after the same word if it was seen there, of a pair
    whether it is joined. The form that opens a sentence counts only where no other is known."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.after: dict[tuple[str, str], Counter[str]] = {}
        self.forms: dict[str, Counter[str]] = {}
        self.first: dict[str, Counter[str]] = {}
        self.joined: Counter[tuple[str, str]] = Counter()
        for text in texts:
            self._read(text)

    def _read(self, text: str) -> None:
        before: re.Match[str] | None = None
        for match in _WORD.finditer(text):
            word, opens = fold(match[0]), before is None or before[0] in _SENTENCE_END
            (self.first if opens else self.forms).setdefault(word, Counter())[match[0]] += 1
            if before is not None:
                pair = fold(before[0]), word
                self.joined[pair] += 1 if match.start() == before.end() else -1
                self.after.setdefault(pair, Counter())[match[0]] += not opens
            before = match

    def write(self, words: Sequence[str]) -> str:
        """One sentence from folded words and punctuation marks."""
        text, before, quotes = "", "", 0
        for word in words:
            quotes += before == '"'
            text += ("" if self._joins(before, word, quotes) else " ") + self._form(before, word)
            before = word
        return text[:1].upper() + text[1:]

    def _form(self, before: str, word: str) -> str:
        forms = +self.after.get((before, word), Counter()) or self.forms.get(word) or self.first.get(word)
        return word if forms is None else max(forms, key=lambda form: (forms[form], form))

    def _joins(self, before: str, word: str, quotes: int) -> bool:
        seen = self.joined[before, word]
        if not before or seen:
            return not before or seen > 0
        if '"' in (before, word):
            inside = quotes % 2 == 1
            return inside if before == '"' else inside and word == '"'
        return word in _NO_SPACE_BEFORE or before in _NO_SPACE_AFTER or {before, word} & {"-", "'", "’", "/"} != set()


def fold(word: str) -> str:
    """As an uncased BERT tokenizer sees it: lower case, without accents."""
    return "".join(char for char in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(char) != "Mn")


def join_pieces(pieces: Sequence[str]) -> list[str]:
    """Words from word pieces: `##` continues the word before it."""
    words: list[str] = []
    for piece in pieces:
        if piece.startswith("##") and words:
            words[-1] += piece[2:]
        else:
            words.append(piece)
    return words
