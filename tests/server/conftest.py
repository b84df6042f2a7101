from __future__ import annotations

from pathlib import Path

import pytest

for module in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(module, reason="the service needs webbrain[serve]")

from tests.serving import build_library, run_folder


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(run_folder(tmp_path_factory))
