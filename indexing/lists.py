"""Lists over the vectors of a finished build, when there are many: trained on all shards alike, and measured.

Everything here is deterministic (fixed sample, fixed seed, one thread), so that a build gives the same rankings for any
number of workers, after a kill, and cut into other shards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.encoding.encoder import OnnxEncoder
from webbrain.grounding.sentences import split_sentences
from webbrain.protocols import Vectors
from webbrain.retrieval.dense import exact_rows, near_rows
from webbrain.store import layout
from webbrain.store.lists import CODES_SIDE_BY_SIDE, ROW_BYTES, Lists, open_shard
from webbrain.store.manifest import FileEntry, ShardEntry
from webbrain.store.passages import PassageShard
from webbrain.store.vectors import one_thread, open_vectors, read_faiss

from .files import save_array, sync_file, sync_folder
from .progress import Progress
from .receipts import file_entry
from .vectors import write_faiss

AUTO_PASSAGES = 100_000  # from here on an exact search takes longer than encoding the query (benchmarks/dense.py)
DEFAULT_RECALL = 0.98  # at 0.95 the ranking loses a twentieth of its nDCG@10, and is hardly quicker (benchmarks)
ENOUGH_RECALL = 0.995  # more lists are not measured
FIRST_PROBES = 4
QUERIES = 200
SAMPLE_PER_LIST = 64
MOST_SAMPLED = 1 << 18
GROWN = 1.2  # lists are measured anew when the index has grown by this factor since

SAME_VECTORS = {"kind": "sq_fp16", "metric": "inner_product"}


@dataclass(frozen=True, slots=True)
class Arranged:
    """What the manifest says of the vectors, and the files of their lists."""

    dense: dict[str, Any]
    files: dict[str, FileEntry]


def arrange(
    folder: Path,
    shards: Sequence[ShardEntry],
    encoder: OnnxEncoder | None,
    kind: str,
    before: Mapping[str, Any] | None,
    progress: Progress,
) -> Arranged:
    """Make the lists of a build whose shards are all there; none for a small index, or of `kind` "exact".

    `before` is what the manifest of the build that this one changes says: its lists are gone on with.
    """
    total = sum(entry.passages for entry in shards)
    known = (before or {}).get("lists")
    wanted = known is not None or kind == "ivf" or (kind == "auto" and total >= AUTO_PASSAGES)
    if encoder is None or not total or not wanted:
        return Arranged(dict(SAME_VECTORS), {})
    progress.note(f"arranging {total:,} vectors in lists")
    with one_thread():  # more would add numbers up in another order each time
        vectors = [_open(folder, number, entry, encoder.dim) for number, entry in enumerate(shards)]
        names = _write_lists(folder, vectors)
        facts = dict(known) if known and total < GROWN * known["measured_on"] else None
        facts = facts or _facts(folder, shards, vectors, encoder, known)
    best = facts["measured"][-1]
    progress.note(f"{facts['lists']:,} lists: recall@10 {best[1]:.3f} in {best[0]} of them")
    return Arranged({**SAME_VECTORS, "lists": facts}, {name: file_entry(folder / name) for name in names})


def _open(folder: Path, number: int, entry: ShardEntry, dim: int) -> Any:
    return open_vectors(folder / layout.VECTORS.format(number), entry.passages, dim)


def _write_lists(folder: Path, vectors: Sequence[Any]) -> list[str]:
    """Train, and put each shard's vectors in lists, as far as that is not done; returns the files' names."""
    if not (folder / layout.TRAINED).exists():
        write_faiss(_train(vectors), folder / layout.TRAINED)
    names = [layout.TRAINED]
    for number, shard in enumerate(vectors):
        codes, places = layout.LIST_CODES.format(number), layout.LIST_PLACES.format(number)
        names += [codes, places]
        if not (folder / places).exists():
            write_codes(_in_lists(folder, shard), folder / codes, folder / places)
    return names


def write_codes(lists: Any, codes: Path, places: Path) -> None:
    """What `store.lists.open_shard` maps; `places` is there when all is."""
    import faiss

    inverted = faiss.downcast_InvertedLists(lists.invlists)
    table = np.zeros(lists.nlist, layout.LIST_DTYPE)
    offset = 0
    with codes.open("wb") as out:
        for number in range(lists.nlist):
            size = inverted.list_size(number)
            room = -(-size // CODES_SIDE_BY_SIDE) * CODES_SIDE_BY_SIDE
            table[number] = (size, room, offset)
            if size:
                rows = np.zeros(room, np.int64)
                rows[:size] = faiss.rev_swig_ptr(inverted.get_ids(number), size)
                out.write(faiss.rev_swig_ptr(inverted.get_codes(number), room * lists.code_size).tobytes())
                out.write(rows.tobytes())
            offset += room * (lists.code_size + ROW_BYTES)
        out.write(bytes(not offset))  # an empty file cannot be mapped
    sync_file(codes)
    beside = places.with_name(f"{places.name}.new.npy")
    save_array(beside, table)
    beside.replace(places)
    sync_folder(places.parent)


def _train(vectors: Sequence[Any]) -> Any:
    """An empty FAISS index with centres and code book, from vectors evenly spread over the rows."""
    import faiss

    total, dim = sum(shard.ntotal for shard in vectors), vectors[0].d
    lists = _lists_for(total)
    sample = _rows_at(vectors, _spread(total, max(min(total, lists * SAMPLE_PER_LIST, MOST_SAMPLED), 64)))
    centres = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFPQFastScan(centres, dim, lists, dim // 2, 4, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False  # a vector's code then depends on the code book alone
    index.cp.spherical = True
    index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1
    index.train(sample)
    return index


def _lists_for(total: int) -> int:
    """The power of two nearest to twice the square root (measured: benchmarks/dense.py), at least four rows a list."""
    wanted = min(2 * isqrt(total), total // 4)
    return 1 << max(round(float(np.log2(max(wanted, 1)))), 0)


def _in_lists(folder: Path, shard: Any, block: int = 1 << 14) -> Any:
    """One shard's vectors in lists, in memory."""
    import faiss

    lists: Any = faiss.read_index(str(folder / layout.TRAINED))
    for begin in range(0, shard.ntotal, block):
        lists.add(shard.reconstruct_n(begin, min(block, shard.ntotal - begin)))
    return lists


