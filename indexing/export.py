"""`webbrain index export`: the passages of an index into a Milvus collection, as often as wanted.

A passage is upserted under a key made of its id, where what is there differs; what the index no longer has is deleted.
So a killed export goes on, a repeated one changes nothing, and one after an update of the index costs what changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from webbrain.analysis import Analyzer, AnalyzerSettings
from webbrain.errors import ConfigError
from webbrain.retrieval import milvus
from webbrain.retrieval.milvus import (
    DIGEST,
    KEY,
    PASSAGE_ID,
    ROW,
    SPARSE,
    TERMS,
    VECTOR,
    Pointer,
    engine_errors,
    key_of,
)
from webbrain.store.index import Index
from webbrain.store.passages import indexed_text
from webbrain.types import Passage

from .files import write_json
from .progress import Progress, Silent

BATCH = 500  # passages in one request
MAX_BYTES = 65_535  # of a VARCHAR


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Passages `written` because they were new or changed, `kept` as they were, `deleted` as no longer in the index."""

    collection: str
    written: int
    kept: int
    deleted: int


def export(index: Index, uri: str, collection: str, progress: Progress | None = None) -> ExportReport:
    """Make `collection` at `uri` hold the live passages of an index, and note the place in the index folder.

    `uri` is a server's address or the path of an embedded Milvus. Raises ConfigError and, where Milvus refuses,
    WebBrainError.
    """
    uri = uri if "://" in uri else _relative(Path(uri), index.folder)
    client = milvus.connect(uri, index.folder)
    with engine_errors(uri):
        work = _Export(index, client, collection)
        work.make_collection()
        report = work.write(progress or Silent())
        client.close()
    write_json(index.folder / milvus.POINTER, Pointer(uri, collection, index.manifest.build_id).as_json())
    return report


