"""The house rules: data flows one way, and importing is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "faiss", "onnxruntime", "onnx", "tokenizers", "trafilatura", "datasets", "numpy")


def _imports(path: Path) -> set[str]:
    """First names of all absolute imports of a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("webbrain", {"indexing", "eval", "cli"}), ("indexing", {"eval", "cli"}), ("eval", {"indexing", "cli"})],
)
def test_packages_import_one_way(package: str, forbidden: set[str]) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert not _imports(path) & forbidden, f"{path} imports {_imports(path) & forbidden}"


@pytest.mark.parametrize("package", ["indexing", "eval"])
def test_sister_packages_use_relative_imports_inside(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert package not in _imports(path), f"{path} would not import from a wheel"


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(out.stdout.split("\n")[-2].split())


@pytest.mark.parametrize("code", ["import webbrain", "import cli", "import webbrain; dir(webbrain)"])
def test_importing_loads_nothing_heavy(code: str) -> None:
    assert not _loaded_by(code) & set(HEAVY)


def test_every_public_name_resolves() -> None:
    import webbrain

    for name in webbrain.__all__:
        assert getattr(webbrain, name) is not None
    assert webbrain.__all__ == sorted(webbrain.__all__)


def test_unknown_public_name_is_an_attribute_error() -> None:
    import webbrain

    with pytest.raises(AttributeError, match="nonsense"):
        _ = webbrain.nonsense


@pytest.mark.parametrize("banned", ["pickle", "shelve", "marshal", "dill", "joblib"])
def test_no_pickle(banned: str) -> None:
    for package in ("webbrain", "indexing", "eval"):
        for path in (ROOT / package).rglob("*.py"):
            assert banned not in _imports(path), f"{path} imports {banned}"


def test_no_function_is_longer_than_sixty_lines() -> None:
    for package in ("webbrain", "indexing", "eval"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    assert length <= 60, f"{path}:{node.lineno} {node.name} has {length} lines"
