"""`webbrain explain`: parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from webbrain.errors import ConfigError
from webbrain.search_options import BudgetOption, RerankOption, RetrieverOption, with_reranker
from webbrain.terminal import print_json

if TYPE_CHECKING:
    from webbrain.retrieval.explain import Explanation, StagePart, TermPart

app = typer.Typer(rich_markup_mode=None)
TERMS_SHOWN = 12


@app.command("explain")
def explain(
    query: Annotated[str, typer.Argument(help="What was looked for.")],
    index: Annotated[Path, typer.Option("--index", help="Folder of the index.")],
    doc: Annotated[str | None, typer.Option("--doc", help="Explain the best passage of this document only.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many hits to explain.")] = 3,
    retriever: RetrieverOption = None,
    rerank: RerankOption = None,
    rerank_budget: BudgetOption = 0.2,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Why passages stand where they do: terms, weights, ranks and scores of every stage."""
    from webbrain.retrieval import make_retriever
    from webbrain.retrieval.explain import Explainer
    from webbrain.store.index import Index

    if not query.strip():
        raise ConfigError(
            'the query is empty; give some words, for example: webbrain explain "Ada Lovelace" --index DIR'
        )
    opened = Index.open(index)
    explainer = Explainer(opened, make_retriever(opened, with_reranker(retriever, rerank, rerank_budget)))
    found = explainer.explain(query.strip(), k, doc)
    if json:
        print_json(
            {"query": query.strip(), "retriever": explainer.retriever.name, "hits": [one.as_json() for one in found]}
        )
        return
    for one in found:
        print("\n".join(_lines(one)))


def _lines(hit: Explanation) -> list[str]:
    lines = [f"{hit.rank:3}  {hit.score:.4f}  {hit.title or hit.doc_id}  [{hit.passage_id}]  by {hit.retriever}"]
    if hit.first_rank is not None:
        new = "not reached by the budget" if hit.rerank is None else f"rerank score {hit.rerank:.4f}"
        lines.append(f"     before reranking: rank {hit.first_rank}, score {hit.first_score:.4f}; {new}")
    for stage in hit.stages:
        lines.append(f"     {_stage(stage)}")
        lines.extend(f"         {_term(part)}" for part in stage.terms[:TERMS_SHOWN])
        if len(stage.terms) > TERMS_SHOWN:
            rest = sum(part.contribution for part in stage.terms[TERMS_SHOWN:])
            lines.append(f"         {len(stage.terms) - TERMS_SHOWN} more terms  {rest:.4f}")
    return lines


def _stage(stage: StagePart) -> str:
    if stage.score is None:
        return f"{stage.stage:7} not among its first; gave 0"
    scaled = "" if stage.scaled is None else f", scaled {stage.scaled:.4f}"
    return f"{stage.stage:7} rank {stage.rank}, score {stage.score:.4f}{scaled}; gave {stage.contribution or 0:.4f}"


def _term(part: TermPart) -> str:
    gave = f"{part.term:20} {part.contribution:8.4f} = {part.weight:.3f}"
    if part.passage_weight is not None:
        return f"{gave} (query) x {part.passage_weight:.3f} (passage)"
    return f"{gave} (idf) x {part.tf} / ({part.tf} + {part.length:.3f})"
