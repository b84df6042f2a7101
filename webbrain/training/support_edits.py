"""Planted errors and true rewordings of a sentence: each an edit of some characters, or None where it does not apply.

After FactCC (Kryscinski et al. 2020), with the edits that its authors and ours found hard: another number or name *of
the same passage*, names changing places, opposites, rankings, two facts merged; and, so that a scorer cannot learn that
whatever was edited is false, rewordings that stay true.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from webbrain.grounding.facts import NOT_NAMES

Span = tuple[int, int]
_NAME = re.compile(r"[A-Z][\w’'.-]*(?:\s+(?:(?:of|de|van|von|the)\s+)?[A-Z][\w’'.-]*)*")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])")
_AUXILIARY = re.compile(r"\b(is|was|were|are|has|had|can|could|will|would|did|does|may|should)\b(?!\s+(?:not|n't))")
_NEGATED = re.compile(r"\b(is|was|were|are|has|had|can|could|will|would|did|does|may|should)\s+not\b\s?")
_VERB = re.compile(
    r"\s(is|was|were|are|has|had|became|won|died|began|made|took|wrote|led|held|left|met|built|"
    r"played|moved|served|joined|received|founded|\w{3,}ed)\s"
)
_PRONOUN = re.compile(r"^(He|She|It|They|This|These|Those|His|Her|Its|Their|There|In|On|At|As|After|Before|The)\b")
_PERIOD = re.compile(r"\s*\.\s*$")


@dataclass(frozen=True, slots=True)
class Edit:
    """The new sentence, the characters of it that are now wrong (none for a true rewording), and the edit's name."""

    text: str
    wrong: tuple[Span, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What an edit may draw on: the passage, the article's title, text from elsewhere, and word lists."""

    passage: str
    title: str
    elsewhere: str
    opposites: dict[str, list[str]]
    alike: Callable[[str], Sequence[str]]
    rng: random.Random


Editor = Callable[[str, Scene], Edit | None]


def replace_at(text: str, span: Span, new: str, kind: str) -> Edit:
    start, end = span
    return Edit(text[:start] + new + text[end:], ((start, start + len(new)),), kind)


def names_of(text: str) -> list[re.Match[str]]:
    """Runs of capitalised words that are not there for the sentence's beginning alone."""
    found = []
    for match in _NAME.finditer(text):
        words = match.group().split()
        if words[0].lower() in NOT_NAMES:
            continue
        if match.start() == 0 and len(words) == 1 and len(words[0]) < 4:
            continue
        found.append(match)
    return found


def number_elsewhere(text: str, scene: Scene) -> Edit | None:
    """A number of the sentence becomes another one of the same passage, a year another year."""
    return _swap_number(text, scene, _NUMBER.findall(scene.passage), "number_elsewhere")


def number_absent(text: str, scene: Scene) -> Edit | None:
    """A number drifts to one that the passage does not have."""
    held = set(_NUMBER.findall(scene.passage))
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    match = scene.rng.choice(found)
    old = match.group()
    if _is_year(old):
        new = str(int(old) + scene.rng.choice([-20, -10, -3, -2, -1, 1, 2, 3, 10, 20]))
    else:
        digits = [place for place, char in enumerate(old) if char.isdigit()]
        place = scene.rng.choice(digits)
        new = old[:place] + str((int(old[place]) + scene.rng.randint(1, 8)) % 10 or 1) + old[place + 1 :]
    return None if new in held or new == old else replace_at(text, match.span(), new, "number_absent")


def _swap_number(text: str, scene: Scene, pool: list[str], kind: str) -> Edit | None:
    found = list(_NUMBER.finditer(text))
    scene.rng.shuffle(found)
    own = {match.group() for match in found}
    for match in found:
        choices = [new for new in pool if new not in own and _is_year(new) == _is_year(match.group())]
        if choices:
            return replace_at(text, match.span(), scene.rng.choice(choices), kind)
    return None


def _is_year(number: str) -> bool:
    return len(number) == 4 and number.isdigit() and 1000 <= int(number) <= 2100


def name_elsewhere(text: str, scene: Scene) -> Edit | None:
    """A name becomes another one of the same passage."""
    return _swap_name(text, scene, scene.passage, "name_elsewhere")


def name_absent(text: str, scene: Scene) -> Edit | None:
    """A name becomes one from another article."""
    return _swap_name(text, scene, scene.elsewhere, "name_absent")


def _swap_name(text: str, scene: Scene, pool: str, kind: str) -> Edit | None:
    found = names_of(text)
    if not found:
        return None
    match = scene.rng.choice(found)
    others = {name.group().rstrip(".'’") for name in names_of(pool)}
    choices = sorted(name for name in others if not _overlap(name, text) and 2 < len(name) < 40)
    return replace_at(text, match.span(), scene.rng.choice(choices), kind) if choices else None


def _overlap(name: str, text: str) -> bool:
    lowered = text.lower()
    return any(word.lower() in lowered for word in name.split())


def names_swapped(text: str, scene: Scene) -> Edit | None:
    """Two names of the sentence change places; a mere list of names stays true and is left alone."""
    found = names_of(text)
    pairs = [
        (a, b)
        for a, b in pairwise(found)
        if not re.fullmatch(r"\W*(?:,|and|or|&)?\W*", text[a.end() : b.start()]) and not _overlap(a.group(), b.group())
    ]
    if not pairs:
        return None
    a, b = scene.rng.choice(pairs)
    between = text[a.end() : b.start()]
    swapped = text[: a.start()] + b.group() + between + a.group() + text[b.end() :]
    second = a.start() + len(b.group()) + len(between)
    wrong = ((a.start(), a.start() + len(b.group())), (second, second + len(a.group())))
    return Edit(swapped, wrong, "names_swapped")


def numbers_swapped(text: str, scene: Scene) -> Edit | None:
    """Two different numbers of the sentence change places."""
    found = list(_NUMBER.finditer(text))
    pairs = [(a, b) for a, b in pairwise(found) if a.group() != b.group() and len(a.group()) == len(b.group())]
    if not pairs:
        return None
    a, b = scene.rng.choice(pairs)
    swapped = text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]
    return Edit(swapped, (a.span(), b.span()), "numbers_swapped")


