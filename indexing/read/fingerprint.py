"""A corpus's identity: cheap enough to take before every build, sensitive to names, sizes and sampled content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from webbrain.errors import CorpusError

from .scan import CorpusFile, corpus_files

SAMPLES = 16
SAMPLE_BYTES = 64 << 10


def fingerprint(corpus: Path) -> str:
    """sha256 (hex) over sorted names, sizes and blocks of each file: head, tail and 16 between. Times do not count.

    Raises CorpusError when there is nothing at `corpus`.
    """
    corpus = Path(corpus)
    if not corpus.exists():
        raise CorpusError("no such file or folder; give the path of a corpus", corpus)
    digest = hashlib.sha256()
    for file in sorted(corpus_files(corpus)):
        _add(digest, file)
    return digest.hexdigest()


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
    size = path.stat().st_size
    with path.open("rb") as file:
        digest.update(b"\0" + size.to_bytes(8, "big"))
        for start in _block_starts(size):
            file.seek(start)
            digest.update(file.read(SAMPLE_BYTES))


def _block_starts(size: int) -> list[int]:
    """Where to sample; a file no larger than all the samples together is read whole."""
    if size <= (SAMPLES + 2) * SAMPLE_BYTES:
        return list(range(0, size, SAMPLE_BYTES))
    last = size - SAMPLE_BYTES
    return [last * step // (SAMPLES + 1) for step in range(SAMPLES + 2)]
