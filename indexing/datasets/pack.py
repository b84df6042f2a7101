"""`webbrain dataset pack`: a dataset becomes token ids on disk, as `webbrain.training.packed` reads them."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from webbrain.errors import ConfigError
from webbrain.models import DEFAULT_ENCODER
from webbrain.training.packed import FORMAT_VERSION, MANIFEST, TokenMap

from ..files import save_array, sync_file, write_json, write_lock
from ..receipts import file_entry
from .bars import Bar, no_bar
from .describe import describe
from .formats import Example, ExampleSentence, from_json
from .gaps import gap_examples
from .publish import RETRIEVAL, WRITING
from .settings import DatasetSettings
from .stage import read_rows
from .support import NO_REFERENCE
from .tokens import PackTokenizer

GAPS_SET = "gaps"  # WebBrain-R's passages as references, some of their sentences as targets, to learn the language
BATCH = 256
Row = dict[str, Any]
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PackSettings:
    """Lengths in tokens (256 and 512 in the WebBrain paper). A sentence whose term recall is under `min_recall` counts
    as unsupported; `unsupported` sentences are marked `[0]` or dropped. `part_bytes` bounds a part's tokens."""

    input_tokens: int = 256
    target_tokens: int = 512
    references: int = 5
    min_recall: float = 0.0
    unsupported: Literal["mark", "drop"] = "mark"
    part_bytes: int = 50_000_000

    def __post_init__(self) -> None:
        if self.input_tokens < 16 or self.target_tokens < 16 or self.references < 1 or self.part_bytes < 1:
            raise ConfigError(
                "packing needs 16 tokens an input and a target, one reference and one byte a part, or more"
            )


@dataclass(frozen=True, slots=True)
class Sequences:
    """One example as ids."""

    example_id: str
    target: list[int]
    references: list[list[int]]


def pack_dataset(
    folder: Path,
    output: Path,
    tokenizer: str = DEFAULT_ENCODER,
    settings: PackSettings | None = None,
    only: Sequence[str] = (),
    note: Note = lambda _: None,
    bar: Bar = no_bar,
) -> dict[str, Any]:
    """Pack the sets of WebBrain-G and the corpus of WebBrain-R, or `only` some; returns the manifest.

    A set once packed is kept. Raises CorpusError for a folder that is no dataset, ConfigError for an output that holds
    another packing and for a set that is not there.
    """
    settings = settings or PackSettings()
    dataset = describe(folder)
    encoder = PackTokenizer.load(tokenizer, settings.references)
    head = {
        "format_version": FORMAT_VERSION,
        "dataset": dataset["plan_id"],
        "tokenizer": {"name": encoder.name, "sha256": encoder.sha256, "vocabulary": encoder.vocabulary},
        "tokens": asdict(encoder.tokens),
        "limits": {name: getattr(settings, name) for name in ("input_tokens", "target_tokens", "references")},
        "settings": asdict(settings),
    }
    with write_lock(output):
        _claim(output, head)
        sets = {}
        for name, path in _chosen(folder, output, only):
            rows = bar(read_rows(path), _rows_of(name, dataset["counts"]), name)
            examples = _examples(name, rows, settings, dataset["settings"])
            sets[name] = _pack_set(name, examples, output, encoder, settings)
            note(f"{name}: {sets[name]['examples']:,} examples, {sets[name]['tokens']:,} tokens")
        files = {path.name: asdict(file_entry(path)) for path in sorted(output.iterdir()) if _is_data(path)}
        manifest = {**head, "sets": sets, "files": files}
        write_json(output / MANIFEST, manifest)
    return manifest


def encode_example(example: Example, encoder: PackTokenizer, settings: PackSettings) -> tuple[Sequences, Counter[str]]:
    """The example's ids, cut to the limits, and what was cut ("inputs_cut", "targets_cut", "sentences_dropped")."""
    return next(_encode([example], encoder, settings))


