"""`webbrain dataset ...`: the part of the command table that makes datasets; parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from webbrain.terminal import print_json, say

app = typer.Typer(help="Make training and evaluation data of articles.", no_args_is_help=True, rich_markup_mode=None)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.command("build")
def build(
    source: Annotated[Path, typer.Argument(help="File or folder: WebBrain-Raw chunks, a MediaWiki dump, or articles.")],
    output: Annotated[Path, typer.Option(help="Folder of the dataset.")],
    kind: Annotated[Literal["raw", "wiki", "articles"], typer.Option(help="What the source is.")],
    evidence: Annotated[
        Literal["gold", "retrieved", "both"], typer.Option(help="Supporting passages, retrieved ones, or both.")
    ] = "gold",
    retriever: Annotated[Literal["bm25", "hybrid"], typer.Option(help="Ranks the evidence of a title.")] = "bm25",
    rho: Annotated[float, typer.Option(help="Term recall above which a passage supports a sentence.")] = 0.3,
    passage_tokens: Annotated[int, typer.Option(help="Words and punctuation marks in a supporting passage.")] = 256,
    references: Annotated[int, typer.Option(help="References of an example, at most.")] = 5,
    dev_share: Annotated[float, typer.Option(help="Share of the titles for development.")] = 0.03,
    test_share: Annotated[float, typer.Option(help="Share of the titles for testing.")] = 0.03,
    licence: Annotated[str, typer.Option(help="Licence of the source, for the data card.")] = "not stated",
    seed: Annotated[int, typer.Option(help="Of the order of references and of the negatives.")] = 0,
    shard_pages: Annotated[int, typer.Option(help="Pages in a shard; bounds the memory.")] = 500,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    json: JsonOption = False,
) -> None:
    """Make WebBrain-G and WebBrain-R data. A killed build goes on when the same command is run again."""
    from dataclasses import asdict

    from webbrain.terminal import BuildBars

    from .build import build_dataset
    from .settings import DatasetSettings

    settings = DatasetSettings(
        kind=kind,
        evidence=evidence,
        retriever=retriever,
        rho=rho,
        passage_tokens=passage_tokens,
        references=references,
        dev_share=dev_share,
        test_share=test_share,
        licence=licence,
        seed=seed,
        shard_pages=shard_pages,
    )
    with BuildBars() as bars:
        report = build_dataset(source, output, settings, workers=workers, progress=bars, bar=bars.count)
    counts = report.counts
    say(f"{sum(counts.get(f'examples/{split}', 0) for split in ('train', 'dev', 'test')):,} examples in {output}")
    if json:
        print_json(asdict(report))


@app.command("pack")
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder of the dataset.")],
    output: Annotated[Path, typer.Option(help="Folder of the packed data.")],
    tokenizer: Annotated[str | None, typer.Option(help="tokenizer.json, a folder with one, or a model.")] = None,
    input_tokens: Annotated[int, typer.Option(help="Tokens of a reference, at most.")] = 256,
    target_tokens: Annotated[int, typer.Option(help="Tokens of a target, at most.")] = 512,
    references: Annotated[int, typer.Option(help="References of an example, at most.")] = 5,
    min_recall: Annotated[float, typer.Option(help="A sentence of less term recall counts as unsupported.")] = 0.0,
    unsupported: Annotated[
        Literal["mark", "drop"], typer.Option(help="Mark unsupported sentences [0], or leave them out.")
    ] = "mark",
    part_bytes: Annotated[int, typer.Option(help="Bytes of tokens in a part, about.")] = 50_000_000,
    sets: Annotated[str, typer.Option(help='Sets to pack, parted by spaces ("train dev gaps"); all by default.')] = "",
    json: JsonOption = False,
) -> None:
    """Turn a dataset into token ids, ready to train on. A killed packing goes on behind its last finished set."""
    from webbrain.models import DEFAULT_ENCODER
    from webbrain.terminal import BuildBars

    from .pack import PackSettings, pack_dataset

    settings = PackSettings(input_tokens, target_tokens, references, min_recall, unsupported, part_bytes)
    with BuildBars() as bars:
        manifest = pack_dataset(
            folder, output, tokenizer or DEFAULT_ENCODER, settings, sets.split(), bars.note, bars.count
        )
    total = sum(entry["bytes"] for entry in manifest["files"].values())
    say(f"{len(manifest['sets'])} sets, {total / 1e6:,.0f} MB in {output}")
    if json:
        print_json(manifest)


@app.command("describe")
def describe(
    folder: Annotated[Path, typer.Argument(help="Folder of the dataset.")],
    plots: Annotated[Path | None, typer.Option(help="Folder for histograms as SVG.")] = None,
    json: JsonOption = False,
) -> None:
    """What a dataset holds: counts, rejects by reason, statistics."""
    from .card import statistics_table
    from .describe import describe as describe_dataset
    from .describe import write_plots

    found = describe_dataset(folder)
    if plots:
        say(f"{len(write_plots(found, plots))} plots in {plots}")
    if json:
        print_json(found)
        return
    for name, number in found["counts"].items():
        print(f"{name:40} {number:,}")
    print(statistics_table(found["sets"]))
