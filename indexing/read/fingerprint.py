"""A corpus's identity: names and contents of its files.

Every byte counts. A sample would be quicker, but an edit that it misses would leave an index stale without a word, or
let a resumed build mix two states of the corpus; hashing runs at a hundred times the speed of indexing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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
    return combine((file, content_digest(file.path)) for file in corpus_files(corpus))


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


def content_digest(path: Path) -> bytes:
    """What of one file goes into the fingerprint: a mark, and the sha256 of a file that can be read."""
    if not path.is_file():
        return b"\1"
    try:
        with path.open("rb") as file:
            return b"\0" + hashlib.file_digest(file, "sha256").digest()
    except OSError:  # scan tells of it; here it only has to differ from a readable file
        return b"\2"


def combine(contents: Iterable[tuple[CorpusFile, bytes]]) -> str:
    """The fingerprint of files whose `content_digest` is known, wherever it was made."""
    digest = hashlib.sha256()
    for file, content in sorted(contents):
        name = file.name.encode("utf-8")
        digest.update(len(name).to_bytes(8, "big") + name + content)
    return digest.hexdigest()
