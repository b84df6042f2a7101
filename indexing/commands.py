"""`webbrain index add|update|remove|compact`: the part of the command table that changes an index, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from webbrain.errors import ConfigError, CorpusError
from webbrain.terminal import print_json, say

if TYPE_CHECKING:
    from .update import ChangeReport

app = typer.Typer(rich_markup_mode=None)

Corpus = Annotated[Path, typer.Argument(help="File or folder: .jsonl .txt .md .html .warc .wet .xml, gzipped or not.")]
Output = Annotated[Path, typer.Option(help="Folder of the index.")]
Folder = Annotated[Path, typer.Argument(help="Folder of the index.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Encoding threads; all cores by default.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that prepare the documents; all cores where it pays by default.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.command("add")
def add(corpus: Corpus, output: Output, threads: Threads = None, workers: Workers = None, json: Json = False) -> None:
    """Add documents to an index; one whose id it has takes the old one's place. Readers go on undisturbed."""
    from webbrain.terminal import BuildBars

    from .update import add

    with BuildBars() as progress:
        report = add(corpus, output, threads=threads, workers=workers, progress=progress)
    _tell(report, json)


@app.command("update")
def update(
    corpus: Corpus, output: Output, threads: Threads = None, workers: Workers = None, json: Json = False
) -> None:
    """Make an index that of its corpus as it is now; what did not change costs only a hash."""
    from webbrain.terminal import BuildBars

    from .update import update

    with BuildBars() as progress:
        report = update(corpus, output, threads=threads, workers=workers, progress=progress)
    _tell(report, json)


@app.command("remove")
def remove(
    folder: Folder,
    doc_ids: Annotated[list[str] | None, typer.Argument(metavar="[DOC_ID]...", help="Documents to remove.")] = None,
    ids: Annotated[Path | None, typer.Option(help="File of more ids, one a line.")] = None,
    ignore_missing: Annotated[
        bool, typer.Option("--ignore-missing", help="Pass over ids that the index does not have.")
    ] = False,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Remove documents from an index by id. A page that was folded into one of them comes back in its place."""
    from webbrain.terminal import BuildBars

    from .update import remove

    wanted = [*(doc_ids or []), *(_read_ids(ids) if ids else [])]
    if not wanted:
        raise ConfigError("no document is named; give ids, or --ids FILE with one a line")
    with BuildBars() as progress:
        report = remove(folder, wanted, ignore_missing=ignore_missing, threads=threads, progress=progress)
    _tell(report, json)


@app.command("compact")
def compact(folder: Folder, json: Json = False) -> None:
    """Drop the dead rows of an index and merge its small shards; nothing is encoded again."""
    from webbrain.terminal import BuildBars

    from .compact import compact

    with BuildBars() as progress:
        report = compact(folder, progress=progress)
    _tell(report, json)


def _read_ids(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"cannot be read ({error}); give a UTF-8 file with one id a line", path) from error
    return [line.strip() for line in lines if line.strip()]


def _tell(report: ChangeReport, json: bool) -> None:
    """The summary on stderr; the report on stdout."""
    from dataclasses import asdict

    counts, totals = report.counts, report.totals
    parts = [f"{number:,} {what}" for what, number in counts.items()]
    waiting = totals.get("deleted_passages", 0)
    say(", ".join(parts))
    say(
        f"the index holds {totals['documents']:,} documents, {totals['passages']:,} passages"
        + (f"; {waiting:,} dead ones wait for `webbrain index compact {report.index}`" if waiting else "")
    )
    if report.lost:
        say(
            f"{len(report.lost)} pages that were folded into others went with them: {', '.join(report.lost[:20])}; "
            f"`webbrain index update CORPUS --output {report.index}` brings them back"
        )
    if json:
        print_json(asdict(report))
