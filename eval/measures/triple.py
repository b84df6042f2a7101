"""Triple Score (Goodrich et al., 2019): facts as (subject, relation, object), right where the source has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from webbrain.errors import ConfigError
from webbrain.grounding.sentences import split_sentences

from ..core import Item, Scores
from .against import against_references, of_article, under_a_bar
from .answers import answer_words
from .qags import source_text

NOTHING_SHARED = "the article and its source state nothing of the same subject and relation"

Same = Callable[[str, str], bool]
Extract = Callable[[Sequence[str]], "list[Triple]"]


@dataclass(frozen=True, slots=True)
class Triple:
    subject: str
    relation: str
    object: str


class TripleScore:
    """With a triple extractor of the hub, or a folder, through transformers (`pip install 'webbrain[eval-models]'`).

    `model` is a seq2seq model that writes `<triplet> subject <subj> object <obj> relation`, such as
    Babelscape/rebel-large, whose licence (CC BY-NC-SA 4.0) forbids commercial use; so there is no default.
    `against` as in QAGS.
    """

    def __init__(self, model: str = "", against: str = "references") -> None:
        self.model, self.against = model, against

    def score(self, items: Sequence[Item]) -> list[Scores]:
        if not self.model:
            hint = "Babelscape/rebel-large (CC BY-NC-SA 4.0: not for commercial use)"
            raise ConfigError(f"name a triple extractor, such as triple:model={hint}, or use triple-offline")
        from .hub import TRIPLE_TOKENS, Seq2Seq

        model = Seq2Seq(self.model)

        def extract(sentences: Sequence[str]) -> list[Triple]:
            outputs = model.generate(sentences, TRIPLE_TOKENS, keep_special=True)
            return [triple for output in outputs for triple in parse_triples(output)]

        return [triple_scores(f"Triple({self.model})", items, extract, _same_words, self.against)]


def triple_scores(name: str, items: Sequence[Item], extract: Extract, same: Same, against: str) -> Scores:
    """The score of each item against its references or its evidence."""

    def of_item(item: Item) -> float | None:
        ours = [sentence.text for sentence in item.article.sentences] if item.article else []
        source = source_text(item, against)
        theirs = [source[span.start : span.end] for span in split_sentences(source)]
        return triple_score(extract(ours), extract(theirs), same)

    found = under_a_bar(name, items, of_item)
    if against == "evidence":
        return of_article(f"{name} (evidence)", items, found, NOTHING_SHARED)
    return against_references(name, items, found, NOTHING_SHARED)


def triple_score(ours: Iterable[Triple], theirs: Sequence[Triple], same: Same) -> float | None:
    """Share of our triples whose object is right, among those whose subject and relation the source has too.

    None where there is no such triple: facts that only one text states are neither right nor wrong.
    """
    comparable = right = 0
    for triple in dict.fromkeys(ours):
        rivals = [t.object for t in theirs if same(triple.subject, t.subject) and same(triple.relation, t.relation)]
        comparable += bool(rivals)
        right += any(same(triple.object, rival) for rival in rivals)
    return right / comparable if comparable else None


def parse_triples(output: str) -> list[Triple]:
    """Triples of a decoded output in REBEL's form (Huguet Cabot and Navigli, 2021); a broken one is left out."""
    found = []
    text = re.sub(r"</?s>|<pad>", " ", output)
    for part in text.split("<triplet>")[1:]:
        subject, *rest = part.split("<subj>")
        for pair in rest:
            obj, marker, relation = pair.partition("<obj>")
            triple = Triple(*(" ".join(piece.split()) for piece in (subject, relation, obj)))
            if marker and triple.subject and triple.relation and triple.object:
                found.append(triple)
    return found


def _same_words(one: str, other: str) -> bool:
    return answer_words(one) == answer_words(other)
