"""Retrieval from a Milvus collection that `webbrain index export` filled: Milvus ranks, the index folder has the texts.

The collection holds what ranks a passage: its terms, made by WebBrain's own analyzer, for Milvus's BM25 function, and
its vector. BM25 scores are therefore Milvus's own: the same formula family over the same terms, with its statistics and
its way of keeping lengths. A query of stop words alone finds nothing, since they are not exported.

Every ranking is read to a fixed depth and sorted here, ties by row, so that a shorter list is a prefix of a longer one
and the fused ranking is the same whatever order the engine answers in.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from webbrain.analysis import Analyzer, AnalyzerSettings
from webbrain.errors import ConfigError, IndexStale, WebBrainError
from webbrain.extras import needs
from webbrain.protocols import Fuser
from webbrain.retrieval.fusion import ReciprocalRank
from webbrain.retrieval.ranking import hits, order
from webbrain.store.index import Index
from webbrain.types import ScoredPassage

POINTER = "milvus.json"
TOKEN = "MILVUS_TOKEN"  # name of the environment variable
KEY, PASSAGE_ID, ROW, DIGEST, TERMS, SPARSE, VECTOR = "key", "passage_id", "row", "digest", "terms", "bm25", "vector"
DEPTH = 1000  # how deep a ranking is read


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where an index's passages were exported to: `<index>/milvus.json`. It holds no secret."""

    uri: str
    collection: str
    build_id: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def read_pointer(folder: Path) -> Pointer:
    """Raises ConfigError where the index was not exported, or the file says something else."""
    path = folder / POINTER
    export = f"run `webbrain index export {folder} --to milvus --uri URI --collection NAME`"
    try:
        return Pointer(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigError(f"{folder} was not exported to Milvus; {export}") from error
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); {export}") from error


def connect(uri: str, folder: Path) -> Any:
    """A `pymilvus.MilvusClient` for a server's address or the file of an embedded Milvus (relative to `folder`).

    A server's token ("user:password" or an API key) is taken from the environment variable MILVUS_TOKEN.
    """
    with needs("milvus"):
        from pymilvus import MilvusClient
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a traceback of every error that it raises
    where = place(uri, folder)
    with engine_errors(where):
        return MilvusClient(uri=where, token=os.environ.get(TOKEN, ""))


def place(uri: str, folder: Path) -> str:
    """An address as it is; a path, which is relative to the index folder, as one from anywhere."""
    return uri if "://" in uri else str((folder / uri).resolve())


@contextmanager
def engine_errors(where: str) -> Iterator[None]:
    """What Milvus raises becomes one sentence."""
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except (MilvusException, ConnectionError) as error:
        cause = str(getattr(error, "message", error)).strip().splitlines()[0]
        raise WebBrainError(
            f"Milvus at {where} failed ({cause}); see that it runs and that {TOKEN} is right, then run the same command"
        ) from error


def key_of(passage_id: str) -> str:
    """The primary key of a passage: hexadecimal, so that no id of a corpus ever stands in a filter expression."""
    return hashlib.sha256(passage_id.encode()).hexdigest()[:32]


def exported_terms(analyzer: Analyzer, text: str) -> str:
    """What Milvus's BM25 function counts: the query terms of a text, with spaces between."""
    return " ".join(analyzer.query_terms(text))


@dataclass(frozen=True, slots=True)
class Found:
    score: float
    passage_id: str


Ranking = dict[int, Found]  # by row


