from __future__ import annotations

import json
import re
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from webbrain import registry
from webbrain.errors import ConfigError
from webbrain.registry import FUSERS, RETRIEVERS, SCORERS, WRITERS, Registry

REGISTRY = Registry("shape", "webbrain.test_shapes", {"path": "pathlib:Path", "gone": "no_such_module:X"})


def entry_points(group: str) -> list[EntryPoint]:
    return [EntryPoint("path", "json:dumps", group), EntryPoint("third", "json:loads", group)]


def test_builtin_and_third_party_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", entry_points)
    assert REGISTRY.load("path") is Path  # a built-in cannot be replaced behind one's back
    assert REGISTRY.load("third") is json.loads
    assert REGISTRY.names() == ["gone", "path", "third"]


def test_an_unknown_name_lists_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown shape 'pth'; known are: gone, path; did you mean 'path'\?"):
        REGISTRY.load("pth")
    with pytest.raises(ConfigError, match=r"known are: gone, path$"):
        REGISTRY.load("zzzzz")


@pytest.mark.parametrize("parts", [RETRIEVERS, FUSERS, WRITERS, SCORERS], ids=lambda parts: parts.kind)
def test_built_in_parts_are_where_the_table_says(parts: Any) -> None:
    for name, path in parts.builtin.items():
        module, _, attribute = path.partition(":")
        source = find_spec(module)
        assert source is not None, name
        assert source.origin is not None
        assert re.search(rf"^(class|def) {attribute}\b", Path(source.origin).read_text(), re.MULTILINE), path
