"""Dense retrieval: the query's vector against the passages' vectors, inner product of unit vectors (cosine)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from webbrain.protocols import Vectors
from webbrain.retrieval.ranking import hits, order
from webbrain.retrieval.recall import probes_for
from webbrain.store.index import Index
from webbrain.store.lists import Lists
from webbrain.store.vectors import one_thread, pick
from webbrain.types import ScoredPassage

# Candidates that the lists give, whatever the length of the list asked for: so a shorter one is a prefix of a longer.
CANDIDATES = 1000

Pairs = list[tuple[int, float]]


class DenseRetriever:
    """Implements `webbrain.protocols.Retriever` with the index's own encoder and vectors.

    An index with lists is searched in as many as its recall asks for (`index.recall`), any other exhaustively.
    """

    name = "dense"

    def __init__(self, index: Index) -> None:
        self.index = index
        self.probes = probes_for(index)

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return hits(self.index, self.rows(query, k), self.name)

    def rows(self, query: str, k: int) -> list[tuple[int, float]]:
        """(row, cosine) of the best `k` passages."""
        if not query.strip() or k < 1:
            return []
        vector = self.index.encoder.encode([query])
        with one_thread():
            return self._rows(vector, k)

    def _rows(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        index = self.index
        if self.probes is None or index.lists is None:
            return exact_rows(index.vectors, index.starts, vector, k, index.live_selectors)
        live = index.live_selectors
        head = near_rows(index.vectors, index.starts, vector, min(k, CANDIDATES), index.lists, self.probes, live)
        return head if k <= len(head) else [*head, *self._rest(vector, head, k - len(head))]

    def _rest(self, vector: Vectors, head: Pairs, wanted: int) -> Pairs:
        """What comes after the candidates in an exact search; so the long list begins as the short one does."""
        index, found = self.index, {row for row, _ in head}
        last = (-head[-1][1], head[-1][0]) if head else (-float("inf"), -1)
        asked = 0
        rest: Pairs = []
        while len(rest) < wanted and asked < len(index):
            asked = min(max(4 * asked, 2 * (len(head) + wanted)), len(index))
            ranked = exact_rows(index.vectors, index.starts, vector, asked, index.live_selectors)
            rest = [(row, score) for row, score in ranked if (-score, row) > last and row not in found]
        return rest[:wanted]


def exact_rows(
    vectors: Sequence[Any], starts: Sequence[int], query: Vectors, k: int, live: Sequence[Any]
) -> list[tuple[int, float]]:
    """(row, cosine) of the best `k` of all shards, looking at every vector; `live` as for `Lists.candidates`."""
    found: Pairs = []
    for shard, start, selector in zip(vectors, starts, live, strict=False):
        found.extend((start + row, score) for row, score in _search(shard, query, k, selector))
    return order(found, k)


def near_rows(
    vectors: Sequence[Any],
    starts: Sequence[int],
    query: Vectors,
    k: int,
    lists: Lists,
    probes: int,
    live: Sequence[Any],
) -> list[tuple[int, float]]:
    """(row, cosine) of the best `k` candidates that the nearest lists give, scored as in `exact_rows`."""
    found, scores = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for shard, start, rows in zip(vectors, starts, lists.candidates(query, probes, CANDIDATES, live), strict=False):
        if len(rows):
            [cosines], [places] = pick(shard, rows).search(query, len(rows))
            found.append(start + rows[places])
            scores.append(cosines)
    row, score = np.concatenate(found), np.concatenate(scores)
    best = np.lexsort((row, -score))[:k]
    return list(zip(row[best].tolist(), score[best].tolist(), strict=True))


def _search(vectors: Any, query: Vectors, k: int, live: Any = None) -> list[tuple[int, float]]:
    """Best `k` of one shard; asks for more while the last place is tied, so that ties go by row and not by chance.

    `live` is a FAISS selector of the rows to search, None for all.
    """
    options = {} if live is None else {"params": _selecting(live)}
    asked = min(k + 8, vectors.ntotal)
    while asked > 0:
        scores, rows = vectors.search(query, asked, **options)
        pairs = [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]
        cut_off = len(pairs) > k and pairs[k - 1][1] == pairs[-1][1]
        if not cut_off or asked == vectors.ntotal:
            return order(pairs, k)
        asked = min(asked * 4, vectors.ntotal)
    return []


def _selecting(live: Any) -> Any:
    import faiss

    parameters: Any = faiss.SearchParameters
    return parameters(sel=live)