def negation(text: str, scene: Scene) -> Edit | None:
    """A "not" is added, or one that was there is taken out."""
    if match := _NEGATED.search(text):
        new = text[: match.end(1)] + " " + text[match.end() :]
        after = re.compile(r"\w+").search(new, match.end(1))
        return Edit(new, (after.span(),), "negation") if after else None
    found = list(_AUXILIARY.finditer(text))
    if not found:
        return None
    match = scene.rng.choice(found)
    word = scene.rng.choice([" not", " not", " never", "n't"]) if match.group() not in ("may", "will") else " not"
    after = re.compile(r"\w+").search(text, match.end())
    end = match.end() + len(word)
    shifted = ((after.start() + len(word), after.end() + len(word)),) if after else ()
    start = match.end() + 1 if word[0] == " " else match.start()
    return Edit(text[: match.end()] + word + text[match.end() :], ((start, end), *shifted), "negation")


def opposite(text: str, scene: Scene) -> Edit | None:
    """A word becomes its opposite."""
    places = [match for match in re.finditer(r"[A-Za-z][a-z]+", text) if scene.opposites.get(match.group().lower())]
    if not places:
        return None
    match = scene.rng.choice(places)
    new = scene.rng.choice(scene.opposites[match.group().lower()])
    return replace_at(text, match.span(), new.capitalize() if match.group()[0].isupper() else new, "opposite")


_RANKINGS = [
    (r"\bone of the\b", ["the only", "the most important of the"]),
    (r"\b(?:some|many|several|most)\b", ["all", "almost no"]),
    (r"\b(?:often|sometimes|usually|occasionally)\b", ["always", "never"]),
    (r"\b(?:partly|partially|mostly|largely)\b", ["entirely"]),
    (r"\bamong the\b", ["the"]),
    (r"\bfirst\b", ["second", "third", "last"]),
    (r"\bsecond\b", ["first", "third"]),
    (r"\b(?:may|might|could)\b", ["will", "must"]),
    (r"\bnearly|almost|about|approximately|around\b", ["exactly", "more than"]),
    (r"\b(?:is|was|became) an?\b", ["was the first", "was the only", "is the largest", "was the most famous"]),
]


