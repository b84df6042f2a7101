"""Where the sample corpus lies: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import os
from pathlib import Path

from webbrain.errors import CorpusError

EXAMPLES = ("Ada Lovelace", "Mercury", "Marie Curie", "How tall is the Eiffel Tower?", "Rosetta Stone")


def samples_folder() -> Path:
    here = Path(__file__).parent
    for folder in (here / "corpus_samples", here.parent / "corpus_samples"):
        if (folder / "pages").is_dir():
            return folder
    raise CorpusError(
        "the sample corpus is missing from this installation; reinstall webbrain", here / "corpus_samples"
    )


def demo_index_folder() -> Path:
    """In the user's cache folder, so that the demo is indexed once."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "webbrain" / "demo-index"
