"""Whether an index still is the index of its corpus."""

from __future__ import annotations

from pathlib import Path

from webbrain.errors import IndexStale
from webbrain.store.index import current_build
from webbrain.store.manifest import read_manifest

from .read import fingerprint


def check_fresh(folder: Path, corpus: Path) -> None:
    """Raises IndexStale when the published index at `folder` was made of another state of `corpus`."""
    made_of = read_manifest(current_build(folder)).corpus["fingerprint"]
    if fingerprint(corpus) != made_of:
        raise IndexStale(
            f"{corpus} is not what {folder} was made of; run `webbrain index build {corpus} --output {folder}`"
        )


def staleness(folder: Path, corpus: Path) -> list[str]:
    """What `check_fresh` has against an index, in the form of `webbrain.store.verify.verify`."""
    try:
        check_fresh(folder, corpus)
    except IndexStale as error:
        return [str(error)]
    return []
