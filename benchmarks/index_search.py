"""Asking the indexes that `index_build.py` built: cold open, first query, latency and queries a second, in one run.

    python benchmarks/index_search.py [--queries 300] [--rounds 3] [--plot docs/plots]

Questions of SQuAD over Wikipedia passages. Every engine is asked in a process of its own, `--rounds` times with the
engines in turn; medians are printed. `shared` is the part of the top ten
that ours (the row it is compared with) has too.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from data import RETRIEVAL_SETS, require_data, rows
from growth import growth
from index_build import PEERS, _ours, child, folder_of, read_results
from peers import ENGINES

RESULTS = PEERS / "search.json"
MEASURES = ("start_ms", "open_ms", "first_ms", "p50_ms", "p95_ms", "per_second", "resident_mb")


def questions(number: int) -> Path:
    path = PEERS / f"queries-{number}.txt"
    found = (row["text"].replace("\n", " ") for row in rows(RETRIEVAL_SETS["squad1.1_train"] / "queries.jsonl.gz"))
    path.write_text("\n".join(text for text, _ in zip(found, range(number), strict=False)), encoding="utf-8")
    return path


def medians(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {**{name: statistics.median(one[name] for one in found) for name in MEASURES}, "rows": found[0]["rows"]}


def shared(ours: list[list[int]], theirs: list[list[int]]) -> float:
    return statistics.mean(len(set(a) & set(b)) / max(len(a), 1) for a, b in zip(ours, theirs, strict=True))


def print_table(results: dict[str, dict[str, Any]], sizes: list[int]) -> None:
    for size in sizes:
        print(
            f"\n{size:,} passages\n\n| engine | start ms | open ms | first query ms | p50 ms | p95 ms | queries/s |",
            end="",
        )
        print(" x ours | resident MB | shared |\n|---|---|---|---|---|---|---|---|---|---|")
        for engine in ENGINES:
            found, ours = results.get(f"{engine}|{size}"), results.get(f"{_ours(engine)}|{size}")
            if found and ours:
                cells = [f"{found[name]:,.2f}" if "p" in name[:1] else f"{found[name]:,.0f}" for name in MEASURES]
                cells.insert(6, f"{found['per_second'] / ours['per_second']:.2f}")
                print(f"| {engine} | " + " | ".join(cells) + f" | {shared(ours['rows'], found['rows']):.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path, help="Folder for growth curves, SVG.")
    options = parser.parse_args()
    require_data()
    built = [tuple(key.split("|")) for key in read_results()]
    asked = questions(options.queries)
    found: dict[str, list[dict[str, Any]]] = {}
    for _ in range(options.rounds):
        for engine, size in built:
            one = child("query", engine, folder_of(engine, int(size)), asked)
            if one:
                found.setdefault(f"{engine}|{size}", []).append(one)
    results = {key: medians(many) for key, many in found.items()}
    RESULTS.write_text(json.dumps(results) + "\n", encoding="utf-8")
    print_table(results, sorted({int(size) for _, size in built}))
    if options.plot:
        growth(results, "p50_ms", "median milliseconds a query", options.plot / "search.svg")


if __name__ == "__main__":
    main()
