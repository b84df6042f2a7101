from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving import build_library, run_folder


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(run_folder(tmp_path_factory))
