"""SIGKILL in the middle of builds and changes: the loop of `benchmarks/crash.py`, which sends 300, with fewer."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

KILLS = 24


@pytest.fixture(scope="module")
def crash() -> Iterator[ModuleType]:
    path = Path(__file__).parents[2] / "benchmarks/crash.py"
    spec = importlib.util.spec_from_file_location("crash_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path.parent))  # for the modules beside it
        spec.loader.exec_module(module)
        yield module


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.slow
def test_what_was_killed_resumes_to_the_same_index(crash: ModuleType, tmp_path: Path) -> None:
    corpus = crash.sample(tmp_path / "corpus", every=12)
    report = crash.crash_loop(corpus, tmp_path, KILLS, shards=(8, 200), most=3)
    assert report.differences == []
    assert report.kills >= KILLS
    assert report.runs >= 6
    assert len(report.operations) > 3
    assert len(report.where) > 3
    assert report.reads > KILLS
