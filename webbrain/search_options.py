"""Options of the command line that choose a retriever; nothing heavy is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from webbrain.terminal import say

if TYPE_CHECKING:
    from webbrain.protocols import Retriever
    from webbrain.types import ScoredPassage

RetrieverOption = Annotated[
    str | None, typer.Option(help="bm25, dense, sparse, hybrid or hybrid3; the best the index has by default.")
]
RerankOption = Annotated[
    str | None, typer.Option(help="Rerank the first 50: maxsim, or the folder of a cross-encoder.")
]
BudgetOption = Annotated[
    float, typer.Option(min=0.0, help="Seconds a query for reranking; 0 is no limit. What is not reached follows.")
]

RecallOption = Annotated[
    float | None,
    typer.Option(
        min=0.01, max=1.0, help="Share of the ten nearest passages that a dense search is to find; 1 is exact."
    ),
]


def with_reranker(retriever: str | None, rerank: str | None, budget: float) -> str | None:
    """What `make_retriever` takes for a retriever, a reranker and its budget in seconds."""
    if rerank is None:
        return retriever
    return f"{retriever or ''}+{rerank}@{f'{budget:g}' if budget else 'none'}"


def search_hits(retriever: Retriever, query: str, k: int) -> list[ScoredPassage]:
    """The hits; of a reranking retriever it is said how many the budget reached."""
    reranked = getattr(retriever, "reranked", None)
    if reranked is None:
        return retriever.search(query, k)
    done = reranked(query, k)
    say(f"reranked {len(done.scores)} passages in {done.seconds:.2f} s")
    hits: list[ScoredPassage] = done.hits
    return hits
