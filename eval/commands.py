"""`webbrain evaluate ...`: the part of the command table that scores runs; parse, call, print, as in cli.py."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from webbrain.errors import ConfigError
from webbrain.terminal import print_json, say

app = typer.Typer(help="Score runs, with the queries they miss counted.", no_args_is_help=True, rich_markup_mode=None)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
PerQueryOption = Annotated[bool, typer.Option("--per-query", help="Give the scores of each query too.")]
FailUnderOption = Annotated[list[str] | None, typer.Option(help='Exit code 4 if a mean is lower: "nDCG@10=0.5".')]
ArticlesArgument = Annotated[Path, typer.Argument(help="Articles of `run --task write`; - is stdin.")]
ReferencesOption = Annotated[Path, typer.Option(help="JSONL of id and text, lead, reference or references.")]
MaybeReferencesOption = Annotated[Path | None, typer.Option(help="Reference texts: JSONL of id and text or lead.")]
ScorerOption = Annotated[str | None, typer.Option(help="Support scorer; the one that `write` uses by default.")]
CalibrationOption = Annotated[Path | None, typer.Option(help="A cut of `webbrain evaluate calibrate`.")]
QueriesOption = Annotated[Path | None, typer.Option(help="All queries of the run, to count those it misses.")]


class Result(Protocol):
    """What every evaluation can do: tell itself as JSON, and say where it falls short."""

    def as_json(self, *, per_query: bool = False) -> dict[str, Any]: ...

    def misses(self, bounds: list[str]) -> list[str]: ...


@app.command("retrieval")
def retrieval(
    run: Annotated[Path, typer.Argument(help="TREC run; - is stdin.")],
    qrels: Annotated[Path, typer.Option(help="Judgements: TREC qrels, or TSV of query, doc, grade.")],
    measures: Annotated[
        str, typer.Option(help="Measures as in ir_measures, parted by spaces.")
    ] = "nDCG@10 RR@10 AP P@10 R@100",
    per_query: PerQueryOption = False,
    fail_under: FailUnderOption = None,
    json: JsonOption = False,
) -> None:
    """Score a ranking; a judged query that the run lacks scores 0 and is counted."""
    from .retrieval import evaluate_retrieval

    _show_evaluation(evaluate_retrieval(run, qrels, measures), per_query, fail_under, json)


@app.command("text")
def text(
    run: ArticlesArgument,
    references: ReferencesOption,
    measures: Annotated[
        str, typer.Option(help="Measures parted by spaces; a wrong name lists them all.")
    ] = "bleu meteor rouge cider bertscore refer length abstention",
    per_query: PerQueryOption = False,
    fail_under: FailUnderOption = None,
    json: JsonOption = False,
) -> None:
    """Score articles against reference texts; a query that the run lacks scores 0 where that has a meaning."""
    from .text import evaluate_text

    _show_evaluation(evaluate_text(run, references, measures), per_query, fail_under, json)


@app.command("citations")
def citations(
    run: ArticlesArgument,
    scorer: ScorerOption = None,
    calibration: CalibrationOption = None,
    queries: QueriesOption = None,
    per_query: PerQueryOption = False,
    fail_under: FailUnderOption = None,
    json: JsonOption = False,
) -> None:
    """Citation recall and precision as in ALCE, by a named support scorer, with copying and length beside them."""
    from .facts import evaluate_citations

    found = evaluate_citations(run, scorer=scorer, calibration=calibration, queries=queries)
    _show_evaluation(found, per_query, fail_under, json)


@app.command("facts")
def facts(
    run: ArticlesArgument,
    scorer: ScorerOption = None,
    calibration: CalibrationOption = None,
    queries: QueriesOption = None,
    per_query: PerQueryOption = False,
    fail_under: FailUnderOption = None,
    json: JsonOption = False,
) -> None:
    """Support rate, number, date and name precision, copying, repetition, abstentions and length of articles."""
    from .facts import evaluate_facts

    found = evaluate_facts(run, scorer=scorer, calibration=calibration, queries=queries)
    _show_evaluation(found, per_query, fail_under, json)


@app.command("support")
def support(
    pairs: Annotated[Path, typer.Option(help='JSONL of "id", "source", "claim"; - is stdin.')],
    scorer: ScorerOption = None,
    calibration: CalibrationOption = None,
    json: JsonOption = False,
) -> None:
    """Score claims against their sources, to check the checker."""
    from webbrain.grounding.scorers import make_scorer
    from webbrain.terminal import count_bar

    from .support import check_pairs, read_pairs

    found, checker = list(read_pairs(pairs)), make_scorer(scorer, calibration)
    rows = list(count_bar(check_pairs(found, checker), len(found), f"checking with {checker.name}"))
    if json:
        print_json({"scorer": checker.name, "pairs": rows})
        return
    for row in rows:
        print(f"{row['id']}\t{row['score']:.3f}\t{row['label']}\t{'; '.join(row['reasons'])}")


@app.command("calibrate")
def calibrate(
    pairs: Annotated[Path, typer.Option(help='JSONL of "id", "source", "claim", "label"; - is stdin.')],
    output: Annotated[Path | None, typer.Option(help="File for the cut, for --calibration.")] = None,
    scorer: ScorerOption = None,
    json: JsonOption = False,
) -> None:
    """Fit the score from which on a claim counts as supported to your own labels."""
    from dataclasses import asdict

    from webbrain.grounding.scorers import make_scorer

    from .support import calibrate as fit_cut
    from .support import read_pairs

    found = fit_cut(list(read_pairs(pairs, labelled=True)), make_scorer(scorer))
    if output is not None:
        found.save(output)
        say(f"cut and calibration of {found.scorer} in {output}; use it with --calibration {output}")
    if json:
        print_json(asdict(found))
        return
    fit = f"balanced accuracy {found.balanced_accuracy:.3f} on the {found.pairs} pairs it was fitted on"
    print(f"cut {found.cut:.3f}, {fit}")


@app.command("compare")
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two runs or more; each is compared with the first.")],
    qrels: Annotated[Path | None, typer.Option(help="Judgements: the runs are rankings.")] = None,
    references: MaybeReferencesOption = None,
    measures: Annotated[str | None, typer.Option(help="Measures parted by spaces; those that fit by default.")] = None,
    per_query: PerQueryOption = False,
    fail_under: FailUnderOption = None,
    json: JsonOption = False,
) -> None:
    """Compare runs: intervals, paired randomisation tests with Holm's correction, gold against retrieved evidence."""
    from .compare import compare_runs
    from .compare_tables import comparison_lines

    found = compare_runs(runs, qrels=qrels, references=references, measures=measures)
    _show(found, comparison_lines(found, per_query=per_query), per_query, fail_under, json)


