"""`webbrain index info`: what an index holds, how it was made, and the room it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from webbrain.store.index import Index


def describe(folder: Path) -> dict[str, Any]:
    """JSON-able facts of the published index at `folder`."""
    index = Index.open(folder)
    manifest = index.manifest
    sizes: dict[str, int] = {}
    for name, entry in manifest.files.items():
        part = name.split("/", 1)[0] if "/" in name else "other"
        sizes[part] = sizes.get(part, 0) + entry.bytes
    return {
        "index": str(folder),
        "build_id": manifest.build_id,
        "created": manifest.created,
        "format_version": manifest.format_version,
        **manifest.totals,
        "bytes": sum(sizes.values()),
        "bytes_by_part": sizes,
        "corpus": dict(manifest.corpus),
        "settings": dict(manifest.settings),
        "encoder": None if manifest.encoder is None else dict(manifest.encoder),
    }
