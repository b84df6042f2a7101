"""A writer by its specification, `NAME` or `NAME:MODEL`: "extractive", "fid:runs/a/model", "chat:qwen2.5-7b"."""

from __future__ import annotations

from inspect import signature

from webbrain.errors import ConfigError
from webbrain.protocols import Encoder, Writer
from webbrain.registry import WRITERS


def make_writer(specification: str, encoder: Encoder | None) -> Writer:
    """Raises ConfigError for an unknown name, or a model given to a writer that has none."""
    name, _, model = specification.partition(":")
    factory = WRITERS.load(name)
    if not model:
        made: Writer = factory(encoder)
        return made
    if "model" not in signature(factory).parameters:
        raise ConfigError(f"writer {name!r} takes no model; leave out --model {model}")
    with_model: Writer = factory(encoder, model=model)
    return with_model
