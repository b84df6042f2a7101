"""`webbrain train retriever`: parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from webbrain.extras import needs
from webbrain.models import DEFAULT_ENCODER
from webbrain.terminal import BuildBars, print_json, say


def retriever(
    output: Annotated[Path, typer.Option(help="Folder of the run; the model will be in its folder `model`.")],
    kind: Annotated[Literal["sparse", "dense", "reranker"], typer.Option(help="What to train.")] = "sparse",
    index: Annotated[
        Path | None,
        typer.Option("--index", help="Make training data from this index alone."),
    ] = None,
    triples: Annotated[
        Path | None, typer.Option(help="Folder of WebBrain-R files (see `webbrain dataset build`) to train on instead.")
    ] = None,
    base: Annotated[str, typer.Option(help="BERT encoder or masked-LM checkpoint to start from.")] = DEFAULT_ENCODER,
    queries: Annotated[
        Literal["static", "encoder"],
        typer.Option(help="Sparse: one learned weight a term (two cores can), or SPLADE's two encoders (wants a GPU)."),
    ] = "static",
    expand: Annotated[
        bool, typer.Option("--expand/--no-expand", help="Static: weigh related terms that a passage lacks, too.")
    ] = True,
    query_sparsity: Annotated[float, typer.Option(help="Weight of L1 on queries.")] = 5e-4,
    document_sparsity: Annotated[float, typer.Option(help="Weight of the norm on documents.")] = 5e-3,
    document_norm: Annotated[
        Literal["flops", "l1"], typer.Option(help="As in the paper, or L1 as in its public code.")
    ] = "flops",
    teacher: Annotated[
        Path | None, typer.Option(help="Distil from this reranker's scores (a folder `train retriever` wrote).")
    ] = None,
    distil: Annotated[float, typer.Option(help="Weight of the teacher's scores; 0 does without.")] = 1.0,
    teacher_scale: Annotated[float, typer.Option(help="Factor of a teacher's scores; cosines want 20.")] = 20.0,
    mining: Annotated[
        Literal["mined", "bm25"], typer.Option(help="With --index: negatives by both rankings, or BM25 ranks 30-50.")
    ] = "mined",
    synthetic: Annotated[int, typer.Option(min=1, help="With --index: synthetic queries.")] = 20_000,
    epochs: Annotated[float, typer.Option(help="Passes over the training queries.")] = 5.0,
    steps: Annotated[
        int | None,
        typer.Option(min=0, help="Steps instead of epochs; 0 leaves a static model at its closed-form start."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Queries in a batch.")] = 32,
    negatives: Annotated[int, typer.Option(min=0, help="Mined negatives a query.")] = 2,
    learning_rate: Annotated[float | None, typer.Option(help="At its highest.")] = None,
    passage_tokens: Annotated[int, typer.Option(min=8, help="Word pieces of a passage, at most.")] = 256,
    query_tokens: Annotated[int, typer.Option(min=4, help="Word pieces of a query, at most, for an encoder.")] = 16,
    precision: Annotated[Literal["no", "bf16"], typer.Option(help="Mixed precision.")] = "no",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores by default.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    smoke: Annotated[bool, typer.Option("--smoke", help="A few steps of everything, to see that it works.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Train a retriever on WebBrain-R files or on a mere index. A killed run goes on with --resume."""
    with needs("train"):
        from webbrain.training.retriever.run import Source, train_retriever
        from webbrain.training.retriever.settings import RetrieverSettings, Sparsity, default_rate
        from webbrain.training.retriever.synthetic import SyntheticSettings

    settings = RetrieverSettings(
        kind=kind,
        base=base,
        queries=queries,
        expand=expand,
        sparsity=Sparsity(query_sparsity, document_sparsity, document_norm),
        learning_rate=learning_rate or default_rate(kind, queries),
        epochs=epochs,
        steps=steps,
        batch=batch,
        negatives=negatives,
        distil=distil,
        teacher_scale=teacher_scale,
        passage_tokens=passage_tokens,
        query_tokens=query_tokens,
        precision=precision,
        threads=threads,
        seed=seed,
    )
    making = SyntheticSettings(queries=min(synthetic, 40) if smoke else synthetic, mining=mining, seed=seed)
    source = Source(triples, index, making, teacher)
    with BuildBars() as bars:
        report = train_retriever(
            source, output, settings.smoke() if smoke else settings, resume=resume, note=bars.note, bar=bars.count
        )
    if json:
        print_json(report)
    say(f"{report['queries']:,} queries in {report['seconds']:.0f} s on {report['device']}; see {output}/model")
