"""Known shortfalls: open defects of the support checker and the writer, each told in the test report until mended."""

from __future__ import annotations

from pathlib import Path

import pytest

KNOWN = Path(__file__).parents[1] / "known_shortfalls.txt"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = set(KNOWN.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in known:
            item.add_marker(pytest.mark.xfail(reason="known shortfall, see tests/known_shortfalls.txt", strict=False))
