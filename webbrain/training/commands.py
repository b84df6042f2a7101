"""`webbrain train ...`: the part of the command table that trains; parse, call, print, as in cli.py."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from webbrain.__main__ import part
from webbrain.extras import needs
from webbrain.models import DEFAULT_ENCODER
from webbrain.terminal import print_json, say
from webbrain.training.retriever_commands import retriever

if TYPE_CHECKING:
    from webbrain.training.samples import Score
    from webbrain.training.settings import TrainSettings

app = typer.Typer(help="Train a writer or a retriever.", no_args_is_help=True, rich_markup_mode=None)
app.command("retriever")(retriever)


@app.command("writer")
def writer(
    data: Annotated[Path, typer.Option(help="Packed dataset (see `webbrain dataset pack`).")],
    output: Annotated[Path, typer.Option(help="Folder of the run; the writer will be in its folder `writer`.")],
    stage: Annotated[
        Literal["language", "warmup", "full", "all"], typer.Option(help="One stage, or all in order.")
    ] = "all",
    base: Annotated[str, typer.Option(help="BERT encoder (compact writer) or seq2seq model (fid).")] = DEFAULT_ENCODER,
    minutes: Annotated[float | None, typer.Option(help="Time for the whole run, export and samples included.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each stage, at most.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of each stage, at its highest.")] = None,
    train_encoder: Annotated[bool, typer.Option("--train-encoder", help="Train the encoder, and ship it.")] = False,
    copy: Annotated[bool, typer.Option("--copy/--no-copy", help="Whether the writer can copy source tokens.")] = True,
    layers: Annotated[int | None, typer.Option(min=1, help="Layers of a compact decoder.")] = None,
    weights: Annotated[str | None, typer.Option(help="An earlier run's best-full.safetensors, to go on from.")] = None,
    batch_tokens: Annotated[int, typer.Option(min=1, help="Padded tokens in a batch, at most.")] = 32_768,
    batch_examples: Annotated[int, typer.Option(min=1, help="Examples in a batch, at most.")] = 64,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches in a step.")] = 1,
    dev_every: Annotated[int, typer.Option(min=1, help="Steps between measurements and checkpoints.")] = 500,
    dev_examples: Annotated[int, typer.Option(min=1, help="Development examples of a measurement.")] = 400,
    precision: Annotated[Literal["no", "bf16"], typer.Option(help="Mixed precision.")] = "no",
    samples: Annotated[int, typer.Option(min=0, help="Development articles to write at the end.")] = 50,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    smoke: Annotated[bool, typer.Option("--smoke", help="A few steps of everything, to see that it works.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    parts: Annotated[Path | None, typer.Option(help="Pack writer and curve into parts under 16 MiB there.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Train a writer: language, warm-up, full task. A killed run goes on with --resume."""
    with needs("train"):
        from webbrain.training.run import train_writer
        from webbrain.training.settings import STAGES, TrainSettings

    settings = TrainSettings(
        base=base,
        copy=copy,
        frozen_encoder=not train_encoder,
        layers=layers,
        weights=weights,
        batch_tokens=batch_tokens,
        batch_examples=batch_examples,
        accumulate=accumulate,
        dev_every=dev_every,
        dev_examples=dev_examples,
        checkpoint_every=dev_every,
        precision=precision,
        write_examples=samples,
        minutes=minutes,
        seed=seed,
    )
    settings = _stages(settings.smoke() if smoke else settings, steps, learning_rate)
    stages = STAGES if stage == "all" else (stage,)
    report = train_writer(data, output, settings, stages=stages, resume=resume, score=_score(), note=say)
    if report is None:
        return
    if parts is not None:
        _pack_run(output, parts)
    if json:
        print_json(report)
    say(f"{report['examples']:,} examples in {report['seconds']:.0f} s ({report['stopped']}); see {output}/writer")


@app.command("pack")
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder to carry.")],
    output: Annotated[Path, typer.Option(help="Folder of the parts.")],
    part_mib: Annotated[int, typer.Option(min=1, help="MiB in a part, at most.")] = 15,
    only: Annotated[list[str] | None, typer.Option(help="Only files like this; repeatable.")] = None,
) -> None:
    """Compress a folder into parts of bounded size, with their digests."""
    from webbrain.training.parts import pack_parts

    paths = pack_parts(folder, output, part_mib << 20, tuple(only or ("*",)))
    say(f"{len(paths)} parts in {output}")


@app.command("unpack")
def unpack(
    folder: Annotated[Path, typer.Argument(help="Folder of the parts.")],
    output: Annotated[Path, typer.Option(help="Where the folder is put.")],
) -> None:
    """Put a folder together again from its parts; a missing or altered part is an error."""
    from webbrain.training.parts import join_parts

    say(f"{join_parts(folder, output)} is whole")


def _stages(settings: TrainSettings, steps: int | None, rate: float | None) -> TrainSettings:
    changed = {
        name: replace(stage, steps=steps or stage.steps, learning_rate=rate or stage.learning_rate)
        for name, stage in settings.stages.items()
    }
    return replace(settings, stages=changed)


def _score() -> Score | None:
    """ROUGE where it is installed; a machine that only trains can do without, and is told so."""
    if find_spec("rouge_score") is None:
        say("the samples get no scores here; run `pip install 'webbrain[eval]'` for them")
        return None
    return _rouge


def _rouge(texts: list[str], targets: list[str]) -> dict[str, float]:
    """Mean ROUGE F1 of written texts against their targets."""
    rouge = part("eval.measures.rouge")
    found = [rouge.rouge(text, [target]) for text, target in zip(texts, targets, strict=True)]
    kept = [scores for scores in found if scores is not None]
    return {kind: sum(scores[kind] for scores in kept) / len(kept) for kind in rouge.KINDS} if kept else {}


def _pack_run(output: Path, parts: Path) -> None:
    """What has to leave a machine that keeps nothing: the writer in parts, and what the run says of itself."""
    import shutil

    from webbrain.training.parts import pack_parts

    for old in parts.glob("writer.*"):
        old.unlink()
    pack_parts(output / "writer", parts)
    run = parts / "run"
    run.mkdir(parents=True, exist_ok=True)
    for name in ("report.json", "config.json", "curve.csv", "samples.jsonl"):
        if (output / name).exists():
            shutil.copyfile(output / name, run / name)
