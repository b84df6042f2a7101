"""A corpus's identity: names and contents of its files.

Every byte counts. A sample would be quicker, but an edit that it misses would leave an index stale without a word, or
let a resumed build mix two states of the corpus; hashing runs at a hundred times the speed of indexing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from webbrain.errors import CorpusError

from .scan import CorpusFile, corpus_files


def fingerprint(corpus: Path) -> str:
    """sha256 (hex) over the sorted names and the contents of the files. Times do not count.

    Raises CorpusError when there is nothing at `corpus`.
    """
    corpus = Path(corpus)
    if not corpus.exists():
        raise CorpusError("no such file or folder; give the path of a corpus", corpus)
    digest = hashlib.sha256()
    for file in sorted(corpus_files(corpus)):
        _add(digest, file)
    return digest.hexdigest()


def file_states(corpus: Path) -> list[tuple[str, int, int]]:
    """(name, size, time of last change in ns) of every file: whether a corpus was touched while it was read."""
    states = []
    for file in corpus_files(Path(corpus)):
        try:
            info = file.path.stat()
            states.append((file.name, info.st_size, info.st_mtime_ns))
        except OSError:
            states.append((file.name, -1, -1))
    return states


def _add(digest: hashlib._Hash, file: CorpusFile) -> None:
    name = file.name.encode("utf-8")
    digest.update(len(name).to_bytes(8, "big") + name)
    if not file.path.is_file():
        digest.update(b"\1")
        return
    try:
        _add_content(digest, file.path)
    except OSError:  # scan tells of it; here it only has to differ from a readable file
        digest.update(b"\2")


def _add_content(digest: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        digest.update(b"\0" + hashlib.file_digest(file, "sha256").digest())
