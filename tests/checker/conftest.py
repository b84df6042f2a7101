"""One thread each, as for the trainings that follow in this process: torch reads this when it is first imported."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # also for the processes that a test starts
