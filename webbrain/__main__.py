"""`python -m webbrain` and the `webbrain` script. Sister packages are top-level in a checkout, inside in a wheel."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from webbrain.errors import WebBrainError


def part(name: str) -> ModuleType:
    """Import `indexing.x`, `eval.x` or `cli` wherever this installation has it."""
    inside = (Path(__file__).parent / "cli.py").exists()
    return import_module(f"webbrain.{name}" if inside else name)


def main() -> None:
    """Run the command line; a WebBrainError is one sentence on stderr, an interrupt is 130, never a traceback."""
    # Our matrices are small: BLAS threads only wait for each other (tier 1 checks 3 times the claims without them).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if find_spec("webbrain.cli") is None:  # `python -m webbrain` from outside the checkout
        sys.path.append(str(Path(__file__).parent.parent))
    try:
        part("cli").app(prog_name="webbrain")
    except WebBrainError as error:
        print(f"webbrain: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("webbrain: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of stdout has gone: nothing more to say
        sys.exit(0)


if __name__ == "__main__":
    main()
