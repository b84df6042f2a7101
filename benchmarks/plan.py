"""The constants of `webbrain index plan` that take longer than `--measure`, from Wikipedia articles and one index.

    python benchmarks/plan.py [--documents 6500]

Peak memory is that of whole builds with small and with full shards; work files and the fold are those of a cluster
build (`indexing/cluster`); lists are made of the static vectors of `.bench/squad1.1_train-static`
(`python benchmarks/retrieval.py --encoder static`). Processor time, one core. Copy what comes out to
`indexing/estimate/constants.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from data import CACHE, DATA, require_data, rows

from indexing.cluster.fold import fold
from indexing.cluster.prepare import HEADS, SIGNATURES, prepare, read_heads
from indexing.cluster.splits import Piece
from indexing.cluster.storage import Storage
from indexing.lists import _in_lists, _train, write_codes
from indexing.settings import BuildSettings
from indexing.state import State
from indexing.vectors import write_faiss
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.vectors import one_thread, read_faiss

SMALL, FULL = 1000, 50_000  # passages in a shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=6500)
    arguments = parser.parse_args()
    require_data()
    with TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "articles.jsonl"
        with corpus.open("w", encoding="utf-8") as file:
            for row in islice(rows(DATA / "articles/core.jsonl.gz"), arguments.documents):
                file.write(json.dumps(row) + "\n")
        _memory(corpus, folder)
        _work_files(corpus, folder, arguments.documents)
        _lists(CACHE / "squad1.1_train-static", folder)


def _memory(corpus: Path, folder: Path) -> None:
    small, full = (_peak(corpus, folder / f"index-{shard}", shard) for shard in (SMALL, FULL))
    index = Index.open(folder / f"index-{FULL}")
    held = max(entry.passages for entry in index.manifest.shards)
    state = index.manifest.files[layout.STATE].bytes / index.manifest.totals["documents"]
    print(f"{len(index)} passages of {index.manifest.totals['documents']} documents")
    print(f"process_memory {small / 1e6:.0f} MB (shards of {SMALL})")
    print(
        f"shard_memory {(full - small) / (held - SMALL):.0f} bytes a passage (a shard of {held}: {full / 1e6:.0f} MB)"
    )
    print(f"state_bytes {state:.0f} a document", flush=True)


def _peak(corpus: Path, output: Path, shard_passages: int) -> int:
    """Bytes of memory that a build without vectors has at most."""
    options = ["--no-dense", "--shard-passages", str(shard_passages)]
    command = [sys.executable, "-m", "webbrain", "index", "build", str(corpus), "--output", str(output), *options]
    process = os.posix_spawn(sys.executable, command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit("the build failed")
    return usage.ru_maxrss * 1024


def _work_files(corpus: Path, folder: Path, documents: int) -> None:
    storage = Storage(str(folder / "work"))
    begin = time.process_time()
    prepare(storage, 0, [Piece(corpus.name, str(corpus))], BuildSettings())
    print(f"preparing a split: {documents / (time.process_time() - begin):.0f} documents a core second")
    held = sum((folder / "work" / pattern.format(0)).stat().st_size for pattern in (HEADS, SIGNATURES))
    print(f"prepared_bytes {held / documents:.0f} a document")
    state = State(folder / "state.sqlite")
    begin = time.process_time()
    fold(state, [(0, read_heads(storage, 0, folder))], FULL)
    state.commit()
    state.close()
    print(f"fold_rate {documents / (time.process_time() - begin):.0f} documents a core second", flush=True)


def _lists(source: Path, folder: Path) -> None:
    if not (source / layout.CURRENT).exists():
        print(f"there is no {source}: no lists measured")
        return
    shutil.copytree(source, folder / "vectors")
    index = Index.open(folder / "vectors")
    with one_thread():
        write_faiss(_train(index.vectors), index.build / layout.TRAINED)
        lists = read_faiss(index.build / layout.TRAINED).nlist
        begin = time.process_time()
        made = _in_lists(index.build, index.vectors[0])
        seconds = time.process_time() - begin
        write_codes(made, folder / "codes", folder / "places.npy")
    dim = index.encoder.dim
    size = sum((folder / name).stat().st_size for name in ("codes", "places.npy"))
    print(f"{len(index)} vectors of {dim} in {lists} lists")
    print(f"list_bytes {size / len(index) / dim:.3f} a dimension")
    print(f"list_rate {len(index) * lists * dim / seconds:.2g} products a second")


if __name__ == "__main__":
    main()
