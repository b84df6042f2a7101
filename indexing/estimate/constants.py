"""Measured constants of the pipeline, each with what was measured and the command that measures it again.

Rates are per second of processor time of one core (a Xeon or EPYC with AVX-512, two cores shared with other
work, Python 3.11): a quiet machine does better, and `webbrain index plan --measure` tells how it is on yours.
"""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE = "webbrain index plan --passages 1e6 --measure --corpus ../shared/data/articles/core.jsonl.gz"
INFO = "webbrain index info .bench/articles-bm25 --json"
SLOW = "python benchmarks/plan.py"


@dataclass(frozen=True, slots=True)
class Constant:
    """`run` says what was measured, `command` how to do it again."""

    value: float
    unit: str
    run: str
    command: str


RUN = "the first 14,000 to 34,000 passages of articles/core, 109 words each"
ARTICLES = "290,255 passages of 57,584 articles, 66.5 terms each"
BUILD = "58,145 passages of 6,500 articles"
LISTS = "22,309 vectors of 256 in 256 lists, one thread"

CONSTANTS = {
    "words": Constant(109.0, "words a passage", RUN, SAMPLE),
    "passages_per_document": Constant(5.04, "passages a document", ARTICLES, INFO),
    "passage_bytes": Constant(757.3, "bytes a passage", ARTICLES, INFO),
    "bm25_bytes": Constant(486.6, "bytes a passage", ARTICLES, INFO),
    "state_bytes": Constant(1076.0, "bytes a document", BUILD, SLOW),
    "vector_bytes": Constant(
        2.0, "bytes a dimension", "22,309 vectors", INFO.replace("articles-bm25", "squad1.1_train")
    ),
    "list_bytes": Constant(0.33, "bytes a dimension", LISTS, SLOW),
    "prepared_bytes": Constant(785.0, "bytes a document", BUILD, SLOW),
    "process_memory": Constant(1.34e8, "bytes", f"peak of a build of {BUILD}, 1,000 a shard", SLOW),
    "shard_memory": Constant(4565.0, "bytes a passage", f"peak of a build of {BUILD}, 50,000 a shard: 357 MB", SLOW),
    "read_rate": Constant(3934.0, "passages a core second", RUN, SAMPLE),
    "int8_rate": Constant(58.5, "passages a core second", f"a few hundred of {RUN}", SAMPLE),
    "fp32_rate": Constant(26.4, "passages a core second", f"a few hundred of {RUN}", SAMPLE + " --encoder fp32"),
    "static_rate": Constant(3063.0, "passages a core second", RUN, SAMPLE + " --encoder static"),
    "list_rate": Constant(9.1e9, "products a core second", LISTS, SLOW),
    "fold_rate": Constant(11652.0, "documents a core second", BUILD, SLOW),
    "hash_rate": Constant(1.37e9, "bytes a second", RUN, SAMPLE),
}
