"""How well the offline fact measures of `eval` tell supported claims from others: ROC AUC against human labels.

    python benchmarks/fact_measures.py

They are no support checkers and none is trained; the table says how far each may be trusted, and on how many of the
first CLAIMS claims of a set it has a value at all ("n"). The checker is measured by benchmarks/support.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from data import DATA, require_data, rows

from eval.measures.fragments import fragments
from eval.measures.precision import check_dates, check_names, check_numbers
from eval.measures.qags import qags
from eval.measures.qags_offline import ClozeAnswerer, ClozeAsker
from eval.measures.tokens import words
from eval.measures.triple import triple_score
from eval.measures.triple_offline import agree, extract_triples
from webbrain.grounding.sentences import split_sentences

SETS = ("begin", "summedits", "scifact", "climate_fever", "fool_me_twice", "attributionbench", "wice_claim")
CLAIMS = 1200


def main() -> None:
    require_data()
    print(f"| set | {' | '.join(MEASURES)} |\n|{'---|' * (len(MEASURES) + 1)}", flush=True)
    for name in SETS:
        claims = list(rows(DATA / f"fact/{name}.jsonl.gz"))[:CLAIMS]
        print(f"| {name} | {' | '.join(_cell(claims, measure) for measure in MEASURES.values())} |", flush=True)


def _cell(claims: list[dict[str, Any]], measure: Callable[[str, str], float | None]) -> str:
    scored = [(measure(row["claim"], _source(row)), row["label"] == "supported") for row in claims]
    pairs = [(value, label) for value, label in scored if value is not None]
    return f"{_auc(pairs):.3f} (n {len(pairs)})"


def _auc(pairs: list[tuple[float, bool]]) -> float:
    """Chance that a supported claim scores above another one, a tie counting half."""
    right = [value for value, label in pairs if label]
    wrong = [value for value, label in pairs if not label]
    wins = sum((r > w) + 0.5 * (r == w) for r in right for w in wrong)
    return wins / (len(right) * len(wrong)) if right and wrong else float("nan")


def _source(row: dict[str, Any]) -> str:
    return "\n".join(row["source"]) if isinstance(row["source"], list) else row["source"]


def _sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


def _qags(claim: str, source: str) -> float | None:
    return qags(_sentences(claim), source, ClozeAsker(), ClozeAnswerer())


def _triple(claim: str, source: str) -> float | None:
    return triple_score(extract_triples(_sentences(claim)), extract_triples(_sentences(source)), agree)


def _coverage(claim: str, source: str) -> float | None:
    said = words(claim)
    return sum(fragments(said, words(source))) / len(said) if said else None


MEASURES: dict[str, Callable[[str, str], float | None]] = {
    "number precision": lambda claim, source: check_numbers(claim, source).precision,
    "date precision": lambda claim, source: check_dates(claim, source).precision,
    "name precision": lambda claim, source: check_names(claim, source).precision,
    "QAGS-offline": _qags,
    "Triple-offline": _triple,
    "coverage": _coverage,
}


if __name__ == "__main__":
    main()
