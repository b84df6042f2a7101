"""The service under load on loopback: many readers at once, each asking again as soon as it is served.

    python benchmarks/server_load.py [--readers 50] [--seconds 60] [--index DIR]

First one reader alone, on a warm server: the time to its first sentence. Then all readers together. Every stream must
end with its article; the server's resident memory is read every second, and the second half may not rise above the
first by more than 5%. Without --index the sample corpus is indexed into `.bench/samples`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from data import CACHE

from indexing.build import build
from webbrain.client import Client, ServerError
from webbrain.records import read_queries
from webbrain.samples import samples_folder
from webbrain.writing.events import Finished, Verified

MOST_READERS, MOST_SECONDS = 200, 600
FLAT = 1.05  # memory of the second half, as a share of the first half's


@dataclass(slots=True)
class Tally:
    """What the readers met; times in seconds."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, choices=range(1, MOST_READERS + 1), default=50, metavar="N")
    parser.add_argument("--seconds", type=int, choices=range(5, MOST_SECONDS + 1), default=60, metavar="S")
    parser.add_argument("--index", type=Path)
    arguments = parser.parse_args()
    queries = [query.text for query in read_queries(samples_folder() / "queries.jsonl")]
    with _server(arguments.index or _samples_index()) as (process, address):
        alone, together = Tally(), Tally()
        memory: list[int] = []
        _read(Client(address), queries[:20], alone, time.monotonic() + MOST_SECONDS)
        _crowd(address, queries, together, arguments.readers, arguments.seconds, process.pid, memory)
    print(f"cores {os.cpu_count()}, load average {os.getloadavg()[0]:.1f} (others' work included)")
    print("| readers | articles | errors | first sentence p50 / p95 / max, s | whole article p50 / p95 / max, s |")
    print("|---|---|---|---|---|")
    for readers, tally in ((1, alone), (arguments.readers, together)):
        served, troubles = len(tally.whole), tally.troubles.total()
        print(f"| {readers} | {served} | {troubles} | {_spread(tally.first)} | {_spread(tally.whole)} |")
    half = len(memory) // 2
    before, after = max(memory[:half]), max(memory[half:])
    print(
        f"{len(together.whole) / arguments.seconds:.1f} articles a second; server memory {before} MB, then {after} MB"
    )
    if together.troubles or alone.troubles:
        sys.exit(f"not every stream ended with its article: {dict(together.troubles + alone.troubles)}")
    if after > FLAT * before:
        sys.exit("the server's memory is not flat")


def _samples_index() -> Path:
    build(samples_folder() / "pages", CACHE / "samples")
    return CACHE / "samples"


@contextmanager
def _server(index: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "webbrain", "serve", "--index", str(index), "--port", "0", "--readers", "250"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline() if process.stderr else ""
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if not found:
            sys.exit(f"the server did not start: {line}")
        yield process, found.group()
    finally:
        process.terminate()
        process.wait(timeout=30)


def _crowd(
    address: str, queries: list[str], tally: Tally, readers: int, seconds: int, pid: int, memory: list[int]
) -> None:
    """All readers at once, each with its own place in the queries."""
    deadline = time.monotonic() + seconds
    turns = [queries[reader % len(queries) :] + queries[: reader % len(queries)] for reader in range(readers)]
    threads = [threading.Thread(target=_read, args=(Client(address), turn, tally, deadline, True)) for turn in turns]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        memory.append(_resident(pid))
        time.sleep(1)


def _read(client: Client, queries: Sequence[str], tally: Tally, deadline: float, again: bool = False) -> None:
    """Ask one query after the other until the deadline (monotonic seconds)."""
    while True:
        for query in queries:
            if time.monotonic() > deadline:
                return
            try:
                _article(client, query, tally)
            except ServerError as error:
                tally.troubles[error.code] += 1
        if not again:
            return


def _article(client: Client, query: str, tally: Tally) -> None:
    start, sentences = time.monotonic(), 0
    for event in client.stream(query):
        if isinstance(event, Verified):
            sentences += 1
            if sentences == 1:
                tally.first.append(time.monotonic() - start)
        elif isinstance(event, Finished):
            tally.whole.append(time.monotonic() - start)
            if len(event.article.sentences) != sentences:
                tally.troubles["incomplete"] += 1


def _resident(pid: int) -> int:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def _spread(times: Sequence[float]) -> str:
    cuts = quantiles(times, n=20, method="inclusive")
    return f"{cuts[9]:.2f} / {cuts[18]:.2f} / {max(times):.2f}"


if __name__ == "__main__":
    main()
