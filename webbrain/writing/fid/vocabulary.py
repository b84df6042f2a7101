"""Marks as tokens, and corpus text that can never become one: the only way from text to ids and back for the writers.

A source is `[title] query [ref] [n] title text`, a target is sentences, each closed by its marks (`paper.md`). Control
tokens are put in by id; text between them is encoded with every control token switched off, so a page that says "[1]",
"[ref]" or "</s>" gives letters and brackets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from webbrain.grounding.normal import tidy
from webbrain.types import Passage

MAX_REFERENCES = 5
MARKS = tuple(f"[{number}]" for number in range(MAX_REFERENCES + 1))  # [0] is "no reference"
TITLE, REF = "[title]", "[ref]"
CONTROL = (TITLE, REF, *MARKS)


@dataclass(frozen=True, slots=True)
class MarkedSentence:
    """A sentence as it was generated: the numbers of its marks in order, [0] as 0, none when it was cut off."""

    text: str
    marks: tuple[int, ...]


class Vocabulary:
    """A `tokenizers.Tokenizer` with the marks added; `start` and `end` are the ids a model puts around any text."""

    def __init__(self, tokenizer: Any) -> None:
        from tokenizers import AddedToken

        self.tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        around = tokenizer.encode("").ids
        self.start, self.end = around[:-1], around[-1:]
        tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in CONTROL])
        tokenizer.encode_special_tokens = True
        self.marks = [int(tokenizer.token_to_id(mark)) for mark in MARKS]
        self.title, self.ref = int(tokenizer.token_to_id(TITLE)), int(tokenizer.token_to_id(REF))
        self.control = frozenset(map(int, tokenizer.get_added_tokens_decoder()))
        self._number = {token: number for number, token in enumerate(self.marks)}
        self._unknown = {tokenizer.token_to_id(name) for name in ("[UNK]", "<unk>")}

    @property
    def size(self) -> int:
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    def ids(self, text: str) -> list[int]:
        """Ids of corpus text or of a query as inside a sequence (after a space), without any control token."""
        found: list[int] = self.tokenizer.encode(f" {text}", add_special_tokens=False).ids
        return [token for token in found if token not in self.control or token in self._unknown]

    def sources(
        self, query: str, passages: Sequence[Passage], limit: int, *, numbered: bool = False
    ) -> tuple[list[list[int]], list[int]]:
        """Rows of at most `limit` ids and the reference number of each (0: the query alone).

        With `numbered` the model adds the number to the encoder's states, so rows hold plain text, `query </s> title
        text`, after a row with the query alone. Otherwise a row is `[title] query [ref] [n] title text`.
        """
        asked = self.ids(tidy(query))
        if numbered:
            rows = [asked, *([*asked, *self.end, *self.ids(reference_text(passage))] for passage in passages)]
            return [self.wrap(row, limit) for row in rows], list(range(len(rows)))
        head = [self.title, *asked]
        if not passages:
            return [self.wrap(head, limit)], [0]
        numbers = list(range(1, len(passages) + 1))
        rows = [
            [*head, self.ref, self.marks[n], *self.ids(reference_text(p))]
            for n, p in zip(numbers, passages, strict=True)
        ]
        return [self.wrap(row, limit) for row in rows], numbers

    def wrap(self, body: Sequence[int], limit: int) -> list[int]:
        """The body between the model's start and end ids, `limit` ids at most."""
        return [*self.start, *body[: limit - len(self.start) - len(self.end)], *self.end]

    def target(self, sentences: Sequence[tuple[str, Sequence[int]]], limit: int) -> list[int]:
        """Ids of a target; each sentence is (text, numbers of its marks), without marks `[0]` is written."""
        ids: list[int] = []
        for text, numbers in sentences:
            ids += [*self.ids(tidy(text)), *(self.marks[number] for number in numbers or (0,))]
        return [*ids[: limit - len(self.end)], *self.end]

    def number(self, token: int) -> int | None:
        """Which mark a token is, or None."""
        return self._number.get(token)

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(str(self.tokenizer.decode(list(ids), skip_special_tokens=True)).split())

    def sentences(self, ids: Sequence[int]) -> list[MarkedSentence]:
        """Generated ids as sentences; a tail without a mark counts only when the writer ended it itself."""
        ended = self.end[0] in ids
        found = ((self.decode(words), marks) for words, marks in self.split(ids))
        return [MarkedSentence(text, marks) for text, marks in found if text and (marks or ended)]

    def split(self, ids: Sequence[int]) -> Iterator[tuple[list[int], tuple[int, ...]]]:
        """(ids of the words, numbers of the marks) per sentence; control tokens other than marks are left out."""
        words: list[int] = []
        marks: list[int] = []
        for token in ids:
            number = self._number.get(token)
            if number is not None:
                marks.append(number)
            elif token not in self.control or token in self._unknown:
                if marks:
                    yield words, tuple(marks)
                    words, marks = [], []
                words.append(token)
        if words:
            yield words, tuple(marks)


def reference_text(passage: Passage) -> str:
    """What a writer reads of a passage: its title and its text on one line, reference marks of the page taken out."""
    return tidy(f"{passage.title} {passage.text}")