def _facts(
    folder: Path, shards: Sequence[ShardEntry], vectors: Sequence[Any], encoder: OnnxEncoder, known: Any
) -> dict[str, Any]:
    """What the manifest says of the lists: how many, what they were trained and measured on, and their recall."""
    total = sum(entry.passages for entry in shards)
    trained = read_faiss(folder / layout.TRAINED)
    lists = Lists(trained, [open_shard(folder, number, entry, trained) for number, entry in enumerate(shards)])
    queries = encoder.encode(_queries(folder, shards))
    measured = _measure(vectors, lists, queries)
    return {
        "lists": lists.lists,
        "trained_on": known["trained_on"] if known else total,
        "measured_on": total,
        "queries": len(queries),
        "measured": measured,
        "recall": min(DEFAULT_RECALL, measured[-1][1]),
    }


def _measure(vectors: Sequence[Any], lists: Lists, queries: Vectors) -> list[tuple[int, float]]:
    """(lists looked into, recall@10 against an exact search), growing by half an octave, until that is enough."""
    starts = [0, *np.cumsum([shard.ntotal for shard in vectors]).tolist()]
    live = [None] * len(vectors)
    exact = [{row for row, _ in exact_rows(vectors, starts, query[None], 10, live)} for query in queries]
    measured: list[tuple[int, float]] = []
    for step in range(64):
        probes = min(round(FIRST_PROBES * 2 ** (step / 2)), lists.lists)
        near = [near_rows(vectors, starts, query[None], 10, lists, probes, live) for query in queries]
        found = sum(row in best for rows, best in zip(near, exact, strict=True) for row, _ in rows)
        measured.append((probes, round(found / sum(map(len, exact)), 4)))
        if measured[-1][1] >= ENOUGH_RECALL or probes == lists.lists:
            break
    return measured


def _queries(folder: Path, shards: Sequence[ShardEntry]) -> list[str]:
    """Texts like those that people search with: titles, and single sentences from within passages."""
    total = sum(entry.passages for entry in shards)
    starts = np.cumsum([0, *(entry.passages for entry in shards)])
    opened = [PassageShard(folder, number) for number in range(len(shards))]
    texts = []
    for place, row in enumerate(_spread(total, min(QUERIES, total))):
        shard = int(np.searchsorted(starts, row, side="right")) - 1
        passage = opened[shard].passage(int(row - starts[shard]))
        spans = list(split_sentences(passage.text))
        middle = spans[len(spans) // 2] if spans else None
        sentence = passage.text[middle.start : middle.end] if middle else passage.text
        texts.append(passage.title if place % 2 and passage.title else sentence)
    return texts


def _spread(total: int, count: int) -> Any:
    """`count` rows of `total`, evenly spread; with repetitions where there are fewer."""
    return np.linspace(0, total - 1, count).astype(np.int64)


def _rows_at(vectors: Sequence[Any], rows: Any) -> Vectors:
    """The vectors of ascending rows of the index, float32 of shape (len(rows), dim)."""
    starts = np.cumsum([0, *(shard.ntotal for shard in vectors)])
    cuts = np.searchsorted(rows, starts)
    parts = [
        shard.reconstruct_batch(rows[begin:end] - start)
        for shard, start, begin, end in zip(vectors, starts, cuts, cuts[1:], strict=False)
        if end > begin
    ]
    return np.concatenate(parts)
