"""The command table: parse, call, print. Heavy imports live inside the commands, so `webbrain --help` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from webbrain.__main__ import part
from webbrain.errors import ConfigError
from webbrain.search_commands import app as retrieval_app
from webbrain.search_options import (
    BudgetOption,
    RecallOption,
    RerankOption,
    RetrieverOption,
    search_hits,
    with_reranker,
)
from webbrain.terminal import print_json, say
from webbrain.training.commands import app as train_app

if TYPE_CHECKING:
    from webbrain.protocols import Retriever
    from webbrain.store.index import Index
    from webbrain.types import Article, ScoredPassage

app = typer.Typer(
    name="webbrain",
    help="Ask a corpus a question, get a short article in which every sentence is cited and checked.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
index_app = typer.Typer(help="Build, change, inspect and check an index.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(index_app, name="index")
index_app.add_typer(part("indexing.commands").app)
index_app.add_typer(part("indexing.scale_commands").app)
app.add_typer(part("indexing.datasets.commands").app, name="dataset")
app.add_typer(part("eval.commands").app, name="evaluate")
app.add_typer(train_app, name="train")
app.add_typer(retrieval_app)

IndexOption = Annotated[Path, typer.Option("--index", help="Folder of the index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
WriterOption = Annotated[str | None, typer.Option(help="Who writes; `webbrain doctor` lists the writers.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Model of the writer: a folder or a name.")]
ScorerOption = Annotated[
    str | None,
    typer.Option(help="Who checks the sentences: tier1 by default, exact, joint:MODEL, nli:MODEL, judge:MODEL."),
]
PassagesOption = Annotated[int, typer.Option("-k", min=1, help="How many to return.")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        import webbrain

        print(f"webbrain {webbrain.__version__}")
        raise typer.Exit


@index_app.command("build")
def index_build(
    corpus: Annotated[
        Path, typer.Argument(help="File or folder: .jsonl .txt .md .html .warc .wet .xml, gzipped or not.")
    ],
    output: Annotated[Path, typer.Option(help="Folder of the index.")],
    encoder: Annotated[str | None, typer.Option(help="Model name or folder of a BERT encoder.")] = None,
    dense: Annotated[
        Literal["auto", "exact", "ivf"], typer.Option(help="Search all vectors, or in lists of them; by their number.")
    ] = "auto",
    no_dense: Annotated[bool, typer.Option("--no-dense", help="Make no vectors.")] = False,
    precision: Annotated[Literal["int8", "fp32"], typer.Option(help="Arithmetic of the encoder.")] = "int8",
    duplicates: Annotated[Literal["fold", "keep"], typer.Option(help="Fold near-duplicate pages into one.")] = "fold",
    target_words: Annotated[int, typer.Option(min=10, help="Words in a passage.")] = 110,
    stemmer: Annotated[str, typer.Option(help="Snowball stemmer, or none.")] = "english",
    shard_passages: Annotated[int, typer.Option(min=1, help="Passages in a shard; bounds the memory.")] = 50_000,
    threads: Annotated[int | None, typer.Option(min=1, help="Encoding threads; all cores by default.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that prepare the documents; all cores where it pays.")
    ] = None,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where passages are encoded.")] = "cpu",
    sparse: Annotated[str | None, typer.Option(help="Add a learned-sparse part by this model (a folder).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Build even when nothing changed.")] = False,
    json: JsonOption = False,
) -> None:
    """Index a corpus. A killed build goes on where it stopped when the same command is run again."""
    from dataclasses import asdict

    from webbrain.terminal import BuildBars

    settings = part("indexing.settings").BuildSettings.from_options(
        target_words=target_words,
        stemmer=stemmer,
        encoder=encoder,
        no_dense=no_dense,
        precision=precision,
        dense_kind=dense,
        duplicates=duplicates,
        shard_passages=shard_passages,
    )
    with BuildBars() as progress:
        report = part("indexing.build").build(
            corpus, output, settings, threads=threads, workers=workers, device=device, force=force, progress=progress
        )
        if sparse:
            part("indexing.sparse").add_sparse(output, sparse, precision=precision, threads=threads, progress=progress)
    totals = report.totals
    say(
        f"{totals['documents']:,} documents, {totals['passages']:,} passages in {totals['shards']} shards; "
        f"{totals['duplicates']:,} duplicates folded, {totals['rejects']:,} rejected (see rejects.jsonl in the build)"
        + (f", {totals['skipped']:,} skipped as no pages" if totals["skipped"] else "")
        + "".join(f"; peak memory {who} {size / 1e6:,.0f} MB" for who, size in report.peak_memory.items() if size)
    )
    if json:
        print_json(asdict(report))


@index_app.command("sparse")
def index_sparse(
    folder: Annotated[Path, typer.Argument(help="Folder of the index.")],
    model: Annotated[str, typer.Option(help="Folder of a sparse model.")],
    precision: Annotated[Literal["int8", "fp32"], typer.Option(help="Arithmetic of the encoder.")] = "int8",
    threads: Annotated[int, typer.Option(min=1, help="Encoding threads.")] = 1,
) -> None:
    """Give an index a learned-sparse part; shards that have it keep it. A killed run goes on when run again."""
    from webbrain.terminal import BuildBars

    with BuildBars() as progress:
        part("indexing.sparse").add_sparse(folder, model, precision=precision, threads=threads, progress=progress)


@index_app.command("info")
def index_info(folder: Annotated[Path, typer.Argument(help="Folder of the index.")], json: JsonOption = False) -> None:
    """What an index holds and how it was made."""
    from webbrain.store.info import describe

    found = describe(folder)
    if json:
        print_json(found)
        return
    for key, value in found.items():
        print(f"{key:18} {value}")


@index_app.command("verify")
def index_verify(
    folder: Annotated[Path, typer.Argument(help="Folder of the index.")],
    full: Annotated[bool, typer.Option("--full", help="Re-hash every file.")] = False,
    corpus: Annotated[Path | None, typer.Option(help="Check that it is the index of this corpus as it is now.")] = None,
    json: JsonOption = False,
) -> None:
    """Check an index; exit code 3 when something is wrong."""
    from webbrain.store.verify import verify

    problems = verify(folder, full=full)
    if corpus and not problems:
        problems = part("indexing.freshness").staleness(folder, corpus)
    if json:
        print_json({"index": str(folder), "full": full, "ok": not problems, "problems": problems})
    for problem in problems:
        say(problem)
    if problems:
        raise typer.Exit(3)
    say(f"{folder}: sound{' (every file re-hashed)' if full else ''}")


@index_app.command("gc")
def index_gc(folder: Annotated[Path, typer.Argument(help="Folder of the index.")], json: JsonOption = False) -> None:
    """Delete builds that are no longer, or not yet, the current one."""
    deleted = part("indexing.publish").collect_garbage(folder)
    say(f"deleted {len(deleted)} builds")
    if json:
        print_json({"index": str(folder), "deleted": deleted})


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for; - reads it from stdin.")],
    index: IndexOption,
    k: PassagesOption = 10,
    retriever: RetrieverOption = None,
    rerank: RerankOption = None,
    rerank_budget: BudgetOption = 0.2,
    recall: RecallOption = None,
    json: JsonOption = False,
) -> None:
    """Print the best passages of the corpus for a query."""
    text = _query_text(query)
    found = search_hits(_retriever(index, with_reranker(retriever, rerank, rerank_budget), recall), text, k)
    if json:
        print_json({"query": text, "hits": [_hit(item) for item in found]})
        return
    from webbrain.terminal import print_hits

    print_hits(found)


@app.command()
def write(
    query: Annotated[str, typer.Argument(help="Title or question; - reads it from stdin.")],
    index: IndexOption,
    writer: WriterOption = None,
    model: ModelOption = None,
    scorer: ScorerOption = None,
    retriever: RetrieverOption = None,
    rerank: RerankOption = None,
    rerank_budget: BudgetOption = 0.2,
    recall: RecallOption = None,
    form: Annotated[Literal["md", "html", "json"], typer.Option("--format", help="How to print the article.")] = "md",
    json: JsonOption = False,
) -> None:
    """Write a short article in which every sentence is cited and checked."""
    from webbrain.writing.render import render

    text = _query_text(query)
    retriever = with_reranker(retriever, rerank, rerank_budget)
    article = _article_writer(_open(index, recall), retriever, _specification(writer, model), scorer)(text)
    print(render(article, "json" if json else form))


@app.command()
def run(
    task: Annotated[Literal["search", "write"], typer.Option(help="What to do with each query.")],
    queries: Annotated[Path, typer.Option(help="JSONL or TSV of queries; - is stdin.")],
    index: IndexOption,
    output: Annotated[Path, typer.Option(help="TREC run for search, one article a line for write.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished output.")] = False,
    retriever: RetrieverOption = None,
    rerank: RerankOption = None,
    rerank_budget: BudgetOption = 0.2,
    recall: RecallOption = None,
    writer: WriterOption = None,
    model: ModelOption = None,
    scorer: ScorerOption = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Documents per query of a search run.")] = 1000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the work; the output is the same.")] = 1,
    evidence: Annotated[
        Literal["retrieved", "gold"], typer.Option(help="Write from what is found, or from the judged documents.")
    ] = "retrieved",
    qrels: Annotated[Path | None, typer.Option(help="Judgements, for --evidence gold.")] = None,
    references_used: Annotated[
        int | None, typer.Option(min=0, help="Most passages a writer gets; with 0 a grounded writer writes nothing.")
    ] = None,
) -> None:
    """Search or write for many queries; a killed run goes on with --resume."""
    from webbrain.batch import RunSettings, count_done, run_batch
    from webbrain.records import read_queries
    from webbrain.terminal import count_bar
    from webbrain.writing.modes import EvidenceMode

    mode = EvidenceMode(evidence, references_used)
    retriever = with_reranker(retriever, rerank, rerank_budget)
    settings = RunSettings(task, index, retriever, k, _specification(writer, model), mode, qrels, recall, scorer)
    # Counting first finds a malformed line before any work is done; stdin can be read once only.
    total = None if str(queries) == "-" else sum(1 for _ in read_queries(queries))
    done = run_batch(settings, read_queries(queries), output, resume=resume, workers=workers)
    begun = count_done(output, task) if resume else 0
    finished = sum(1 for _ in count_bar(done, total, task, begun=begun))
    before = "" if total is None else f", {total - finished} before"
    say(f"{finished} queries done now{before}; output in {output}")


@app.command()
def serve(
    index: IndexOption,
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 is any free one.")] = 8080,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name that readers call this server by; repeatable.")
    ] = None,
    writer: WriterOption = None,
    model: ModelOption = None,
    scorer: ScorerOption = None,
    retriever: RetrieverOption = None,
    recall: RecallOption = None,
    readers: Annotated[int, typer.Option(min=1, help="Readers served or waiting at once; more are sent away.")] = 100,
) -> None:
    """Serve the page and the API. The token is WEBBRAIN_TOKEN, or a new one where one is needed and none is set."""
    hosts = tuple(allow_host or ())
    specification = _specification(writer, model)
    options = {"host": host, "port": port, "hosts": hosts, "readers": readers}
    _serve(_open(index, recall), retriever, specification, scorer, **options)


@app.command()
def doctor(
    index: Annotated[Path | None, typer.Option("--index", help="Check this index too.")] = None,
    json: JsonOption = False,
) -> None:
    """Check this installation: versions, models, writers, disk; and an index if one is named."""
    from webbrain.doctor import examine

    checks = examine(index)
    if json:
        print_json([check.as_json() for check in checks])
    else:
        for check in checks:
            print(f"{'ok  ' if check.ok else 'FAIL'} {check.name:22} {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


@app.command()
def demo(
    query: Annotated[str, typer.Argument(help="What to write about.")] = "Ada Lovelace",
    output: Annotated[Path | None, typer.Option(help="Folder of the demo index; a cache folder by default.")] = None,
    form: Annotated[Literal["md", "html", "json"], typer.Option("--format", help="How to print the article.")] = "md",
    serve: Annotated[bool, typer.Option("--serve", help="Open the page on the sample corpus instead.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 is any free one.")] = 8080,
) -> None:
    """Index the sample corpus that ships with WebBrain and write an article from it, or serve it."""
    from webbrain.samples import EXAMPLES, demo_index_folder, samples_folder
    from webbrain.terminal import BuildBars
    from webbrain.writing.render import render

    folder = output or demo_index_folder()
    with BuildBars() as progress:
        part("indexing.build").build(samples_folder() / "pages", folder, progress=progress)
    if serve:
        _serve(_open(folder), port=port, examples=EXAMPLES)
        return
    print(render(_article_writer(_open(folder))(query), form))
    say(f'\nTry: webbrain write "Marie Curie" --index {folder}')


def _query_text(query: str) -> str:
    text = sys.stdin.read() if query == "-" else query
    if not text.strip():
        raise ConfigError(
            'the query is empty; give some words, for example: webbrain search "Ada Lovelace" --index DIR'
        )
    return text.strip()


def _specification(writer: str | None, model: str | None) -> str | None:
    """What the writer registry takes: NAME or NAME:MODEL."""
    if model is not None and writer is None:
        raise ConfigError(f"--model {model} needs a writer; add --writer fid, compact or chat")
    return writer if model is None else f"{writer}:{model}"


def _open(folder: Path, recall: float | None = None) -> Index:
    from webbrain.store.index import Index

    return Index.open(folder, recall)


def _retriever(folder: Path, name: str | None, recall: float | None) -> Retriever:
    from webbrain.retrieval import make_retriever

    return make_retriever(_open(folder, recall), name)


def _article_writer(
    index: Index, retriever: str | None = None, writer: str | None = None, scorer: str | None = None
) -> Any:
    """A function from a query to its article, with everything loaded once."""
    from webbrain.writing.pipeline import ArticleWriter

    def write(query: str) -> Article:
        return pipeline.write(query)

    pipeline = ArticleWriter.over(index, retriever=retriever, writer=writer, scorer=scorer)
    return write


def _serve(
    index: Index, retriever: str | None = None, writer: str | None = None, scorer: str | None = None, **options: Any
) -> None:
    """Serve an index with the given ServerSettings until interrupted."""
    from webbrain.writing.pipeline import ArticleWriter

    try:
        from webbrain.server.serve import serve
        from webbrain.server.settings import ServerSettings
    except ModuleNotFoundError as error:
        raise ConfigError(f'serving needs {error.name}; run `pip install "webbrain[serve]"`') from error
    pipeline = ArticleWriter.over(index, retriever=retriever, writer=writer, scorer=scorer)
    serve(pipeline, ServerSettings.from_environment(**options), lambda page: say(f"{page}  (Ctrl-C stops)"))


def _hit(item: ScoredPassage) -> dict[str, Any]:
    passage = item.passage
    return {
        "rank": item.rank,
        "score": item.score,
        "passage_id": passage.passage_id,
        "doc_id": passage.doc_id,
        "title": passage.title,
        "url": passage.url,
        "text": passage.text,
    }


if __name__ == "__main__":
    from webbrain.__main__ import main

    main()
