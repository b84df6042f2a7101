"""Claim-passage pairs with planted errors, made from articles: any number of them, with the wrong words known."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from webbrain.grounding.sentences import split_sentences
from webbrain.grounding.words import FUNCTION, read_words
from webbrain.training.support_controls import CONTROLS
from webbrain.training.support_edits import ERRORS, Edit, Scene, Span

PASSAGE_SENTENCES = (3, 7)
LEAD_COVERAGE = 0.6  # share of a lead sentence's weight that a body passage must hold for the pair to count as true
# Edits that seldom apply are tried first more often, those that always apply less often.
EAGERNESS = {
    "number_elsewhere": 4.0, "number_absent": 2.0, "numbers_swapped": 6.0, "unit": 6.0, "ranking": 3.0,
    "name_elsewhere": 3.0, "names_swapped": 4.0, "merged": 3.0, "spelled_number": 6.0, "subject_named": 4.0,
    "reordered": 3.0, "lower_cased": 0.5, "clause_added": 0.7, "word_elsewhere": 0.7,
}  # fmt: skip
FOLDS = 10  # by hash of the title: 0 tests, 1 develops, the others train


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim and its source; `wrong` are the characters of the claim that the source does not support.

    `certain` is False where unmarked words may be unsupported too (a lead sentence held against its article's body).
    """

    group: str
    source: str
    claim: str
    kind: str
    wrong: tuple[Span, ...]
    certain: bool

    @property
    def supported(self) -> bool:
        return not self.kind.startswith("-")


def fold_of(title: str) -> int:
    return _digest(title) % FOLDS


def _digest(title: str) -> int:
    return int(hashlib.sha256(title.encode()).hexdigest()[:15], 16)


def articles(folder: Path, folds: Sequence[int], share: float = 1.0) -> Iterator[tuple[str, list[str], int]]:
    """(title, sentences, how many of them are the lead) of the articles in some folds, or of a share of them."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if fold_of(row["title"]) in folds and _digest(row["title"]) // FOLDS % 1000 < share * 1000:
                    end = row["sections"][0]["end"] if row["sections"] else 0
                    spans = split_sentences(row["text"])
                    sentences = [row["text"][span.start : span.end] for span in spans]
                    yield row["title"], sentences, sum(span.end <= end for span in spans)


def make_pairs(
    folder: Path,
    folds: Sequence[int],
    opposites: dict[str, list[str]],
    alike: Callable[[str], Sequence[str]],
    *,
    share: float = 1.0,
    seed: int = 0,
) -> Iterator[Pair]:
    """Per article one verbatim-based family and, where lead and body agree, one lead-based family of pairs."""
    rng = random.Random(seed)
    elsewhere = ""
    for title, sentences, lead in articles(folder, folds, share):
        if len(sentences) < 8:
            continue
        far = elsewhere
        elsewhere = " ".join(sentences[:8])
        for source, claim, certain in _bases(sentences, lead, rng):
            scene = Scene(source, title, far, opposites, alike, rng)
            yield from _family(title, source, claim, scene, certain)


def _bases(sentences: list[str], lead: int, rng: random.Random) -> Iterator[tuple[str, str, bool]]:
    """(source, true claim, certain): a sentence of a passage, two of them, and a lead sentence that a body covers."""
    size = rng.randint(*PASSAGE_SENTENCES)
    first = rng.randrange(max(1, len(sentences) - size))
    window = sentences[first : first + size]
    good = [at for at, text in enumerate(window) if _is_sentence(text)]
    if good:
        at = rng.choice(good)
        claim = window[at]
        if rng.random() < 0.15 and at + 1 in good and len(claim) < 160:
            claim = f"{claim} {window[at + 1]}"
        yield " ".join(window), claim, True
    for claim in sentences[:lead][:3]:
        if _is_sentence(claim) and len(sentences) - lead >= 5:
            source = _covering(claim, sentences[lead:])
            if source:
                yield source, claim, False


def _is_sentence(text: str) -> bool:
    return 40 < len(text) < 320 and text[0].isupper() and text.endswith(".") and text.count(" ") > 6


def _covering(claim: str, body: list[str], size: int = 6) -> str:
    """The run of body sentences that holds most of a claim's weight; "" when it holds too little of it."""
    words = read_words(claim)
    weights = {k: w for k, w, kind in zip(words.keys, words.weights, words.kinds, strict=True) if kind != FUNCTION}
    held = [weights.keys() & set(read_words(text).keys) for text in body]
    runs = [set().union(*held[at : at + size]) for at in range(len(body))]
    best = max(range(len(runs)), key=lambda at: sum(weights[key] for key in runs[at]))
    share = sum(weights[key] for key in runs[best]) / max(sum(weights.values()), 1e-9)
    return " ".join(body[best : best + size]) if share >= LEAD_COVERAGE else ""


def _family(title: str, source: str, claim: str, scene: Scene, certain: bool) -> Iterator[Pair]:
    """The claim, two true rewordings, and three errors, each planted in the claim or in a rewording of it."""
    rng = scene.rng
    true = [("verbatim" if certain else "lead", claim)]
    for editor in sorted(CONTROLS, key=lambda editor: rng.random() / EAGERNESS.get(editor.__name__, 1.0)):
        edit = editor(rng.choice(true)[1], scene)
        if edit is not None and len(true) < 3 and edit.text not in (text for _, text in true):
            true.append((edit.kind, edit.text))
    for kind, text in true:
        yield Pair(title, source, text, kind, (), certain)
    planted = 0
    for editor in sorted(ERRORS, key=lambda editor: rng.random() / EAGERNESS.get(editor.__name__, 1.0)):
        edit = editor(rng.choice(true)[1], scene)
        if edit is not None and planted < 3 and not _still_true(edit, scene):
            planted += 1
            yield Pair(title, source, edit.text, "-" + edit.kind, edit.wrong, certain)


def _still_true(edit: Edit, scene: Scene) -> bool:
    return edit.text in scene.passage


def wrong_words(pair: Pair) -> list[bool]:
    """Per word of the claim, whether it touches a wrong span."""
    words = read_words(pair.claim)
    return [
        any(start < b and a < end for a, b in pair.wrong) for start, end in zip(words.starts, words.ends, strict=True)
    ]