def ranking(text: str, scene: Scene) -> Edit | None:
    """A thing is placed above all others, or for all of them, where the passage does not say so."""
    places = [(match, new) for pattern, new in _RANKINGS for match in re.finditer(pattern, text)]
    if not places:
        return None
    match, choices = scene.rng.choice(places)
    new = scene.rng.choice(choices)
    if new.split()[-1] in scene.passage and len(new.split()) > 1:
        return None
    return replace_at(text, match.span(), new, "ranking")


_UNITS = [
    ("kilometres", "miles"), ("kilometers", "miles"), ("km", "mi"), ("metres", "feet"), ("meters", "feet"), ("m", "ft"),
    ("kg", "lb"), ("million", "billion"), ("thousand", "million"), ("years", "months"), ("months", "weeks"),
    ("days", "weeks"), ("hours", "minutes"), ("percent", "people"), ("acres", "hectares"), ("square miles", "acres"),
]  # fmt: skip


def unit(text: str, scene: Scene) -> Edit | None:
    """The unit after a number becomes another one."""
    places = []
    for pair in _UNITS:
        for old, new in (pair, pair[::-1]):
            places += [(match, new) for match in re.finditer(rf"(?<=\d\s){old}\b", text)]
    if not places:
        return None
    match, new = scene.rng.choice(places)
    return replace_at(text, match.span(), new, "unit")


def word_elsewhere(text: str, scene: Scene) -> Edit | None:
    """A content word becomes another word of the same passage that ends alike."""
    words = list(re.finditer(r"(?<![\w-])[a-z]{4,}(?![\w-])", text))
    pool = set(re.findall(r"(?<![\w-])[a-z]{4,}(?![\w-])", scene.passage)) - {m.group() for m in words}
    scene.rng.shuffle(words)
    for match in words:
        choices = sorted(word for word in pool if word[-2:] == match.group()[-2:] and word not in NOT_NAMES)
        if choices and match.group() not in NOT_NAMES:
            return replace_at(text, match.span(), scene.rng.choice(choices), "word_elsewhere")
    return None


def word_alike(text: str, scene: Scene) -> Edit | None:
    """A content word becomes one that is used alike but means something else."""
    words = [match for match in re.finditer(r"(?<![\w-])[a-z]{4,}(?![\w-])", text) if match.group() not in NOT_NAMES]
    scene.rng.shuffle(words)
    for match in words[:3]:
        choices = [word for word in scene.alike(match.group()) if word not in scene.passage]
        if choices:
            return replace_at(text, match.span(), scene.rng.choice(choices), "word_alike")
    return None


def merged(text: str, scene: Scene) -> Edit | None:
    """The subject of another sentence of the passage is given this sentence's predicate."""
    here = _VERB.search(text)
    if here is None or here.start() > 80:
        return None
    own = text[: here.start()]
    subjects = [found for found in map(_subject, re.split(r"(?<=[.!?])\s+", scene.passage)) if found]
    choices = sorted({subject for subject in subjects if not _overlap(subject, own)})
    if not choices:
        return None
    subject = scene.rng.choice(choices)
    return Edit(subject + text[here.start() :], ((0, len(subject)),), "merged")


def _subject(sentence: str) -> str:
    verb = _VERB.search(sentence)
    if verb is None or verb.start() > 60 or _PRONOUN.match(sentence) or "," in sentence[: verb.start()]:
        return ""
    return sentence[: verb.start()]


def clause_added(text: str, scene: Scene) -> Edit | None:
    """A predicate from elsewhere is joined on: half of the sentence is supported."""
    clauses = []
    for sentence in re.split(r"(?<=[.!?])\s+", scene.elsewhere):
        verb = _VERB.search(sentence)
        if verb and 15 < len(sentence) - verb.start() < 120 and sentence.endswith("."):
            clauses.append(sentence[verb.start() :].strip())
    if not clauses or not _PERIOD.search(text):
        return None
    body = _PERIOD.sub("", text) + " and "
    clause = scene.rng.choice(clauses)
    return Edit(body + clause, ((len(body), len(body) + len(clause)),), "clause_added")


ERRORS: tuple[Editor, ...] = (
    number_elsewhere, number_absent, name_elsewhere, name_absent, names_swapped, numbers_swapped, negation, opposite,
    ranking, unit, word_elsewhere, word_alike, merged, clause_added,
)  # fmt: skip
