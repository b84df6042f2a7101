"""`webbrain doctor`: is this installation able to do its work?"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from webbrain.errors import WebBrainError
from webbrain.models import DEFAULT_ENCODER, resolve
from webbrain.registry import RETRIEVERS, SCORERS, WRITERS

PACKAGES = ("numpy", "faiss-cpu", "onnx", "onnxruntime", "tokenizers", "trafilatura", "warcio", "PyStemmer", "typer")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def examine(index: Path | None = None) -> list[Check]:
    """All checks, the index's last."""
    checks = [_python(), *_packages(), _encoder(), *_parts(), _disk(index or Path.cwd())]
    return [*checks, *([_index(index)] if index is not None else [])]


def _python() -> Check:
    return Check("python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.machine()}")


def _packages() -> Iterator[Check]:
    for name in PACKAGES:
        try:
            yield Check(name, True, version(name))
        except PackageNotFoundError:
            yield Check(name, False, f"missing; run `pip install {name}`")


def _encoder() -> Check:
    try:
        model = resolve(DEFAULT_ENCODER, offline=True)
    except WebBrainError as error:
        return Check("encoder", False, str(error))
    return Check("encoder", True, f"{model.name} from {model.origin}")


def _parts() -> Iterator[Check]:
    for registry in (RETRIEVERS, WRITERS, SCORERS):
        names = registry.names()
        yield Check(f"{registry.kind}s", bool(names), ", ".join(names))


def _disk(folder: Path) -> Check:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Check("disk", free > 1e9, f"{free / 1e9:,.1f} GB free at {folder}")


def _index(folder: Path) -> Check:
    from webbrain.store.verify import verify

    problems = verify(folder)
    return Check("index", not problems, problems[0] if problems else f"{folder} is sound")
