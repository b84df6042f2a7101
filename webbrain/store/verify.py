"""Re-hash every file of an index: FAISS and memory maps read a flipped byte without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from webbrain.errors import WebBrainError
from webbrain.models import sha256_file
from webbrain.store import layout
from webbrain.store.index import Index, check_sizes, current_build
from webbrain.store.manifest import read_manifest


def verify(folder: Path | str, *, full: bool = False) -> list[str]:
    """Problems found, one sentence each; an empty list means sound. `full` re-hashes every file."""
    folder = Path(folder)
    try:
        # Hashes before use: FAISS may take a damaged header at its word.
        problems = list(_rehash(folder)) if full else []
        if not problems:
            index = Index.open(folder)
            if index.has_vectors:
                index.check_vectors()
    except (WebBrainError, OSError) as error:
        return [str(error)]
    return problems


def _rehash(folder: Path) -> Iterator[str]:
    build = current_build(folder)
    manifest = read_manifest(build)
    check_sizes(build, manifest)
    for name, entry in manifest.files.items():
        if sha256_file(build / name) != entry.sha256:
            yield (
                f"{build / name} does not match its digest; restore that file, "
                f"or run `webbrain index build CORPUS --output {folder} --force`"
            )
    known = {*manifest.files, layout.MANIFEST, layout.MANIFEST_DIGEST}
    for path in sorted(build.rglob("*")):
        if not path.is_dir() and path.relative_to(build).as_posix() not in known:
            yield f"{path} belongs to no index; delete it"
