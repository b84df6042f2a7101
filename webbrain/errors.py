"""Every error WebBrain raises on purpose, in one tree.

    WebBrainError
    ├── CorpusError          a corpus, query or judgement file that cannot be read (path, line)
    ├── ConfigError          an option or configuration value that makes no sense
    ├── ModelNotFound        a model that is neither local, bundled, cached nor on the hub
    ├── IndexNotFound        no index at this path
    ├── IndexStale           the corpus or settings moved on since this index was built
    ├── IndexIncompatible    an index of another format version, encoder or analyzer
    ├── IndexDamaged         a file of the index is missing, short or altered
    ├── IndexBusy            another process is writing this index
    ├── IndexNotWritten      the disk is full or the folder may not be written
    ├── EvidenceNotFound     nothing in the corpus bears on the query
    └── WriterFailed         an endpoint or model that was asked to write gave no answer

A message is one sentence that names the input, the cause and the next command to run.
"""

from __future__ import annotations

from pathlib import Path


class WebBrainError(Exception):
    """Base of all errors that are the user's to mend: printed without a traceback."""

    exit_code = 1


class CorpusError(WebBrainError):
    """An input file that cannot be used; `path` and 1-based `line` say where, when known."""

    def __init__(self, message: str, path: Path | str | None = None, line: int | None = None) -> None:
        where = "" if path is None else f"{path}{'' if line is None else f':{line}'}: "
        super().__init__(where + message)
        self.path = path
        self.line = line


class ConfigError(WebBrainError):
    """A setting outside its range, or two settings that contradict each other."""

    exit_code = 2


class ModelNotFound(WebBrainError):
    """A model name that resolves to nothing on this machine."""


class IndexNotFound(WebBrainError):
    """No published index at the path."""

    exit_code = 3


class IndexStale(WebBrainError):
    """The half-finished build or published index belongs to another corpus or other settings."""

    exit_code = 3


class IndexIncompatible(WebBrainError):
    """The index was written by another format version or for another encoder."""

    exit_code = 3


class IndexDamaged(WebBrainError):
    """A file of the index is missing, truncated or altered."""

    exit_code = 3


class IndexBusy(WebBrainError):
    """Another process holds the index's write lock."""

    exit_code = 3


class IndexNotWritten(WebBrainError):
    """The system refused to write an index: no room, no permission."""

    exit_code = 3


class EvidenceNotFound(WebBrainError):
    """Nothing in the corpus bears on the query."""


class WriterFailed(WebBrainError):
    """The endpoint that was to write cannot be reached, refuses the request or breaks off."""
