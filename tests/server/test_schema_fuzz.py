"""Schemathesis asks what the OpenAPI schema allows, and what it does not, and holds every answer against it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import live_server

COMMAND = "from schemathesis.cli import schemathesis; schemathesis()"


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_answers_are_as_documented(library: Path, tmp_path: Path) -> None:
    options = [
        "--checks",
        "all",
        "--mode",
        "all",
        "--max-examples",
        "25",
        "--seed",
        "7",
        "--generation-database",
        "none",
    ]
    with live_server(library) as server:
        ended = subprocess.run(
            [sys.executable, "-c", COMMAND, "run", f"{server.address}/openapi.json", *options],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1"},
            check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Tested: 4" in ended.stdout
