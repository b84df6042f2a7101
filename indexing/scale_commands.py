"""`webbrain index plan|cluster-build|export`: past one machine. Part of the command table, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from webbrain.terminal import BuildBars, print_json, say

if TYPE_CHECKING:
    from .estimate.constants import Constant

app = typer.Typer(rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]

MANY = 10_000_000  # passages from which one thread takes days over the lists


@app.command("cluster-build")
def cluster_build(
    corpus: Annotated[Path, typer.Argument(help="File or folder that every machine of the cluster reads.")],
    output: Annotated[Path, typer.Option(help="Folder of the index.")],
    address: Annotated[
        str | None, typer.Option(help="Ray cluster: auto or HOST:PORT; without it one is started here for the build.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="Folder or fsspec address (s3://...) that every machine reaches, for shards.")
    ] = None,
    split_mb: Annotated[int, typer.Option(min=1, help="Megabytes of corpus in a task.")] = 64,
    threads: Annotated[int, typer.Option(min=1, help="Cores of a task that encodes.")] = 1,
    encoder: Annotated[str | None, typer.Option(help="Model name or folder of a BERT encoder.")] = None,
    dense: Annotated[
        Literal["auto", "exact", "ivf"], typer.Option(help="Search all vectors, or in lists of them; by their number.")
    ] = "auto",
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Make no vectors.")] = False,
    precision: Annotated[Literal["int8", "fp32"], typer.Option(help="Arithmetic of the encoder.")] = "int8",
    duplicates: Annotated[Literal["fold", "keep"], typer.Option(help="Fold near-duplicate pages into one.")] = "fold",
    target_words: Annotated[int, typer.Option(min=10, help="Words in a passage.")] = 110,
    stemmer: Annotated[str, typer.Option(help="Snowball stemmer, or none.")] = "english",
    shard_passages: Annotated[int, typer.Option(min=1, help="Passages in a shard, and so in a task.")] = 50_000,
    force: Annotated[bool, typer.Option("--force", help="Build even when nothing changed.")] = False,
    json: Json = False,
) -> None:
    """Index a corpus on a Ray cluster: the same index as `index build` makes. Run again, it goes on."""
    from dataclasses import asdict

    from .cluster.build import ClusterSettings, build_on_cluster
    from .settings import BuildSettings

    settings = BuildSettings.from_options(
        target_words=target_words,
        stemmer=stemmer,
        encoder=encoder,
        no_dense=no_dense,
        precision=precision,
        dense_kind=dense,
        duplicates=duplicates,
        shard_passages=shard_passages,
    )
    cluster = ClusterSettings(address, storage, split_mb << 20, threads)
    with BuildBars() as watch:
        report = build_on_cluster(corpus, output, settings, cluster, force=force, watch=watch)
    totals = report.totals
    say(
        f"{totals['documents']:,} documents, {totals['passages']:,} passages in {totals['shards']} shards; "
        f"{totals['duplicates']:,} duplicates folded, {totals['rejects']:,} rejected"
    )
    if json:
        print_json(asdict(report))


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder of the index.")],
    uri: Annotated[str, typer.Option(help="Address of a Milvus server, or path of an embedded one's file.")],
    collection: Annotated[str, typer.Option(help="Name of the collection.")] = "webbrain",
    to: Annotated[Literal["milvus"], typer.Option(help="The engine.")] = "milvus",
    json: Json = False,
) -> None:
    """Put the passages of an index into a search engine, for `--retriever milvus`. MILVUS_TOKEN holds the token."""
    from dataclasses import asdict

    from webbrain.store.index import Index

    from .export import export

    with BuildBars() as progress:
        report = export(Index.open(folder), uri, collection, progress)
    say(
        f"{report.collection}: {report.written:,} passages written, {report.kept:,} kept, {report.deleted:,} deleted; "
        f"search it with `--index {folder} --retriever {to}`"
    )
    if json:
        print_json(asdict(report))


@app.command("plan")
def plan(
    passages: Annotated[float, typer.Option(help="Passages of the index, for example 1e9.")],
    words: Annotated[float, typer.Option(min=1, help="Words in a passage.")] = 110,
    encoder: Annotated[
        Literal["int8", "fp32", "static", "none"],
        typer.Option(help="Encoder that ships, by precision; none: BM25 alone."),
    ] = "int8",
    cores: Annotated[int, typer.Option(min=1, help="Cores of a machine.")] = 16,
    machines: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs in all, to encode on.")] = 0,
    gpu_rate: Annotated[
        float | None, typer.Option(min=0.001, help="Passages a second that one of your GPUs encodes.")
    ] = None,
    price: Annotated[float | None, typer.Option(min=0, help="Price of a machine and hour.")] = None,
    shard_passages: Annotated[int, typer.Option(min=1, help="Passages in a shard.")] = 50_000,
    lists: Annotated[
        bool, typer.Option("--lists/--no-lists", help="Lists over the vectors, as `index build` has.")
    ] = True,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure the quick constants on this machine first.")
    ] = False,
    corpus: Annotated[
        Path | None, typer.Option(help="Corpus to measure on, its beginning; the samples that ship by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Estimate disk, memory, time and cost of an index; says what is measured and what extrapolated."""
    from .estimate.constants import CONSTANTS
    from .estimate.plan import Request, as_json, estimate

    request = Request(int(passages), words, encoder, cores, machines, gpus, gpu_rate, price, shard_passages, lists)
    constants = _measured(encoder, corpus) if measure else CONSTANTS
    lines = estimate(request, constants)
    if json:
        print_json(as_json(request, lines))
        return
    for line in lines:
        print(f"{line.basis:12} {line.name:30} {line.value:>18,.6g} {line.unit:24} {line.how}".rstrip())
    if lists and encoder != "none" and passages >= MANY:
        say("the lists are made by one thread: plan with --no-lists, and build with --dense exact, to do without")


def _measured(encoder: str, corpus: Path | None) -> dict[str, Constant]:
    """Constants of this machine."""
    from webbrain.models import DEFAULT_ENCODER
    from webbrain.samples import samples_folder

    from .estimate.measure import measure
    from .estimate.plan import measured
    from .settings import BuildSettings

    names = {"int8": DEFAULT_ENCODER, "fp32": DEFAULT_ENCODER, "static": "static", "none": None}
    settings = BuildSettings(encoder=names[encoder], precision="fp32" if encoder == "fp32" else "int8")
    where = corpus or samples_folder() / "pages"
    say(f"measuring on {where}, about half a minute")
    return measured(measure(where, settings), encoder, str(where))
