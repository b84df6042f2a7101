"""`webbrain run`: many queries to one output file, resumable after a kill without losing or repeating a query.

Beside the output lies `<output>.provenance.json`: what the results depend on. A run goes on only with the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from webbrain.errors import ConfigError, CorpusError
from webbrain.facts import facts_of
from webbrain.grounding.scorers import DEFAULT_SCORER, make_scorer
from webbrain.protocols import Retriever
from webbrain.records import read_qrels, run_line, unescape_id
from webbrain.retrieval import make_retriever
from webbrain.retrieval.ranking import best_passage_per_document
from webbrain.store.index import Index
from webbrain.types import Query
from webbrain.workers import in_order
from webbrain.writing.modes import EvidenceMode, in_mode, rows_of_documents
from webbrain.writing.pipeline import DEFAULT_WRITER, ArticleWriter
from webbrain.writing.render import as_json
from webbrain.writing.writers import make_writer

Task = Literal["search", "write"]
Job = Callable[[Query], list[str]]

# Passages read per document wanted: a document counts once, at its best passage.
PASSAGES_PER_DOCUMENT = 4


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run does with each query; `k` is for "search", `writer` to `qrels` and `scorer` for "write"."""

    task: Task
    index: Path
    retriever: str | None = None
    k: int = 1000
    writer: str | None = None
    evidence: EvidenceMode = field(default_factory=EvidenceMode)
    qrels: Path | None = None
    recall: float | None = None
    scorer: str | None = None

    def check(self) -> None:
        """Raises ConfigError for settings that contradict each other."""
        if self.task == "search" and not self.evidence.is_default:
            raise ConfigError("--evidence and --references-used are for `run --task write`; leave them out")
        if self.task == "search" and self.scorer is not None:
            raise ConfigError("--scorer is for `run --task write`; leave it out")
        if self.evidence.source == "gold" and self.qrels is None:
            raise ConfigError("--evidence gold needs --qrels FILE, which names the documents judged relevant")
        if self.evidence.source != "gold" and self.qrels is not None:
            raise ConfigError("--qrels is for --evidence gold; add that, or leave --qrels out")


def run_batch(
    settings: RunSettings, queries: Iterable[Query], output: Path, *, resume: bool = False, workers: int = 1
) -> Iterator[Query]:
    """Append the results of the queries that `output` lacks, in the order of `queries`, whatever the number of workers.

    Yields each query when its lines are on disk. Queries are read as they are needed. Raises ConfigError when `output`
    exists and `resume` is off, or when it was begun with other settings or another index.
    """
    settings.check()
    if output.exists() and not resume:
        raise ConfigError(f"{output} exists; add --resume to go on with it, or give another --output")
    facts, now = Path(f"{output}.provenance.json"), provenance(settings)
    _refuse_other_settings(facts if output.exists() else None, now)
    done = _repair(output, settings.task) if output.exists() else set()
    _write_json(facts, now)
    todo = (query for query in queries if query.query_id not in done)
    with output.open("a", encoding="utf-8") as file:
        for query, lines in in_order(open_job, (settings,), todo, workers):
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
            yield query


def open_job(settings: RunSettings) -> Job:
    """Load everything that `settings` name, once; the function it returns gives the lines of a query."""
    index = Index.open(settings.index, settings.recall)
    if settings.task == "search":
        retriever = make_retriever(index, settings.retriever)
        return lambda query: search_lines(index, retriever, query, settings.k, f"webbrain-{retriever.name}")
    writer = ArticleWriter.over(index, retriever=settings.retriever, writer=settings.writer, scorer=settings.scorer)
    judged = _judged_rows(index, settings.qrels)
    return lambda query: [_article_line(writer, settings.evidence, judged, query)]


def search_lines(index: Index, retriever: Retriever, query: Query, k: int, tag: str) -> list[str]:
    """The lines of a TREC run of `k` documents; pages folded as duplicates follow the page they are in."""
    documents = best_passage_per_document(retriever.search(query.text, k * PASSAGES_PER_DOCUMENT))
    rows: list[tuple[str, float]] = []
    for hit in documents:
        rows.append((hit.passage.doc_id, hit.score))
        rows.extend((alias["doc_id"], hit.score) for alias in index.aliases.get(hit.passage.doc_id, ()))
    return [run_line(query.query_id, doc_id, rank, score, tag) for rank, (doc_id, score) in enumerate(rows[:k], 1)]


