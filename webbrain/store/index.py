"""Opening an index: find the published build, check it, and hand out memory-mapped shards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webbrain.analysis import VERSION as ANALYZER_VERSION
from webbrain.encoding.encoder import OnnxEncoder, read_card
from webbrain.errors import IndexDamaged, IndexIncompatible, IndexNotFound
from webbrain.store import layout
from webbrain.store.arrays import lift_file_limit
from webbrain.store.manifest import Manifest, read_manifest
from webbrain.store.passages import PassageShard
from webbrain.store.postings import PostingsShard
from webbrain.store.tombstones import Rows, read_deleted
from webbrain.types import Passage

if TYPE_CHECKING:
    from webbrain.encoding.sparse import SparseEncoder
    from webbrain.store.lists import Lists
    from webbrain.store.sparse import SparseShard


def current_build(folder: Path) -> Path:
    """The folder of the published build; raises IndexNotFound or IndexDamaged."""
    pointer = folder / layout.CURRENT
    if not pointer.exists():
        unfinished = any(folder.glob(f"{layout.BUILDS}/*.partial"))
        state = "holds an unfinished build" if unfinished else "is no index"
        raise IndexNotFound(f"{folder} {state}; run `webbrain index build CORPUS --output {folder}`")
    try:
        line = pointer.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise IndexDamaged(f"{pointer} cannot be read ({error}); mend its permissions or rebuild the index") from error
    build = folder / layout.BUILDS / line.removesuffix("\n")
    if not line.endswith("\n") or "/" in line or not build.is_dir():
        raise IndexDamaged(f"{pointer} names no build; run `webbrain index build CORPUS --output {folder}` again")
    return build


class Index:
    """A published index: passages and postings are opened here, encoder and vectors when they are first asked for.

    What is open is memory-mapped and outlives a later build or `gc`; a reader that has not used its vectors by then
    has to open the index again. `recall` is what dense searches are to reach, 1 for exact ones, None for the index's
    own default; it makes a difference only where there are `lists`.
    """

    def __init__(self, folder: Path, build: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.build = build
        self.manifest = manifest
        self.deleted: list[Rows | None] = read_deleted(build, manifest)
        self.passages = [PassageShard(build, number) for number in range(len(manifest.shards))]
        self.postings = [PostingsShard(build, number, deleted) for number, deleted in enumerate(self.deleted)]
        self.recall: float | None = None
        self.starts = _starts(entry.passages for entry in manifest.shards)
        self.live = len(self) - sum(len(rows) for rows in self.deleted if rows is not None)

    @classmethod
    def open(cls, folder: Path | str, recall: float | None = None) -> Index:
        """Open and check (`basic`): version, sizes, row sums, encoder, vocabulary against arrays.

        Raises IndexNotFound, IndexIncompatible or IndexDamaged.
        """
        folder = Path(folder)
        build = current_build(folder)
        try:
            index = cls._open_build(folder, build)
            index.recall = recall
            return index
        except IndexDamaged:
            if current_build(folder) == build:
                raise
        return cls.open(folder, recall)  # between the two steps a newer build came and this one was collected

    @classmethod
    def _open_build(cls, folder: Path, build: Path) -> Index:
        manifest = read_manifest(build)
        check_sizes(build, manifest)
        lift_file_limit()
        index = cls(folder, build, manifest)
        index.check()
        return index

    def __len__(self) -> int:
        """Rows, deleted ones among them; `live` counts the others."""
        return self.starts[-1]

    def live_rows(self) -> Iterator[int]:
        """The rows that are not deleted, ascending."""
        for start, entry, deleted in zip(self.starts, self.manifest.shards, self.deleted, strict=False):
            gone = set() if deleted is None else set(deleted.tolist())
            yield from (start + row for row in range(entry.passages) if row not in gone)

    @property
    def has_vectors(self) -> bool:
        return self.manifest.encoder is not None

    @property
    def has_sparse(self) -> bool:
        """Whether every shard has learned-sparse postings."""
        names = (name.format(number) for number in range(len(self.passages)) for name in layout.SPARSE_FILES)
        return self.manifest.sparse is not None and all(name in self.manifest.files for name in names)

    def check(self) -> None:
        """The `basic` check of what the manifest says against what the files hold."""
        for entry, passages, postings in zip(self.manifest.shards, self.passages, self.postings, strict=True):
            passages.check(entry.passages, entry.documents)
            postings.check(entry.passages)
        totals = self.manifest.totals
        if (self.live, len(self) - self.live) != (totals["passages"], totals.get("deleted_passages", 0)):
            raise IndexDamaged(f"{self.build} has {len(self)} rows, its manifest says otherwise; rebuild the index")
        analyzer = self.manifest.settings["analyzer"]["version"]
        if analyzer != ANALYZER_VERSION:
            raise IndexIncompatible(
                f"{self.folder} was made with analyzer {analyzer}, this webbrain has {ANALYZER_VERSION}; "
                f"rebuild with `webbrain index build CORPUS --output {self.folder}`"
            )
        if self.manifest.encoder is not None:
            card = read_card(self.build / layout.ENCODER)
            if card.onnx_sha256 != self.manifest.encoder["onnx_sha256"]:
                raise IndexIncompatible(f"{self.build} carries another encoder than its vectors; rebuild the index")

    def check_vectors(self) -> None:
        """Open every shard's FAISS index; raises IndexDamaged when one is unreadable or of another shape."""
        if len(self.vectors) != len(self.postings):
            raise IndexDamaged(f"{self.build} has vectors for {len(self.vectors)} shards only; rebuild the index")
        _ = self.lists  # opening them is the check

    def locate(self, row: int) -> tuple[int, int]:
        """(shard, row within it) of a row of the index."""
        from bisect import bisect_right

        if not 0 <= row < len(self):
            raise IndexError(f"row {row} is outside an index of {len(self)} passages")
        shard = bisect_right(self.starts, row) - 1
        return shard, row - self.starts[shard]

    def passage(self, row: int) -> Passage:
        shard, local = self.locate(row)
        return self.passages[shard].passage(local)

    @cached_property
    def encoder(self) -> OnnxEncoder:
        """The query encoder that the index carries."""
        if not self.has_vectors:
            raise IndexIncompatible(
                f"{self.folder} has no vectors; rebuild it without `--no-dense`, or search with `--retriever bm25`"
            )
        return OnnxEncoder(self.build / layout.ENCODER)

    @cached_property
    def vectors(self) -> list[Any]:
        """One memory-mapped FAISS index per shard."""
        from webbrain.store.vectors import open_vectors

        dim = self.encoder.dim
        return [
            open_vectors(self.build / layout.VECTORS.format(number), entry.passages, dim)
            for number, entry in enumerate(self.manifest.shards)
        ]

    @cached_property
    def lists(self) -> Lists | None:
        """The lists over the vectors, for a search that does not look at all of them; None where it always does."""
        from webbrain.store.lists import open_lists

        return open_lists(self.build, self.manifest.shards) if layout.TRAINED in self.manifest.files else None

    @cached_property
    def live_selectors(self) -> list[Any]:
        """Per shard the FAISS selector of its live rows, None where all are."""
        from webbrain.store.vectors import live_selector

        sizes = (entry.passages for entry in self.manifest.shards)
        return [live_selector(size, deleted) for size, deleted in zip(sizes, self.deleted, strict=True)]

    @cached_property
    def sparse_encoder(self) -> SparseEncoder:
        """The learned-sparse encoder that the index carries."""
        from webbrain.encoding.sparse import SparseEncoder

        if not self.has_sparse:
            raise IndexIncompatible(
                f"{self.folder} has no learned-sparse part; run `webbrain index sparse {self.folder}`, "
                "or search with another --retriever"
            )
        return SparseEncoder(self.build / layout.SPARSE_ENCODER)

    @cached_property
    def sparse(self) -> list[SparseShard]:
        """One memory-mapped shard of learned-sparse postings per shard."""
        from webbrain.store.sparse import SparseShard

        terms = self.sparse_encoder.card.terms
        shards = [
            SparseShard(self.build, number, entry.passages, self.deleted[number])
            for number, entry in enumerate(self.manifest.shards)
        ]
        for shard in shards:
            shard.check(terms)
        return shards

    @cached_property
    def aliases(self) -> dict[str, list[dict[str, str]]]:
        """Pages folded into another as duplicates: canonical doc_id -> [{"doc_id", "title", "url"}]."""
        found: dict[str, list[dict[str, str]]] = {}
        with (self.build / layout.ALIASES).open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                found.setdefault(row.pop("same_as"), []).append(row)
        return found


def check_sizes(build: Path, manifest: Manifest) -> None:
    """Raises IndexDamaged at the first listed file that is missing or of another size."""
    for name, entry in manifest.files.items():
        path = build / name
        size = path.stat().st_size if path.is_file() else None
        if size != entry.bytes:
            found = "is missing" if size is None else f"has {size} bytes, not {entry.bytes}"
            raise IndexDamaged(f"{path} {found}; rebuild the index or restore that file")


def _starts(sizes: Iterable[int]) -> list[int]:
    """Running sums from 0: the first row of each shard, then the total."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    return starts
