"""From constants to an estimate: every line says whether it was measured, given, or extrapolated, and from what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from webbrain.errors import ConfigError

from ..lists import AUTO_PASSAGES
from .constants import CONSTANTS, Constant
from .measure import Sample

Basis = Literal["given", "measured", "extrapolated"]
HOUR = 3600.0
GRAPH_LINKS = 16  # HNSW's M in `indexing.export`
MANY_SHARDS = 2000  # each holds about a dozen files open


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `encoder` is a key of ENCODERS or "none"; `gpu_rate` is passages a second of one GPU, as
    measured by whoever has one; `price` is that of a machine and hour; `lists` are those over the vectors."""

    passages: int
    words: float = 110.0
    encoder: str = "int8"
    cores: int = 16
    machines: int = 1
    gpus: int = 0
    gpu_rate: float | None = None
    price: float | None = None
    shard_passages: int = 50_000
    lists: bool = True

    def __post_init__(self) -> None:
        if self.passages < 1 or self.words <= 0 or self.cores < 1 or self.machines < 1 or self.gpus < 0:
            raise ConfigError("passages, words, cores and machines are counted from 1; mend the options")
        if self.gpus and not self.gpu_rate:
            raise ConfigError(
                "no GPU has been measured here; give --gpu-rate, the passages a second that one of yours encodes"
            )


ENCODERS = {"int8": 384, "fp32": 384, "static": 256}  # dimensions of the encoder that ships


