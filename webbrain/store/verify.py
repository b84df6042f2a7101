"""Re-hash every file of an index: FAISS and memory maps read a flipped byte without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from webbrain.errors import WebBrainError
from webbrain.models import sha256_file
from webbrain.store import layout
from webbrain.store.index import Index, current_build
from webbrain.store.manifest import read_manifest


def verify(folder: Path, *, full: bool = False) -> list[str]:
    """Problems found, one sentence each; an empty list means sound. `full` re-hashes every file."""
    try:
        index = Index.open(folder)
        if index.has_vectors:
            index.check_vectors()
    except WebBrainError as error:
        return [str(error)]
    return list(_rehash(current_build(folder))) if full else []


def _rehash(build: Path) -> Iterator[str]:
    manifest = read_manifest(build)
    for name, entry in manifest.files.items():
        if sha256_file(build / name) != entry.sha256:
            yield f"{build / name} does not match its digest; restore that file or rebuild the index"
    known = {*manifest.files, layout.MANIFEST, layout.MANIFEST_DIGEST}
    for path in sorted(build.rglob("*")):
        if path.is_file() and path.relative_to(build).as_posix() not in known:
            yield f"{path} belongs to no index; delete it"
