"""Building an index, ours beside the peers, at several sizes: one after the other on the same passages, in one run.

    python benchmarks/index_build.py [--sizes 25000,100000,250000] [--engines "NAME;..."] [--plot docs/plots]

Passages come from `shared/data/articles`, cut once by our own chunker; every engine gets the same JSONL. "postings
alone" is what the other BM25 engines do: our pipeline without cleaning, cutting, digests and state. Rows
that an earlier run left are kept unless --again. `index_search.py` asks the indexes left in `.bench/peers`.
pyserini and txtai need `pip install -e .[peers]`; an engine that is not installed is named and left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from data import CACHE, DATA, require_data
from growth import growth
from peers import ENGINES

PEERS = CACHE / "peers"
RESULTS = PEERS / "build.json"
SIZES = (25_000, 100_000, 250_000)
# Seconds a passage, or memory, put these out of reach of the larger sizes on two cores.
MOST = {"rank-bm25": 25_000, "webbrain hybrid, MiniLM": 2_000, "txtai hybrid, MiniLM": 2_000}
SMALL = 2_000  # where the encoder is the cost

Results = dict[str, dict[str, Any]]


def passages(size: int) -> Path:
    """The first `size` passages of the articles as JSONL {"id", "text"}."""
    path = PEERS / f"passages-{size}.jsonl"
    if not path.exists():
        PEERS.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as out:
            for row, text in enumerate(islice(_texts(), size)):
                out.write(json.dumps({"id": f"p{row}", "text": text}) + "\n")
        beside.replace(path)
    return path


def _texts() -> Any:
    """Passage texts with their titles; the articles again, by another number, when they come to their end."""
    from webbrain.store.index import Index

    folder = CACHE / "articles-bm25"
    if not (folder / "CURRENT").exists():
        command = [sys.executable, "-m", "webbrain", "index", "build", str(DATA / "articles"), "--no-dense"]
        subprocess.run([*command, "--output", str(folder)], check=True)
    index = Index.open(folder)
    for copy in range(100):
        for row in range(len(index)):
            found = index.passage(row)
            yield f"{found.title}. {found.text}" + (f" Copy {copy}." if copy else "")


def child(step: str, engine: str, first: Path, second: Path) -> dict[str, Any]:
    """What `peers.py` prints; {} where it fails, after its last line."""
    command = [sys.executable, str(Path(__file__).with_name("peers.py")), step, engine, str(first), str(second)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"# {engine}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}", file=sys.stderr, flush=True)
        return {}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def folder_of(engine: str, size: int) -> Path:
    name = "".join(char if char.isalnum() else "-" for char in engine)
    return PEERS / f"{name}-{size}"


def read_results() -> Results:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def fits(engine: str, size: int) -> bool:
    """Whether an engine is measured at a size: those with MiniLM at SMALL alone."""
    return size <= MOST.get(engine, 1 << 40) and (size > SMALL or MOST.get(engine) == SMALL)


def measure(engine: str, size: int) -> dict[str, Any]:
    folder = folder_of(engine, size)
    shutil.rmtree(folder, ignore_errors=True)
    return child("build", engine, passages(size), folder)


def print_table(results: Results, sizes: list[int], engines: list[str]) -> None:
    for size in sizes:
        print(f"\n{size:,} passages\n\n| engine | passages/s | x ours | bytes a passage | peak MB |")
        print("|---|---|---|---|---|")
        for engine in engines:
            found = results.get(f"{engine}|{size}")
            if found:
                ours = results.get(f"{_ours(engine)}|{size}")
                ratio = f"{ours['seconds'] / found['seconds']:.2f}" if ours else ""
                speed, each = size / found["seconds"], found["bytes"] / size
                print(f"| {engine} | {speed:,.0f} | {ratio} | {each:,.0f} | {found['peak_mb']:,.0f} |")


def _ours(engine: str) -> str:
    """The row of ours that an engine is compared with."""
    if "MiniLM" in engine:
        return "webbrain hybrid, MiniLM"
    if "FAISS" in engine:
        return "webbrain dense, static"
    return engine if "webbrain" in engine and "alone" not in engine else "webbrain bm25"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(map(str, (SMALL, *SIZES))))
    parser.add_argument("--engines", help="Names, separated by semicolons; all by default.")
    parser.add_argument("--again", action="store_true", help="Build again what an earlier run has built.")
    parser.add_argument("--plot", type=Path, help="Folder for growth curves, SVG.")
    options = parser.parse_args()
    require_data()
    sizes = [int(size) for size in options.sizes.split(",")]
    engines = [name for name in ENGINES if options.engines is None or name in options.engines.split(";")]
    results = read_results()
    for size in sizes:
        for engine in engines:
            key = f"{engine}|{size}"
            if fits(engine, size) and (options.again or key not in results):
                found = measure(engine, size)
                if found:
                    results[key] = found
                    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
                    print(f"# {key}: {found['seconds']:.1f} s", file=sys.stderr, flush=True)
    print_table(results, sizes, engines)
    if options.plot:
        growth(results, "seconds", "seconds to build", options.plot / "build.svg")


if __name__ == "__main__":
    main()