@dataclass(frozen=True, slots=True)
class Line:
    """`how` says what a measured value was measured on, and what an extrapolated one was made of."""

    name: str
    value: float
    unit: str
    basis: Basis
    how: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Bytes of an index by part."""

    passages: float
    bm25: float
    vectors: float
    lists: float
    state: float

    @property
    def total(self) -> float:
        return self.passages + self.bm25 + self.vectors + self.lists + self.state


def estimate(request: Request, constants: Mapping[str, Constant] = CONSTANTS) -> list[Line]:
    """The lines of a plan: what was given, the constants it rests on, then disk, memory, time and cost."""
    parts = _parts(request, constants)
    times = list(_times(request, constants, parts))
    return [
        *_given(request),
        *_rests_on(request, constants),
        *_sizes(request, constants, parts),
        *times,
        *_cost(request, sum(line.value for line in times)),
    ]


def measured(sample: Sample, encoder: str, corpus: str) -> dict[str, Constant]:
    """The constants with those of a sample in the place of the shipped ones."""
    run = f"here and now: {sample.passages:,} passages of {corpus}"
    command = f"webbrain index plan --measure --corpus {corpus}"
    values = {
        "words": sample.words / sample.passages,
        "passages_per_document": sample.passages / sample.documents,
        "passage_bytes": sample.passage_bytes / sample.passages,
        "bm25_bytes": sample.bm25_bytes / sample.passages,
        "state_bytes": sample.state_bytes / sample.documents,
        "read_rate": sample.passages / sample.read_seconds,
        "hash_rate": sample.hashed_per_second,
    }
    if sample.encoded:
        values[f"{encoder}_rate"] = sample.encoded / sample.encode_seconds
    fresh = {name: replace(CONSTANTS[name], value=value, run=run, command=command) for name, value in values.items()}
    return {**CONSTANTS, **fresh}


def as_json(request: Request, lines: list[Line]) -> dict[str, Any]:
    return {"request": asdict(request), "lines": [asdict(line) for line in lines]}


def _given(request: Request) -> Iterator[Line]:
    yield Line("passages", request.passages, "", "given", "")
    yield Line("words in a passage", request.words, "", "given", "")
    yield Line("machines", request.machines, f"of {request.cores} cores, {request.gpus} GPUs in all", "given", "")


def _rests_on(request: Request, constants: Mapping[str, Constant]) -> Iterator[Line]:
    """The constants that the plan uses: not the rates of other encoders."""
    for name, constant in constants.items():
        if name.removesuffix("_rate") in ENCODERS and name != f"{request.encoder}_rate":
            continue
        how = f"{constant.run}; {constant.command}"
        yield Line(name, constant.value, constant.unit, "measured", how)


def _parts(request: Request, constants: Mapping[str, Constant]) -> Parts:
    """Texts and postings grow with the words of a passage, vectors with its number of dimensions."""
    longer = request.words / constants["words"].value
    dim = ENCODERS.get(request.encoder, 0)
    lists = dim * constants["list_bytes"].value if request.lists and request.passages >= AUTO_PASSAGES else 0.0
    documents = request.passages / constants["passages_per_document"].value
    return Parts(
        request.passages * constants["passage_bytes"].value * longer,
        request.passages * constants["bm25_bytes"].value * longer,
        request.passages * dim * constants["vector_bytes"].value,
        request.passages * lists,
        documents * constants["state_bytes"].value,
    )


def _sizes(request: Request, constants: Mapping[str, Constant], parts: Parts) -> Iterator[Line]:
    shards = math.ceil(request.passages / request.shard_passages)
    many = "many open files: a larger --shard-passages makes fewer" if shards > MANY_SHARDS else ""
    documents = request.passages / constants["passages_per_document"].value
    yield _line("documents", documents, "", "passages / passages_per_document")
    yield _line("shards", shards, "", f"of {request.shard_passages:,} passages; {many}".rstrip("; "))
    for name, value in asdict(parts).items():
        yield _line(f"disk, {name}", value / 1e9, "GB", f"{value / request.passages:,.0f} bytes a passage")
    yield _line("disk, index", parts.total / 1e9, "GB", "the sum")
    work = parts.passages + documents * constants["prepared_bytes"].value
    how = "index, cleaned texts and fingerprints; on object storage the shards once more"
    yield _line("disk, while it is built", (parts.total + work) / 1e9, "GB", how)
    shard = request.shard_passages * constants["shard_memory"].value * request.words / constants["words"].value
    base = constants["process_memory"].value
    yield _line("memory, a building process", (base + shard) / 1e9, "GB", "process_memory + shard_memory a passage")
    serving = base + parts.bm25 + (parts.lists or parts.vectors)
    how = "what a search walks through: postings, and the lists' codes, or all vectors where there are no lists"
    yield _line("memory, to serve at full speed", serving / 1e9, "GB", how + "; less works from disk, slower")
    if request.encoder != "none":
        graph = request.passages * (4 * ENCODERS[request.encoder] + 4 * 2 * GRAPH_LINKS)
        how = f"4 bytes a dimension and {2 * GRAPH_LINKS} links; by that rule, not measured"
        yield _line("memory, vectors in Milvus", graph / 1e9, "GB", how)


def _times(request: Request, constants: Mapping[str, Constant], parts: Parts) -> Iterator[Line]:
    cores, longer = request.cores * request.machines, request.words / constants["words"].value
    seconds = request.passages * longer / constants["read_rate"].value / cores
    yield _line("time, read to postings", seconds / HOUR, "hours", f"read_rate on {cores} cores")
    if request.gpus and request.gpu_rate and request.encoder != "none":
        seconds = request.passages * longer / request.gpu_rate / request.gpus
        yield _line("time, encode", seconds / HOUR, "hours", f"the given {request.gpu_rate:,.0f} a second on each GPU")
    elif request.encoder != "none":
        rate = f"{request.encoder}_rate"
        seconds = request.passages * longer / constants[rate].value / cores
        yield _line("time, encode", seconds / HOUR, "hours", f"{rate} on {cores} cores")
    if parts.lists:
        products = request.passages * 2 * math.sqrt(request.passages) * ENCODERS[request.encoder]
        seconds = products / constants["list_rate"].value
        yield _line(
            "time, vectors into lists", seconds / HOUR, "hours", "list_rate, one thread; 2 sqrt(passages) lists"
        )
    documents = request.passages / constants["passages_per_document"].value
    seconds = documents / constants["fold_rate"].value
    yield _line(
        "time, decide what is kept", seconds / HOUR, "hours", "fold_rate, one process, while its file is in memory"
    )
    yield _line(
        "time, fetch and check", parts.total / constants["hash_rate"].value / HOUR, "hours", "hash_rate, one process"
    )


def _cost(request: Request, hours: float) -> Iterator[Line]:
    yield _line("time, in all", hours, "hours", "the sum; cores and machines assumed to scale")
    if request.price is not None:
        value = hours * request.machines * request.price
        yield _line("cost", value, "", f"{request.machines} machines at the given {request.price} an hour")


def _line(name: str, value: float, unit: str, how: str) -> Line:
    return Line(name, value, unit, "extrapolated", how)