def _encode(
    examples: list[Example], encoder: PackTokenizer, settings: PackSettings
) -> Iterator[tuple[Sequences, Counter[str]]]:
    """All texts of a batch in one call of the tokenizer, which is much faster."""
    kept = [_supported(example, settings) for example in examples]
    texts = [text for example in kept for text in _texts(example)]
    ids = iter(encoder.encode(texts))
    for example, before in zip(kept, examples, strict=True):
        counts = Counter[str](sentences_dropped=len(before.sentences) - len(example.sentences))
        title = next(ids)
        references = [
            _input(reference.marker, title, next(ids), next(ids), encoder.tokens, settings, counts)
            for reference in example.references
        ]
        target = _target([(next(ids), one.citations) for one in example.sentences], encoder.tokens, settings, counts)
        yield Sequences(example.example_id, target, references), counts


def _supported(example: Example, settings: PackSettings) -> Example:
    """The example with as many references as fit, marks of other or too weak ones gone, as `unsupported` says."""
    references = example.references[: settings.references]
    known = {reference.marker for reference in references}
    sentences = [replace(one, citations=_citations(one, known, settings)) for one in example.sentences]
    if settings.unsupported == "drop":
        sentences = [one for one in sentences if one.citations != (NO_REFERENCE,)]
    return replace(example, references=references, sentences=tuple(sentences))


def _citations(sentence: ExampleSentence, known: set[int], settings: PackSettings) -> tuple[int, ...]:
    if sentence.recall < settings.min_recall:
        return (NO_REFERENCE,)
    return tuple(mark for mark in sentence.citations if mark in known) or (NO_REFERENCE,)


def _texts(example: Example) -> list[str]:
    parts = [example.title]
    for reference in example.references:
        parts += [reference.title, reference.text]
    return parts + [sentence.text for sentence in example.sentences]


def _input(
    marker: int,
    query: list[int],
    title: list[int],
    text: list[int],
    tokens: TokenMap,
    settings: PackSettings,
    counts: Counter[str],
) -> list[int]:
    """`[CLS] [title] T [ref] [n] title text [SEP]`."""
    begin = [] if tokens.begin is None else [tokens.begin]
    ids = [*begin, tokens.title, *query, tokens.ref, tokens.marks[marker], *title, *text]
    counts["inputs_cut"] += len(ids) >= settings.input_tokens
    return [*ids[: settings.input_tokens - 1], tokens.end]


def _target(
    sentences: list[tuple[list[int], tuple[int, ...]]], tokens: TokenMap, settings: PackSettings, counts: Counter[str]
) -> list[int]:
    """Whole sentences with their marks, as many as fit, then the end; of a first one that is too long, the head."""
    room = settings.target_tokens - 1
    ids: list[int] = []
    for text, citations in sentences:
        marks = [tokens.marks[mark] for mark in citations]
        if len(ids) + len(text) + len(marks) > room:
            counts["targets_cut"] += 1
            ids = ids or [*text[: room - len(marks)], *marks]
            break
        ids += [*text, *marks]
    return [*ids, tokens.end]


def _sources(folder: Path) -> Iterator[tuple[str, Path]]:
    """(set, file) of everything that is packed; `warmup-train` becomes the set `train.warmup`."""
    for path in sorted((folder / WRITING).glob("*.jsonl")):
        name = path.stem
        yield (f"{name.removeprefix('warmup-')}.warmup" if name.startswith("warmup-") else name), path
    yield GAPS_SET, folder / RETRIEVAL / "corpus.jsonl"


