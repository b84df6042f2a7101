"""Ray Data as the engine: numbered tasks over a cluster, done again where a worker or a machine is lost."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from webbrain.errors import ConfigError, WebBrainError
from webbrain.extras import needs


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Inside, tasks go to the Ray cluster at `address`: "auto", `host:port`, or None for this machine alone.

    A connection that stands already is used and left standing.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent home
    with needs("cluster"):
        import ray
        import ray.data
    if ray.is_initialized():
        yield
        return
    _reach(address)
    try:
        dashboard = False if address is None else None
        ray.init(address=address, log_to_driver=False, include_dashboard=dashboard, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"no Ray cluster at {address or 'this machine'} ({error}); start one with `ray start --head` "
            "and give its address, or leave --address out"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str | None) -> None:
    """Raises ConfigError at once where nothing answers at `host:port`: Ray itself would try for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise ConfigError(
            f"no Ray cluster answers at {address} ({error}); start one with `ray start --head` and give its address"
        ) from error


def run(work: Callable[[Any], Any], tasks: Mapping[int, Any], *, cpus: int = 1) -> Iterator[tuple[int, Any]]:
    """Do every task (number -> JSON value), each on `cpus` cores; yields (number, result) of each as it is done.

    `work` must be a function of a module that every machine has, returns a JSON value, and may run more than once for
    one task. Raises WebBrainError when a task fails by its own doing.
    """
    import ray.data
    from ray.exceptions import RayError

    if not tasks:
        return
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells of every step; the lost workers are Ray's to log
    # As text: tables would fill up what one task has and another lacks.
    rows = [{"number": number, "task": json.dumps(task)} for number, task in tasks.items()]
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(partial(_do, work), num_cpus=cpus)
    try:
        for row in done.iter_rows():
            yield int(row["number"]), json.loads(row["result"])
    except RayError as error:
        raise WebBrainError(
            f"the cluster gave up on a task ({_cause(error)}); mend that and run the same command: "
            "what is finished is kept"
        ) from error


def _do(work: Callable[[Any], Any], row: dict[str, Any]) -> dict[str, Any]:
    return {"number": row["number"], "result": json.dumps(work(json.loads(row["task"])))}


def _cause(error: BaseException) -> str:
    return str(error).strip().splitlines()[-1]
