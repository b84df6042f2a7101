"""Makes what the checker is trained on and asked about, as tokens: planted pairs from articles, people's judgements.

python -m webbrain.training.checker.pairs --data ../shared/data --output .bench/checker
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np

from webbrain.grounding.focus import Source, focus
from webbrain.grounding.joint import FOCUS_WORDS
from webbrain.grounding.lexicon import WEIGHTS
from webbrain.grounding.normal import tidy
from webbrain.grounding.sentences import split_sentences
from webbrain.grounding.vectors import WordVectors
from webbrain.grounding.words import FUNCTION, read_words
from webbrain.training.checker.rows import CONTRADICTED, ENTAILED, NEUTRAL, REFUSED, Collector
from webbrain.training.support import TRAIN_FOLDS, Settings, planted
from webbrain.training.support_data import SETS, Judged, read_judged
from webbrain.training.support_pairs import Pair

DEVELOP_FOLDS = (1,)
LABELS = {"supported": ENTAILED, "contradicted": CONTRADICTED, "not_enough_info": NEUTRAL}  # others: not supported
# Of the planted errors those that surely contradict the passage, and the one that it says nothing of.
OPPOSED = {"-negation", "-opposite", "-number_elsewhere", "-number_absent", "-numbers_swapped", "-unit"}
BESIDE = "-clause_added"
LEAD_HELD = 0.8  # share of a lead sentence's weight that its body passage holds, for the claim to count as true
UNRELATED = 0.45  # share under which another passage of the page says nothing of a claim
CROPPED = 0.35  # families whose passage is cut to the sentence in question and a neighbour: many sources are as short
MOVED = 0.5  # claims per family that are held against another passage of the page

Made = tuple[int, str, str]  # label, source, claim


def judged_label(pair: Judged) -> int:
    """The classes that a judgement allows: most sets say only whether a claim is supported."""
    if pair.supported:
        return ENTAILED
    return LABELS.get(pair.label, REFUSED) & REFUSED or REFUSED


def planted_label(pair: Pair) -> int:
    if pair.supported:
        return ENTAILED
    if pair.kind in OPPOSED:
        return CONTRADICTED
    return NEUTRAL if pair.kind == BESIDE else REFUSED


def sentence_rows(claim: str, source: Source) -> Iterator[tuple[list[str], str]]:
    """(the passage's sentences that are read beside it, sentence) for each sentence of a claim, as `joint` asks."""
    claim = tidy(claim)
    for span in split_sentences(claim):
        sentence = claim[span.start : span.end]
        near = focus(read_words(sentence), source, FOCUS_WORDS)
        chosen = sorted(set(near.sentences))
        yield [source.text[source.spans[at].start : source.spans[at].end] for at in chosen], sentence


def families(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Pairs of one passage and one true claim: each family begins with that claim as it stands."""
    family: list[Pair] = []
    for pair in pairs:
        if pair.kind in ("verbatim", "lead") and family:
            yield family
            family = []
        family.append(pair)
    if family:
        yield family


def made_from(pairs: Iterable[Pair], rng: random.Random) -> Iterator[Made]:
    """Planted pairs with their labels; and claims held against another passage of their page."""
    before: list[Pair] = []
    for family in families(pairs):
        first = family[0]
        if not first.certain and held(first.claim, first.source) < LEAD_HELD:
            continue
        source = cropped(first, rng) if first.certain and rng.random() < CROPPED else first.source
        for pair in family:
            if source == first.source or pair.kind != "subject_named":
                yield planted_label(pair), source, pair.claim
        if before and before[0].group == first.group and rng.random() < MOVED:
            for ours, theirs in ((family, before), (before, family)):
                claim = rng.choice([pair for pair in ours if pair.supported]).claim
                if held(claim, theirs[0].source) < UNRELATED:
                    yield NEUTRAL, theirs[0].source, claim
        before = family


def cropped(pair: Pair, rng: random.Random) -> str:
    """The passage's sentences that a verbatim claim is made of, and sometimes one beside them."""
    sentences = [pair.source[span.start : span.end] for span in split_sentences(pair.source)]
    inside = [at for at, text in enumerate(sentences) if text in pair.claim]
    if not inside:
        return pair.source
    begin, end = inside[0], inside[-1] + 1
    if rng.random() < 0.5:
        begin, end = max(0, begin - rng.randint(0, 1)), end + rng.randint(0, 1)
    return " ".join(sentences[begin:end])


def held(claim: str, source: str) -> float:
    """Share of a claim's weight whose words the source has."""
    words = read_words(claim)
    kept = zip(words.keys, words.weights, words.kinds, strict=True)
    weights = {key: weight for key, weight, kind in kept if kind != FUNCTION}
    there = weights.keys() & set(read_words(source).keys)
    return sum(weights[key] for key in there) / max(sum(weights.values()), 1e-9)


def add_planted(rows: Collector, name: str, made: Iterable[Made]) -> None:
    last = Source.read("")
    for label, text, claim in made:
        last = last if last.text == text else Source.read(text)
        if last.spans:
            rows.add(name, label, sentence_rows(claim, last))


def add_judged(rows: Collector, name: str, pairs: Sequence[Judged], keys: list[str]) -> None:
    """Appends to `keys` what names each row (see `row_key`)."""
    sources: dict[str, Source] = {}
    for pair in pairs:
        source = sources.setdefault(pair.source, Source.read(pair.source))
        found = list(sentence_rows(pair.claim, source)) if source.spans else []
        read = rows.add(name, judged_label(pair), found)
        keys.extend(row_key(row[1], source.text) for row, fits in zip(found, read, strict=True) if fits)


def row_key(sentence: str, source: str) -> str:
    """The same for the same question in every process."""
    return sha256(f"lean\0{sentence}\0{source}".encode()).hexdigest()[:24]


def encoder() -> Callable[[str], Sequence[int]]:
    """The default encoder's tokens of a text, without special ones."""
    from webbrain.encoding.encoder import open_tokenizer
    from webbrain.models import DEFAULT_ENCODER, resolve

    tokenizer = open_tokenizer(resolve(DEFAULT_ENCODER).folder, None)
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def write_planted(data: Path, path: Path, pairs: int, folds: Sequence[int], share: float) -> int:
    """Number of claims written."""
    vectors = WordVectors.load(WEIGHTS / "vectors.npz")
    rows = Collector(["planted"], encoder())
    made = made_from(planted(data, Settings(share=share), vectors, folds), random.Random(0))
    add_planted(rows, "planted", islice(made, pairs))
    rows.rows().save(path)
    return len(rows)


def write_judged(data: Path, folder: Path, limit: int | None) -> int:
    """Number of claims written, of all sets."""
    rows, keys = Collector([judged.name for judged in SETS], encoder()), list[str]()
    for judged in SETS:
        add_judged(rows, judged.name, read_judged(data / "fact", judged, limit), keys)
    rows.rows().save(folder / "judged.npz")
    np.savez_compressed(folder / "judged_keys.npz", keys=np.array(keys))
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder with articles/ and fact/.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=160_000, help="Planted pairs.")
    parser.add_argument("--develop", type=int, default=3_000, help="Planted pairs of other articles.")
    parser.add_argument("--share", type=float, default=0.5, help="Of the articles: enough for that many pairs.")
    parser.add_argument("--limit", type=int, help="Judged pairs of a set.")
    parser.add_argument("--judged-only", action="store_true")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    print(f"judged: {write_judged(options.data, options.output, options.limit):,} claims", flush=True)
    if not options.judged_only:
        for name, size, folds in (("develop", options.develop, DEVELOP_FOLDS), ("planted", options.pairs, TRAIN_FOLDS)):
            count = write_planted(options.data, options.output / f"{name}.npz", size, folds, options.share)
            print(f"{name}: {count:,} claims", flush=True)


if __name__ == "__main__":
    main()
