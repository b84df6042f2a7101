"""Optional packages: a missing one is an error that names the extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from webbrain.errors import ConfigError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around the imports of `extra`'s packages: a missing one raises ConfigError with the command that brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(f"this needs the package {error.name}; run `pip install 'webbrain[{extra}]'`") from error
