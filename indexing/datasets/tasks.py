"""What a worker does with one shard: records to pages, and pages to examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from webbrain.analysis import Analyzer

from ..read.records import RawRecord
from .evidence import Searcher, open_searcher
from .examples import Built, build_example
from .lead import TargetSentence
from .pages import EvidenceDocument, Page
from .settings import DatasetSettings
from .sources import read_record
from .splits import split_of
from .stage import ShardFiles, read_receipt, read_rows, shard_path

PAGES, DOCUMENTS, REJECTS, EXAMPLES = "pages", "documents", "rejects", "examples"


@dataclass(frozen=True, slots=True)
class PagesTask:
    """Records of one shard, to be read into `folder/pages` and `folder/documents`."""

    folder: Path
    number: int
    records: tuple[RawRecord, ...]
    settings: DatasetSettings


@dataclass(frozen=True, slots=True)
class ExamplesTask:
    """A shard of pages, to become examples with evidence from `index`."""

    folder: Path
    number: int
    index: Path
    settings: DatasetSettings


def make_pages(task: PagesTask) -> int:
    """Write the shard's pages, evidence documents and rejects; returns the number of records."""
    analyzer = _analyzer()
    with (
        ShardFiles(task.folder / PAGES, task.number, (PAGES, REJECTS)) as shard,
        ShardFiles(task.folder / DOCUMENTS, task.number, (DOCUMENTS,)) as documents,
    ):
        for record in task.records:
            read = read_record(record, task.settings, analyzer)
            shard.counts["records"] += 1
            shard.counts.update({f"sentence/{reason}": count for reason, count in read.dropped.items()})
            for reject in read.rejects:
                shard.counts[f"reject/{reject.reason}"] += 1
                shard.write(REJECTS, asdict(reject))
            if read.page is not None:
                _write_page(read.page, shard, documents)
    return len(task.records)


def make_examples(task: ExamplesTask) -> int:
    """Write the shard's examples and rejects; returns the number of pages."""
    searcher = open_searcher(task.index, task.settings)
    pages = 0
    with ShardFiles(task.folder / EXAMPLES, task.number, (EXAMPLES, REJECTS)) as shard:
        for place, page in enumerate(read_pages(task.folder, task.number)):
            pages += 1
            if page.sentences:
                _write_example(place, page, build_example(page, searcher), shard, searcher)
    return pages


def read_pages(folder: Path, number: int) -> Iterator[Page]:
    """Pages of a finished shard with their documents."""
    documents = read_rows(shard_path(folder / DOCUMENTS, number, DOCUMENTS))
    for row in read_rows(shard_path(folder / PAGES, number, PAGES)):
        own = [next(documents) for _ in range(row["documents"])]
        yield Page(
            row["id"],
            row["title"],
            row["url"],
            tuple(TargetSentence(text, tuple(marks)) for text, marks in row["sentences"]),
            tuple(EvidenceDocument(one["id"], one["title"], one["text"], one["url"], one["number"]) for one in own),
        )


def pages_done(folder: Path, number: int) -> bool:
    return all(read_receipt(folder / name, number) for name in (PAGES, DOCUMENTS))


def _write_page(page: Page, shard: ShardFiles, documents: ShardFiles) -> None:
    shard.counts["pages"] += 1
    sentences = [[sentence.text, sentence.marks] for sentence in page.sentences]
    row = {"id": page.page_id, "title": page.title, "url": page.url, "sentences": sentences}
    shard.write(PAGES, {**row, "documents": len(page.documents)})
    for one in page.documents:
        documents.counts["documents"] += 1
        head = {"id": one.doc_id, "title": one.title, "url": one.url, "number": one.number}
        documents.write(DOCUMENTS, {**head, "text": one.text})


def _write_example(place: int, page: Page, built: Built, shard: ShardFiles, searcher: Searcher) -> None:
    if built.reason or built.gold is None:
        shard.counts[f"reject/{built.reason}"] += 1
        shard.write(REJECTS, {"doc_id": page.page_id, "title": page.title, "reason": built.reason})
        return
    row = {
        "place": place,
        "split": split_of(page.title, searcher.settings),
        "gold": built.gold.as_json(),
        "retrieved": built.retrieved.as_json() if built.retrieved else None,
        "supports": [[one.doc_id, one.window.start, one.window.end] for one in built.supports],
        "negative_rows": built.negative_rows,
    }
    shard.write(EXAMPLES, row)


@lru_cache(maxsize=1)
def _analyzer() -> Analyzer:
    """One a process: it remembers stems."""
    return Analyzer()
