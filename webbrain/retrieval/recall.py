"""From the recall that a user asks for to the number of lists that a dense search looks into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webbrain.errors import ConfigError
from webbrain.store.index import Index


def probes_for(index: Index) -> int | None:
    """Lists to look into for `index.recall` (None: the index's own default); None to search every vector.

    Raises ConfigError when no number of lists has been measured to reach it.
    """
    lists = index.manifest.settings.get("dense", {}).get("lists")
    if lists is None or index.recall == 1:
        return None
    return _fewest(lists, index.recall, str(index.folder))


def _fewest(lists: Mapping[str, Any], wanted: float | None, name: str) -> int:
    """The fewest lists whose recall, measured when the index was built, is as wanted."""
    target = lists["recall"] if wanted is None else wanted
    for probes, recall in lists["measured"]:
        if recall >= target:
            return int(probes)
    raise ConfigError(
        f"the lists of {name} reach a recall of {lists['measured'][-1][1]:.3f} at most, not {wanted}; "
        "ask for less, or for `--recall 1`, which looks at every vector"
    )
