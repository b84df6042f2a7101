"""One thread each: the models here are tiny, and a killed run must add its numbers up in the order of the whole one."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # also for the processes that a test starts
