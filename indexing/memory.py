"""The most memory that a build has held."""

from __future__ import annotations

import sys


def peak_memory() -> dict[str, int]:
    """Bytes: "own" of this process, "worker" of its largest child that has ended; {} where the system does not say.

    A child is born with its parent's figure on Linux, so "worker" is no less than what this process held then.
    """
    try:
        import resource
    except ImportError:  # Windows
        return {}
    unit = 1 if sys.platform == "darwin" else 1024
    who = {"own": resource.RUSAGE_SELF, "worker": resource.RUSAGE_CHILDREN}
    return {name: resource.getrusage(kind).ru_maxrss * unit for name, kind in who.items()}