class _Export:
    """One index, one collection. Expressions hold keys (hexadecimal) and numbers only, never words of the corpus."""

    def __init__(self, index: Index, client: Any, collection: str) -> None:
        self.index, self.client, self.collection = index, client, collection
        settings = index.manifest.settings
        self.analyzer = Analyzer(AnalyzerSettings(**settings["analyzer"]))
        self.bm25 = {"bm25_k1": settings["bm25"]["k1"], "bm25_b": settings["bm25"]["b"]}
        encoder = index.manifest.encoder["onnx_sha256"] if index.manifest.encoder else None
        self.made_by = json.dumps([settings["analyzer"], encoder], sort_keys=True)

    def make_collection(self) -> None:
        """Create the collection, or check that the one of this name is such a collection."""
        if not self.client.has_collection(self.collection):
            schema, indexes = self._schema()
            self.client.create_collection(
                self.collection, schema=schema, index_params=indexes, consistency_level="Strong"
            )
        found = {field["name"] for field in self.client.describe_collection(self.collection)["fields"]}
        if found != self._fields():
            raise ConfigError(
                f"the Milvus collection {self.collection!r} has other fields ({', '.join(sorted(found))}); "
                "give another --collection"
            )
        self.client.load_collection(self.collection)

    def write(self, progress: Progress) -> ExportReport:
        there = self._count()
        written = done = 0
        rows = iter(self.index.live_rows())
        while batch := list(islice(rows, BATCH)):
            entities = [self._entity(row) for row in batch]
            known = self._digests(entity[KEY] for entity in entities) if there else {}
            changed = [entity for entity in entities if known.get(entity[KEY]) != entity[DIGEST]]
            if changed:
                self.client.upsert(self.collection, [self._complete(entity) for entity in changed])
            written, done = written + len(changed), done + len(batch)
            progress.encoding(0, done, self.index.live)
        deleted = self._delete_gone() if self._count() != self.index.live else 0
        if written or deleted:
            self.client.flush(self.collection)  # sealed segments have their indexes built
        return ExportReport(self.collection, written, done - written, deleted)

    def _entity(self, row: int) -> dict[str, Any]:
        """All of a passage but its terms and vector, which cost more to make."""
        passage = self.index.passage(row)
        if len(passage.passage_id.encode()) > MAX_BYTES:
            raise ConfigError(f"passage id {passage.passage_id[:60]!r}... is longer than Milvus takes; shorten the ids")
        said = "\0".join([str(row), passage.passage_id, passage.title, passage.text, self.made_by])
        digest = hashlib.sha256(said.encode()).hexdigest()[:32]
        return {KEY: key_of(passage.passage_id), PASSAGE_ID: passage.passage_id, ROW: row, DIGEST: digest}

    def _complete(self, entity: dict[str, Any]) -> dict[str, Any]:
        row = entity[ROW]
        full = {**entity, TERMS: self._terms(self.index.passage(row))}
        if self.index.has_vectors:
            shard, local = self.index.locate(row)
            full[VECTOR] = self.index.vectors[shard].reconstruct(local).tolist()
        return full

    def _terms(self, passage: Passage) -> str:
        terms = milvus.exported_terms(self.analyzer, indexed_text(passage.title, passage.text))
        if len(terms.encode()) <= MAX_BYTES:
            return terms
        return terms.encode()[:MAX_BYTES].decode(errors="ignore").rpartition(" ")[0]

    def _digests(self, keys: Iterable[str]) -> dict[str, str]:
        found = self.client.query(self.collection, filter=_is_one_of(keys), output_fields=[KEY, DIGEST])
        return {entity[KEY]: entity[DIGEST] for entity in found}

    def _count(self) -> int:
        return int(self.client.query(self.collection, filter="", output_fields=["count(*)"])[0]["count(*)"])

    def _delete_gone(self) -> int:
        """Delete passages whose row is not theirs; every passage of the index has been written before."""
        live = set(self.index.live_rows())
        gone = [key for key, row in self._entities() if row not in live or key_of(self._id(row)) != key]
        for begin in range(0, len(gone), BATCH):
            self.client.delete(self.collection, filter=_is_one_of(gone[begin : begin + BATCH]))
        return len(gone)

    def _entities(self) -> Iterator[tuple[str, int]]:
        """(key, row) of all that the collection holds."""
        pages = self.client.query_iterator(self.collection, batch_size=BATCH, output_fields=[KEY, ROW])
        while page := pages.next():
            yield from ((entity[KEY], int(entity[ROW])) for entity in page)
        pages.close()

    def _id(self, row: int) -> str:
        return self.index.passage(row).passage_id

    def _fields(self) -> set[str]:
        return {KEY, PASSAGE_ID, ROW, DIGEST, TERMS, SPARSE, *([VECTOR] if self.index.has_vectors else [])}

    def _schema(self) -> tuple[Any, Any]:
        """(schema, index parameters): Milvus's BM25 function over terms, HNSW over vectors."""
        from pymilvus import DataType, Function, FunctionType

        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(KEY, DataType.VARCHAR, is_primary=True, max_length=32)
        schema.add_field(PASSAGE_ID, DataType.VARCHAR, max_length=MAX_BYTES)
        schema.add_field(ROW, DataType.INT64)
        schema.add_field(DIGEST, DataType.VARCHAR, max_length=32)
        words = {"tokenizer": "standard"}  # terms come analyzed; the tokenizer only takes them apart again
        schema.add_field(TERMS, DataType.VARCHAR, max_length=MAX_BYTES, enable_analyzer=True, analyzer_params=words)
        schema.add_field(SPARSE, DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(Function("terms_to_bm25", FunctionType.BM25, [TERMS], [SPARSE]))
        indexes = self.client.prepare_index_params()
        indexes.add_index(SPARSE, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=self.bm25)
        if self.index.has_vectors:
            schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=self.index.encoder.dim)
            graph = {"M": 16, "efConstruction": 200}
            indexes.add_index(VECTOR, index_type="HNSW", metric_type="IP", params=graph)
        return schema, indexes


def _is_one_of(keys: Iterable[str]) -> str:
    return f"{KEY} in {json.dumps(list(keys))}"


def _relative(path: Path, folder: Path) -> str:
    """The path as the pointer says it: relative inside the index folder, which may be moved, absolute elsewhere."""
    path = path.resolve()
    inside = path.is_relative_to(folder.resolve())
    return str(path.relative_to(folder.resolve()) if inside else path)