def run_search(
    index: Index, retriever: Retriever, queries: Iterable[Query], k: int, tag: str
) -> Iterator[tuple[Query, list[str]]]:
    """Each query with its `search_lines`."""
    for query in queries:
        yield query, search_lines(index, retriever, query, k, tag)


def provenance(settings: RunSettings) -> dict[str, Any]:
    """What the results of a run depend on, as JSON values."""
    import webbrain

    index = Index.open(settings.index)
    found: dict[str, Any] = {
        "webbrain": webbrain.__version__,
        "task": settings.task,
        "index": index.manifest.build_id,
        "encoder": (index.manifest.encoder or {}).get("name"),
        "encoder_sha256": (index.manifest.encoder or {}).get("weights_sha256"),
        "retriever": make_retriever(index, settings.retriever).name,
        "recall": settings.recall,
    }
    if settings.task == "search":
        return {**found, "k": settings.k}
    return {
        **found,
        "writer": settings.writer or DEFAULT_WRITER,
        "writer_settings": facts_of(make_writer(settings.writer or DEFAULT_WRITER, None)),
        "scorer": settings.scorer or DEFAULT_SCORER,
        "scorer_settings": facts_of(make_scorer(settings.scorer)),
        "evidence": settings.evidence.as_json(),
        "qrels": _digest(settings.qrels),
    }


def _article_line(writer: ArticleWriter, evidence: EvidenceMode, judged: dict[str, list[int]], query: Query) -> str:
    article = in_mode(writer, evidence, judged.get(query.query_id, ())).write(query.text)
    article = replace(article, provenance={**article.provenance, "evidence": evidence.as_json()})
    return json.dumps({"query_id": query.query_id, **as_json(article)}, ensure_ascii=False)


def _judged_rows(index: Index, qrels: Path | None) -> dict[str, list[int]]:
    """Per query the rows of the passages of the documents judged relevant to it."""
    if qrels is None:
        return {}
    relevant = [qrel for qrel in read_qrels(qrels) if qrel.relevance > 0]
    rows = rows_of_documents(index, {qrel.doc_id for qrel in relevant})
    judged: dict[str, list[int]] = {}
    for qrel in relevant:
        judged.setdefault(qrel.query_id, []).extend(rows[qrel.doc_id])
    return judged


def _digest(path: Path | None) -> str | None:
    if path is None:
        return None
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()


def _refuse_other_settings(path: Path | None, now: dict[str, Any]) -> None:
    """Raises ConfigError where the run that goes on depended on something else."""
    if path is None or not path.exists():
        return
    try:
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise CorpusError("this is no provenance of a run; give another --output", path) from error
    if "scorer" in now:
        before.setdefault("scorer", DEFAULT_SCORER)  # runs from before it could be chosen
    for name in ("writer_settings", "scorer_settings"):  # and from before these were kept
        if name in now:
            before.setdefault(name, now[name])
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        raise ConfigError(
            f"{path} says that the run was begun with other settings ({', '.join(changed)}); give another --output"
        )


def _write_json(path: Path, value: dict[str, Any]) -> None:
    partial = Path(f"{path}.partial")
    partial.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def count_done(output: Path, task: Task) -> int:
    """How many queries a run that goes on finds done in `output`; 0 where there is none."""
    return len(_done(output, task)[0]) if output.exists() else 0


def _repair(output: Path, task: Task) -> set[str]:
    """Query ids that are done, after cutting off what a kill left half-written."""
    done, keep = _done(output, task)
    os.truncate(output, keep)
    return done


def _done(output: Path, task: Task) -> tuple[set[str], int]:
    """Query ids that are done, and the bytes they take: without a torn line, and for a ranking its last query."""
    done: set[str] = set()
    keep = last_start = 0
    last = ""
    with output.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            query_id = _query_id(line, task, output, number)
            if query_id != last:
                last, last_start = query_id, keep
            done.add(query_id)
            keep += len(line)
    if task == "search" and last:
        keep = last_start
        done.discard(last)
    return done, keep


def _query_id(line: bytes, task: str, output: Path, number: int) -> str:
    try:
        return str(json.loads(line)["query_id"]) if task == "write" else unescape_id(line.split()[0].decode())
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CorpusError(f"no line of a `run --task {task}` output; give another --output", output, number) from error
