"""WebBrain: ask a corpus a question, get a short article in which every sentence is cited and checked.

The public names below are imported on first use, so `import webbrain` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Article": "webbrain.types",
    "BuildSettings": "indexing.settings",
    "Client": "webbrain.client",
    "Document": "webbrain.types",
    "Index": "webbrain.store.index",
    "Passage": "webbrain.types",
    "Query": "webbrain.types",
    "Reference": "webbrain.types",
    "ScoredPassage": "webbrain.types",
    "Sentence": "webbrain.types",
    "WebBrainError": "webbrain.errors",
    "build": "indexing.build",
    "make_retriever": "webbrain.retrieval",
    "render": "webbrain.writing.render",
    "verify": "webbrain.store.verify",
    "write_article": "webbrain.writing.pipeline",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'webbrain' has no attribute {name!r}")
    module = _PUBLIC[name]
    if not module.startswith("webbrain."):
        from webbrain.__main__ import part

        return getattr(part(module), name)
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