def _chosen(folder: Path, output: Path, only: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The sets to pack, with those that were packed before."""
    sources = dict(_sources(folder))
    if unknown := set(only) - sources.keys():
        raise ConfigError(f"no set {sorted(unknown)[0]!r} in {folder}; it has {', '.join(sources)}")
    for name, path in sources.items():
        if not only or name in only or _receipt(output, name).exists():
            yield name, path


def _receipt(output: Path, name: str) -> Path:
    return output / f".{name}.json"


def _rows_of(name: str, counts: dict[str, int]) -> int | None:
    """How many rows the file of a set has, as the dataset counted them."""
    if name == GAPS_SET:
        return None
    split, _, variant = name.partition(".")
    kind = {"": "examples", "retrieved": "retrieved", "warmup": "warmup"}[variant]
    return counts.get(f"{kind}/{split}")


def _examples(name: str, rows: Iterator[Row], settings: PackSettings, dataset: dict[str, Any]) -> Iterator[Example]:
    if name == GAPS_SET:
        return gap_examples(rows, settings.references, DatasetSettings(**dataset))
    return map(from_json, rows)


def _pack_set(
    name: str, examples: Iterator[Example], output: Path, encoder: PackTokenizer, settings: PackSettings
) -> dict[str, Any]:
    """Write the parts of one set, unless a receipt says that it is done; returns its entry in the manifest."""
    receipt = _receipt(output, name)
    if receipt.exists():
        entry: dict[str, Any] = json.loads(receipt.read_text(encoding="utf-8"))
        return entry
    counts: Counter[str] = Counter()
    parts: list[dict[str, Any]] = []
    part = _Part(settings.references)
    for sequences in _read_set(examples, encoder, settings, counts):
        part.add(sequences)
        if part.bytes >= settings.part_bytes:
            parts.append(part.write(output, f"{name}-{len(parts):05d}"))
            part = _Part(settings.references)
    if part.ids or not parts:
        parts.append(part.write(output, f"{name}-{len(parts):05d}"))
    entry = {**dict(sorted(counts.items())), "parts": parts}
    write_json(receipt, entry)
    return entry


def _read_set(
    examples: Iterator[Example], encoder: PackTokenizer, settings: PackSettings, counts: Counter[str]
) -> Iterator[Sequences]:
    counts.update(examples=0, tokens=0, left_out=0)
    while batch := list(islice(examples, BATCH)):
        for sequences, cut in _encode(batch, encoder, settings):
            counts.update(cut)
            if len(sequences.target) < 2:
                counts["left_out"] += 1
                continue
            counts["examples"] += 1
            counts["tokens"] += len(sequences.target) + sum(map(len, sequences.references))
            yield sequences


class _Part:
    """One part in memory."""

    def __init__(self, references: int) -> None:
        self.tokens = array("H")
        self.lengths: list[list[int]] = []
        self.ids: list[str] = []
        self.references = references

    @property
    def bytes(self) -> int:
        return len(self.tokens) * self.tokens.itemsize

    def add(self, one: Sequences) -> None:
        sizes = [len(one.target), *map(len, one.references)]
        self.lengths.append(sizes + [0] * (1 + self.references - len(sizes)))
        self.ids.append(one.example_id)
        for ids in (one.target, *one.references):
            self.tokens.extend(ids)

    def write(self, output: Path, name: str) -> dict[str, Any]:
        lengths = np.array(self.lengths, np.uint16).reshape(len(self.ids), 1 + self.references)
        ends = np.cumsum(lengths.sum(axis=1, dtype=np.uint64), dtype=np.uint64)
        save_array(output / f"{name}.tokens.npy", np.asarray(self.tokens, np.uint16))
        save_array(output / f"{name}.lengths.npy", lengths)
        save_array(output / f"{name}.offsets.npy", np.concatenate([np.zeros(1, np.uint64), ends]))
        (output / f"{name}.ids.txt").write_text("".join(f"{one}\n" for one in self.ids), encoding="utf-8")
        sync_file(output / f"{name}.ids.txt")
        return {"name": name, "examples": len(self.ids), "bytes": self.bytes}


def _claim(output: Path, head: dict[str, Any]) -> None:
    """Take the folder for this packing; refuse one that holds another."""
    plan, text = output / ".plan.json", json.dumps(head, sort_keys=True)
    if plan.exists() and json.dumps(json.loads(plan.read_text(encoding="utf-8")), sort_keys=True) != text:
        raise ConfigError(f"{output} holds another packing; give another --output, or delete it")
    write_json(plan, head)


def _is_data(path: Path) -> bool:
    return path.suffix in (".npy", ".txt") and not path.name.startswith(".")