@app.command("report")
def report(
    run: Annotated[Path, typer.Argument(help="Articles of `run --task write`.")],
    output: Annotated[list[Path], typer.Option(help="report.html, .md or .json; repeatable.")],
    references: MaybeReferencesOption = None,
    qrels: Annotated[Path | None, typer.Option(help="Judgements, to judge the cited documents.")] = None,
    against: Annotated[Path | None, typer.Option(help="Another run, to show the differences.")] = None,
    labels: Annotated[Path | None, typer.Option(help="People's labels, to show the scorer's reliability.")] = None,
    scorer: ScorerOption = None,
    calibration: CalibrationOption = None,
    measures: Annotated[str | None, typer.Option(help="Measures against the references, parted by spaces.")] = None,
    fail_under: FailUnderOption = None,
    json: JsonOption = False,
) -> None:
    """Write a report of a run: scores with intervals, plots, every article with its evidence, in one file."""
    from .report import FORMS, gather, write_report

    for path in output:
        if path.suffix.lower() not in FORMS:
            raise ConfigError(f"a report ends in one of {', '.join(FORMS)}; mend --output {path}")
    paths = {"references": references, "qrels": qrels, "against": against, "labels": labels, "calibration": calibration}
    found = gather(run, **paths, scorer=scorer, measures=measures)
    for path in output:
        write_report(found, path)
        say(f"report of {len(found.items)} queries in {path}")
    if json:
        print_json(found.as_json())
    _stop_if_short(found.run.evaluation.misses(fail_under or []))


def _show_evaluation(found: Any, per_query: bool, fail_under: list[str] | None, json: bool) -> None:
    from .tables import evaluation_lines

    _show(found, evaluation_lines(found, per_query=per_query), per_query, fail_under, json)


def _show(found: Result, lines: Iterable[str], per_query: bool, fail_under: list[str] | None, json: bool) -> None:
    """Print as JSON or as lines; exit code 4 when it falls short of a bound."""
    short = found.misses(fail_under or [])
    if json:
        print_json(found.as_json(per_query=per_query))
    else:
        print("\n".join(lines))
    _stop_if_short(short)


def _stop_if_short(short: list[str]) -> None:
    """Exit code 4 when anything falls short of a bound."""
    for message in short:
        say(message)
    if short:
        raise typer.Exit(4)
