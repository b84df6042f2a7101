"""Builds `grounding/weights/lexicon.json`: how rare words are, and which words are opposites.

    python -m webbrain.training.support_lexicon --articles ../shared/data/articles --wordnet /usr/share/wordnet

Rarity is counted in the articles (CC BY-SA; counts only). Opposites are the antonym pointers of WordNet 3.0, whose
licence allows copying with its notice: the notice is in the model card. `apt-get install wordnet-base` brings it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webbrain.analysis import Analyzer

PARAGRAPHS_AT_LEAST = 12  # rarer stems all weigh the same: they are left out
OUTPUT = Path(__file__).parents[1] / "grounding/weights/lexicon.json"


def paragraphs(folder: Path) -> Iterator[str]:
    """Paragraphs of all articles in a folder of gzipped JSONL."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield from (part for part in json.loads(line)["text"].split("\n") if len(part) > 80)


def rarity(folder: Path) -> dict[str, float]:
    """log(N / paragraphs that hold the stem) for every stem that is common enough to tell apart."""
    analyzer, counts, total = Analyzer(), Counter[str](), 0
    for text in paragraphs(folder):
        total += 1
        counts.update(set(analyzer.terms(text)))
    kept = {stem: count for stem, count in counts.items() if count >= PARAGRAPHS_AT_LEAST and not stem.isdigit()}
    return {stem: round(math.log(total / count), 1) for stem, count in sorted(kept.items())}


def opposites(wordnet: Path) -> dict[str, list[str]]:
    """Stem -> stems of its antonyms, from the data files of WordNet (format: wndb(5))."""
    synsets: dict[tuple[str, str], list[str]] = {}
    pointers: list[tuple[tuple[str, str], int, tuple[str, str], int]] = []
    for part in ("adj", "noun", "verb", "adv"):
        for line in (wordnet / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if not line.startswith("  "):
                _read_synset(line, synsets, pointers)
    stem = Analyzer().terms
    found: dict[str, Any] = {}
    for source, a, target, b in pointers:
        left, right = stem(synsets[source][a - 1]), stem(synsets[target][b - 1])
        if len(left) == len(right) == 1 and left != right:
            found.setdefault(left[0], set()).add(right[0])
            found.setdefault(right[0], set()).add(left[0])
    return {word: sorted(others) for word, others in sorted(found.items())}


def _read_synset(
    line: str,
    synsets: dict[tuple[str, str], list[str]],
    pointers: list[tuple[tuple[str, str], int, tuple[str, str], int]],
) -> None:
    fields = line.split("|")[0].split()
    here = (fields[2].replace("s", "a"), fields[0])
    size = int(fields[3], 16)
    synsets[here] = [fields[4 + 2 * at].split("(")[0].lower() for at in range(size)]
    first = 5 + 2 * size
    for at in range(first, first + 4 * int(fields[first - 1]), 4):
        symbol, offset, part, places = fields[at : at + 4]
        if symbol == "!":
            pointers.append((here, int(places[:2], 16), (part.replace("s", "a"), offset), int(places[2:], 16)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    lexicon = {"idf": rarity(options.articles), "opposites": opposites(options.wordnet)}
    text = json.dumps(lexicon, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    options.output.write_text(text + "\n", encoding="utf-8")
    print(f"{len(lexicon['idf']):,} stems, {len(lexicon['opposites']):,} with opposites, {len(text):,} characters")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
