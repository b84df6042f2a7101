"""Shards of a build on disk: a shard is done when its receipt stands, so a killed build goes on behind the last one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from webbrain.errors import CorpusError
from webbrain.store.manifest import FileEntry

from ..files import sync_file, write_json
from ..receipts import file_entry


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a finished shard counted, and its files by name."""

    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, FileEntry] = field(default_factory=dict)


class ShardFiles:
    """The files of one shard while they are written; leaving the `with` block in peace writes the receipt."""

    def __init__(self, folder: Path, number: int, names: Iterable[str]) -> None:
        self.folder, self.number = folder, number
        self.counts: Counter[str] = Counter()
        self._paths = {name: shard_path(folder, number, name) for name in names}
        self._stack = ExitStack()
        self._files: dict[str, IO[str]] = {}

    def __enter__(self) -> ShardFiles:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, path in self._paths.items():
            self._files[name] = self._stack.enter_context(path.open("w", encoding="utf-8"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stack.close()
        if kind is not None:
            return
        for path in self._paths.values():
            sync_file(path)
        receipt = Receipt(dict(self.counts), {path.name: file_entry(path) for path in self._paths.values()})
        write_json(_receipt_path(self.folder, self.number), asdict(receipt))

    def write(self, name: str, row: Any) -> None:
        self._files[name].write(json_line(row))


def read_receipt(folder: Path, number: int) -> Receipt | None:
    """The shard's receipt, or None where it is unfinished or a file is not of the noted size."""
    path = _receipt_path(folder, number)
    if not path.exists():
        return None
    raw = json.loads(path.read_text(encoding="utf-8"))
    receipt = Receipt(raw["counts"], {name: FileEntry(**entry) for name, entry in raw["files"].items()})
    sound = all(
        (folder / name).is_file() and (folder / name).stat().st_size == entry.bytes
        for name, entry in receipt.files.items()
    )
    return receipt if sound else None


def shard_path(folder: Path, number: int, name: str) -> Path:
    return folder / f"{number:06d}.{name}.jsonl"


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSONL file; raises CorpusError with the line that is none."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise CorpusError(f"not a line of JSON ({error}); build the dataset again", path, number) from error


def json_line(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _receipt_path(folder: Path, number: int) -> Path:
    return folder / f".{number:06d}.receipt.json"  # hidden: the folder is read as a corpus
