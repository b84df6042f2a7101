"""What negatives and the teacher give: dense encoders adapted to a collection's own texts, one thing changed at a time.

    python benchmarks/retriever_ablations.py [--sets med cisi cranfield]

Every variant is trained on the same 400 synthetic queries of the collection, without a query or judgement of it, and
compared with the encoder as it ships by a paired randomisation test of nDCG@10. Runs are kept in `.bench/ablations`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from data import CACHE, RETRIEVAL_SETS, require_data
from retriever_training import ADAPT_QUERIES, ADAPTING, judged, measure

from eval.significance import compare_pairs, holm
from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.store.index import Index
from webbrain.terminal import BuildBars
from webbrain.training.retriever.run import Source, train_retriever
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.synthetic import SyntheticSettings

SYNTHETIC = SyntheticSettings(queries=ADAPT_QUERIES)
VARIANTS: dict[str, tuple[RetrieverSettings, SyntheticSettings]] = {
    "mined negatives, teacher": (ADAPTING, SYNTHETIC),
    "BM25 ranks 30 to 50, teacher": (ADAPTING, replace(SYNTHETIC, mining="bm25")),
    "in-batch negatives alone, teacher": (replace(ADAPTING, negatives=0), SYNTHETIC),
    "mined negatives, no teacher": (replace(ADAPTING, distil=0.0), SYNTHETIC),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(RETRIEVAL_SETS), default=["med", "cisi", "cranfield"])
    sets = parser.parse_args().sets
    require_data()
    print("| set | trained with | nDCG@10 | R@100 | nDCG@10 against as shipped | p |\n" + "|---" * 6 + "|", flush=True)
    tests: list[tuple[str, float | None]] = []
    for name in sets:
        queries, qrels = judged(name, 500)
        shipped = measure(Index.open(CACHE / name), "dense", queries, qrels)
        _print_row(name, "as shipped", shipped, "| |")
        for variant in VARIANTS:
            scores = measure(Index.open(_adapted(name, variant)), "dense", queries, qrels)
            found = compare_pairs(shipped["nDCG@10"], scores["nDCG@10"])
            low, high = (found.interval.low, found.interval.high) if found.interval else (0.0, 0.0)
            p = "-" if found.p is None else f"{found.p:.4f}"
            _print_row(name, variant, scores, f"{found.mean:+.4f} [{low:+.4f}, {high:+.4f}] | {p} |")
            tests.append((f"{name}, {variant}", found.p))
    print("\nHolm: " + "; ".join(
        f"{name} {'-' if p is None else f'{p:.4f}'}"
        for (name, _), p in zip(tests, holm([p for _, p in tests]), strict=True)
    ))  # fmt: skip


def _print_row(name: str, variant: str, scores: dict[str, dict[str, float | None]], rest: str) -> None:
    means = [sum(value or 0.0 for value in scores[one].values()) / len(scores[one]) for one in ("nDCG@10", "R@100")]
    print(f"| {name} | {variant} | " + " | ".join(f"{value:.4f}" for value in means) + f" | {rest}", flush=True)


def _adapted(name: str, variant: str) -> Path:
    """An index of the collection by an encoder trained on its own texts in one way."""
    settings, synthetic = VARIANTS[variant]
    place = CACHE / "ablations" / name / "".join(char if char.isalnum() else "-" for char in variant)
    run = place / "run"
    if not (run / "report.json").exists():
        train_retriever(
            Source(index=CACHE / name, synthetic=synthetic), run, settings, resume=(run / "config.json").exists()
        )
    with BuildBars() as progress:
        build(
            RETRIEVAL_SETS[name] / "passages.jsonl.gz",
            place / "index",
            BuildSettings(encoder=str(run / "model")),
            progress=progress,
        )
    return place / "index"


if __name__ == "__main__":
    main()