class _Collection:
    """An index's collection, opened at the first search."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.pointer = read_pointer(index.folder)
        if self.pointer.build_id != index.manifest.build_id:
            raise IndexStale(f"the Milvus collection {self._name} is of another build; {self._repair}")
        self.analyzer = Analyzer(AnalyzerSettings(**index.manifest.settings["analyzer"]))

    def bm25(self, query: str) -> Ranking:
        """The best DEPTH passages by Milvus's BM25."""
        terms = exported_terms(self.analyzer, query)
        if not terms:
            return {}
        # Milvus gives BM25 a positive score, milvus-lite the same one negative; both come best first.
        return {
            row: Found(abs(found.score), found.passage_id) for row, found in self._search(SPARSE, terms, {}).items()
        }

    def dense(self, query: str) -> Ranking:
        """The best DEPTH passages by cosine, as far as the approximate search finds them."""
        if not query.strip():
            return {}
        return self._search(VECTOR, self.index.encoder.encode([query])[0].tolist(), {"ef": DEPTH})

    def hits(self, scores: Mapping[int, float], rankings: Sequence[Ranking], k: int, name: str) -> list[ScoredPassage]:
        """The best `k` of what was found; raises IndexStale where the index has another passage in a row."""
        best = order(scores, max(k, 0))
        for row, _ in best:
            passage_id = next(ranking[row].passage_id for ranking in rankings if row in ranking)
            if not (0 <= row < len(self.index) and self.index.passage(row).passage_id == passage_id):
                raise IndexStale(f"the Milvus collection {self._name} is not of this index, or not yet; {self._repair}")
        return hits(self.index, best, name)

    def _search(self, field: str, what: Any, parameters: dict[str, Any]) -> Ranking:
        with engine_errors(self.pointer.uri):
            found = self._client.search(
                self.pointer.collection,
                data=[what],
                anns_field=field,
                limit=DEPTH,
                output_fields=[ROW, PASSAGE_ID],
                search_params={"params": parameters},
            )[0]
        return {int(hit["entity"][ROW]): Found(float(hit["distance"]), hit["entity"][PASSAGE_ID]) for hit in found}

    @cached_property
    def _client(self) -> Any:
        client = connect(self.pointer.uri, self.index.folder)
        with engine_errors(self.pointer.uri):
            if not client.has_collection(self.pointer.collection):
                raise IndexStale(f"there is no Milvus collection {self._name}; {self._repair}")
            client.load_collection(self.pointer.collection)  # a restarted Milvus may have it on disk only
        return client

    @property
    def _name(self) -> str:
        return f"{self.pointer.collection!r} at {self.pointer.uri}"

    @property
    def _repair(self) -> str:
        uri, collection = place(self.pointer.uri, self.index.folder), self.pointer.collection
        return f"run `webbrain index export {self.index.folder} --to milvus --uri {uri} --collection {collection}`"


class MilvusBm25Retriever:
    """Implements `webbrain.protocols.Retriever` with Milvus's BM25 function, at most DEPTH hits."""

    name = "milvus-bm25"

    def __init__(self, index: Index) -> None:
        self.collection = _Collection(index)

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        ranking = self.collection.bm25(query)
        return self.collection.hits(_scores(ranking), [ranking], k, self.name)


class MilvusDenseRetriever:
    """Implements `webbrain.protocols.Retriever` with Milvus's vector index, at most DEPTH hits."""

    name = "milvus-dense"

    def __init__(self, index: Index) -> None:
        self.collection = _Collection(index)

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        ranking = self.collection.dense(query)
        return self.collection.hits(_scores(ranking), [ranking], k, self.name)


class MilvusRetriever:
    """Implements `webbrain.protocols.Retriever`: both rankings to DEPTH, fused; without vectors BM25 alone."""

    name = "milvus"

    def __init__(self, index: Index, fuser: Fuser | None = None) -> None:
        self.collection = _Collection(index)
        self.fuser: Fuser = fuser or ReciprocalRank()

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        rankings = [self.collection.bm25(query)]
        if self.collection.index.has_vectors:
            rankings.append(self.collection.dense(query))
        fused = self.fuser.fuse([_scores(ranking) for ranking in rankings])
        return self.collection.hits(fused, rankings, k, self.name)


def _scores(ranking: Ranking) -> dict[int, float]:
    return {row: found.score for row, found in ranking.items()}
