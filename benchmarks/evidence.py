"""Gold against retrieved evidence, and 0 to 5 references, over `wikigenbench`: means with intervals, gaps, tests.

    python benchmarks/evidence.py [--index DIR] [--writer NAME] [--retriever NAME] [--titles N] [--report FILE.html]

Gold evidence is what the Wikipedia article cites (`kind` = reference: lower-cased, noisy pages); retrieved evidence is
what the whole corpus holds, cleaner search results among it. Runs lie in `.bench/evidence/`; a killed benchmark goes on
with --resume.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import get_args

from data import CACHE, DATA, require_data, rows

from eval.compare import compare_runs
from eval.compare_tables import comparison_lines
from eval.report import gather, write_report
from webbrain.batch import RunSettings, run_batch
from webbrain.records import read_queries
from webbrain.store.index import Index
from webbrain.terminal import count_bar
from webbrain.writing.modes import EvidenceMode, Source

REFERENCES_USED = (0, 1, 2, 3, 4, 5, None)
MEASURES = "rouge grounding numbers dates names coverage length abstention"
SHOWN = ("ROUGE-1", "ROUGE-2", "ROUGE-L", "citation_recall", "number precision", "name precision", "words", "abstained")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, default=CACHE / "wikigenbench", help="built by benchmarks/writing.py")
    parser.add_argument("--writer")
    parser.add_argument("--retriever")
    parser.add_argument("--titles", type=int, help="only the first N titles")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on with the runs of a killed benchmark")
    parser.add_argument("--report", type=Path, help="write the report of retrieved against gold evidence here")
    arguments = parser.parse_args()
    require_data()
    folder = CACHE / "evidence" / Index.open(arguments.index).manifest.build_id
    folder.mkdir(parents=True, exist_ok=True)
    _write_inputs(folder, arguments.titles)
    runs = {
        (source, most): _run(folder, arguments, EvidenceMode(source, most))
        for source in get_args(Source)
        for most in REFERENCES_USED
    }
    _print_series(folder, runs)
    whole = [runs["retrieved", None], runs["gold", None]]
    print()
    print("\n".join(comparison_lines(compare_runs(whole, references=folder / "references.jsonl", measures=MEASURES))))
    if arguments.report:
        references, qrels = folder / "references.jsonl", folder / "qrels.tsv"
        write_report(gather(whole[0], against=whole[1], references=references, qrels=qrels), arguments.report)


def _write_inputs(folder: Path, titles: int | None) -> None:
    """Queries, leads and judgements of the first titles, as the command line reads them."""
    articles = list(rows(DATA / "wikigenbench/articles.jsonl.gz"))[:titles]
    documents = [row for row in rows(DATA / "wikigenbench/documents.jsonl.gz") if row["kind"] == "reference"]
    texts = {
        "queries.jsonl": (json.dumps({"id": row["id"], "text": row["title"]}) for row in articles),
        "references.jsonl": (json.dumps({"id": row["id"], "lead": row["lead"]}) for row in articles),
        "qrels.tsv": (f"{row['article']}\t{row['id']}\t1" for row in documents),
    }
    for name, lines in texts.items():
        (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _run(folder: Path, arguments: argparse.Namespace, mode: EvidenceMode) -> Path:
    output = folder / f"{mode.source}-{'all' if mode.references_used is None else mode.references_used}.jsonl"
    if not arguments.resume:
        output.unlink(missing_ok=True)
    settings = RunSettings(
        "write",
        arguments.index,
        retriever=arguments.retriever,
        writer=arguments.writer,
        evidence=mode,
        qrels=folder / "qrels.tsv" if mode.source == "gold" else None,
    )
    queries = list(read_queries(folder / "queries.jsonl"))
    done = run_batch(settings, queries, output, resume=True, workers=arguments.workers)
    for _ in count_bar(done, len(queries), output.stem):
        pass
    return output


def _print_series(folder: Path, runs: dict[tuple[Source, int | None], Path]) -> None:
    found = compare_runs(list(runs.values()), references=folder / "references.jsonl", measures=MEASURES)
    print("| evidence | references used | " + " | ".join(SHOWN) + " |")
    print("|---" * (len(SHOWN) + 2) + "|")
    for (source, most), run in zip(runs, found.runs, strict=True):
        means = {scores.name: scores.summary().value for scores in run.evaluation.scores}
        cells = ("-" if means[name] is None else f"{means[name]:.3f}" for name in SHOWN)
        print(f"| {source} | {'all' if most is None else most} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
