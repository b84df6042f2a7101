"""Claims a second of tier 1, each with its own passage of 120 words: benchmarks/support_speed.py [--claims 2000].

Passages and claims are cut from articles; a claim is a sentence of its passage with two words left out, so that no
check ends early. Two processes, as two cores allow; the CPU time of a claim is given too, since a shared machine is
not quiet.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before numpy is imported

from data import DATA, require_data

from webbrain.grounding.tier1 import Tier1Scorer
from webbrain.training.support_pairs import articles

WORDS = 120
PROCESSES = 2


def pairs() -> Iterator[tuple[str, str]]:
    """(claim, passage of WORDS words)."""
    for _, sentences, _ in articles(DATA / "articles", (0,)):
        words = " ".join(sentences).split()
        for start in range(0, min(len(words) - WORDS, 5 * WORDS), WORDS):
            passage = " ".join(words[start : start + WORDS])
            claim = next((s for s in sentences if s in passage and 8 <= s.count(" ") <= 40), "")
            if claim:
                first, *_, last = claim.split()
                yield " ".join([first, *claim.split()[2:-1], last]), passage


def check(part: list[tuple[str, str]]) -> float:
    """Seconds of CPU that the claims of a part took."""
    scorer = Tier1Scorer()
    scorer.score_text("The lamp was lit.", "A lamp was lit in the hall.")
    start = time.process_time()
    for claim, passage in part:
        scorer.score_text(claim, passage)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=2000)
    options = parser.parse_args()
    require_data()
    made = list(islice(pairs(), options.claims))
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(check, [made[:2]] * PROCESSES))
        start = time.perf_counter()
        cpu = sum(pool.map(check, [made[at::PROCESSES] for at in range(PROCESSES)]))
        wall = time.perf_counter() - start
    print(f"{len(made)} claims, {WORDS} words a passage, {PROCESSES} processes: {len(made) / wall:.0f} claims/s")
    idle = PROCESSES * len(made) / cpu
    print(f"{1000 * cpu / len(made):.2f} ms of CPU a claim, so {idle:.0f} claims/s on idle cores")


if __name__ == "__main__":
    main()
