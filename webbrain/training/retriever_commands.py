"""`webbrain train retriever`: parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from webbrain.extras import needs
from webbrain.models import DEFAULT_ENCODER
from webbrain.terminal import BuildBars, print_json, say

Output = Annotated[Path, typer.Option(help="Folder of the run; the model will be in its folder `model`.")]
Kind = Annotated[Literal["sparse", "dense", "reranker"], typer.Option(help="What to train.")]
IndexFolder = Annotated[Path | None, typer.Option("--index", help="Make training data from this index alone.")]
Triples = Annotated[Path | None, typer.Option(help="Folder of WebBrain-R files to train on instead.")]
Base = Annotated[str, typer.Option(help="BERT encoder or masked-LM checkpoint to start from.")]
Queries = Annotated[
    Literal["static", "encoder"],
    typer.Option(help="Sparse: one learned weight a term (two cores can), or SPLADE's two encoders (wants a GPU)."),
]
Expand = Annotated[bool, typer.Option("--expand/--no-expand", help="Static: weigh related terms, too.")]
QuerySparsity = Annotated[float, typer.Option(help="Weight of L1 on queries.")]
DocumentSparsity = Annotated[float, typer.Option(help="Weight of the norm on documents.")]
DocumentNorm = Annotated[Literal["flops", "l1"], typer.Option(help="As in the paper, or L1 as in its public code.")]
Teacher = Annotated[Path | None, typer.Option(help="Distil from this reranker's scores (its folder `model`).")]
Distil = Annotated[float, typer.Option(help="Weight of the teacher's scores; 0 does without.")]
TeacherScale = Annotated[float, typer.Option(help="Factor of a teacher's scores; cosines want 20, logits 1.")]
Mining = Annotated[
    Literal["mined", "bm25"], typer.Option(help="With --index: negatives by both rankings, or BM25 ranks 30-50.")
]
Synthetic = Annotated[int, typer.Option(min=1, help="With --index: synthetic queries.")]
Epochs = Annotated[float, typer.Option(help="Passes over the training queries.")]
Steps = Annotated[
    int | None, typer.Option(min=0, help="Steps instead of epochs; 0 leaves a static model as it starts.")
]
Batch = Annotated[int, typer.Option(min=1, help="Queries in a batch.")]
Negatives = Annotated[int, typer.Option(min=0, help="Mined negatives a query.")]
Rate = Annotated[float | None, typer.Option(help="At its highest.")]
PassageTokens = Annotated[int, typer.Option(min=8, help="Word pieces of a passage, at most.")]
QueryTokens = Annotated[int, typer.Option(min=4, help="Word pieces of a query, at most, for an encoder.")]
Precision = Annotated[Literal["no", "bf16"], typer.Option(help="Mixed precision.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores by default.")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="A few steps of everything, to see that it works.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def retriever(
    output: Output,
    kind: Kind = "sparse",
    index: IndexFolder = None,
    triples: Triples = None,
    base: Base = DEFAULT_ENCODER,
    queries: Queries = "static",
    expand: Expand = True,
    query_sparsity: QuerySparsity = 5e-4,
    document_sparsity: DocumentSparsity = 5e-3,
    document_norm: DocumentNorm = "flops",
    teacher: Teacher = None,
    distil: Distil = 1.0,
    teacher_scale: TeacherScale = 20.0,
    mining: Mining = "mined",
    synthetic: Synthetic = 20_000,
    epochs: Epochs = 5.0,
    steps: Steps = None,
    batch: Batch = 32,
    negatives: Negatives = 2,
    learning_rate: Rate = None,
    passage_tokens: PassageTokens = 256,
    query_tokens: QueryTokens = 16,
    precision: Precision = "no",
    threads: Threads = None,
    seed: Seed = 0,
    smoke: Smoke = False,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Train a retriever on WebBrain-R files or on a mere index. A killed run goes on with --resume."""
    with needs("train"):
        from webbrain.training.retriever.run import Source, train_retriever
        from webbrain.training.retriever.settings import RetrieverSettings, Sparsity, default_rate
        from webbrain.training.retriever.synthetic import SyntheticSettings

    options = {"kind": kind, "base": base, "queries": queries, "expand": expand, "epochs": epochs, "steps": steps,
               "batch": batch, "negatives": negatives, "distil": distil, "teacher_scale": teacher_scale,
               "passage_tokens": passage_tokens, "query_tokens": query_tokens, "precision": precision,
               "threads": threads, "seed": seed}  # fmt: skip
    settings = RetrieverSettings(
        **options,  # type: ignore[arg-type]
        sparsity=Sparsity(query_sparsity, document_sparsity, document_norm),
        learning_rate=learning_rate or default_rate(kind, queries),
    )
    making = SyntheticSettings(queries=min(synthetic, 40) if smoke else synthetic, mining=mining, seed=seed)
    source, settings = Source(triples, index, making, teacher), settings.smoke() if smoke else settings
    with BuildBars() as bars:
        report = train_retriever(source, output, settings, resume=resume, note=bars.note, bar=bars.count)
    if json:
        print_json(report)
    say(f"{report['queries']:,} queries in {report['seconds']:.0f} s on {report['device']}; see {output}/model")
