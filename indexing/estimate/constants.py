"""Measured constants of the pipeline, each with what was measured and the command that measures it again.

Rates are per second of processor time of one core (an Intel Xeon with AVX-512 and AMX, two cores shared with other
work, Python 3.11): a quiet machine does better, and `webbrain index plan --measure` tells how it is on yours.
"""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE = "webbrain index plan --passages 1e6 --measure --corpus ../shared/data/articles/core.jsonl.gz"
INFO = "webbrain index info .bench/articles-bm25 --json"


@dataclass(frozen=True, slots=True)
class Constant:
    """`run` says what was measured, `command` how to do it again."""

    value: float
    unit: str
    run: str
    command: str


STATIC = "webbrain index info .bench/squad1.1_train-static --json"
PEAK = "/usr/bin/time -v webbrain index build articles.jsonl --output DIR --no-dense"
RUN = "the first 29,152 passages of articles/core, 109 words each"
ARTICLES = "290,255 passages of 57,584 articles, 66.5 terms each"
LISTS = "22,309 vectors of 256 in 256 lists, one thread"

CONSTANTS = {
    "words": Constant(109.0, "words a passage", RUN, SAMPLE),
    "passages_per_document": Constant(5.04, "passages a document", ARTICLES, INFO),
    "passage_bytes": Constant(757.3, "bytes a passage", ARTICLES, INFO),
    "bm25_bytes": Constant(486.6, "bytes a passage", ARTICLES, INFO),
    "state_bytes": Constant(1083.0, "bytes a document", "18,841 documents", STATIC),
    "vector_bytes": Constant(2.0, "bytes a dimension", "22,309 vectors of 256", STATIC),
    "list_bytes": Constant(0.327, "bytes a dimension", LISTS, "webbrain index build ... --dense ivf, index info"),
    "list_rate": Constant(9.5e9, "products a second", LISTS, "indexing.lists.arrange on .bench/squad1.1_train-static"),
    "prepared_bytes": Constant(740.0, "bytes a document", "20,000 documents", "python benchmarks/cluster.py"),
    "process_memory": Constant(8.0e7, "bytes", "a build with shards of 1,000 passages, 85 MB at its peak", PEAK),
    "shard_memory": Constant(6.0e3, "bytes a passage", "a build with shards of 50,000, 378 MB at its peak", PEAK),
    "read_rate": Constant(1860.0, "passages a core second", RUN, SAMPLE),
    "int8_rate": Constant(34.0, "passages a core second", RUN, SAMPLE),
    "fp32_rate": Constant(24.0, "passages a core second", RUN, SAMPLE + " --encoder fp32"),
    "static_rate": Constant(2400.0, "passages a core second", RUN, SAMPLE + " --encoder static"),
    "fold_rate": Constant(
        4600.0, "documents a second", "20,000 documents, one process", "python benchmarks/cluster.py"
    ),
    "hash_rate": Constant(6.5e8, "bytes a second", RUN, SAMPLE),
}
