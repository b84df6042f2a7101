"""What results depend on beside the index: the models of the parts with their digests, seeds and settings."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from webbrain.models import sha256_file
from webbrain.protocols import Described

WEIGHTS = (".safetensors", ".onnx")


def facts_of(part: object) -> dict[str, object]:
    """{} for a part that depends on nothing but this version of WebBrain."""
    return dict(part.facts()) if isinstance(part, Described) else {}


@cache
def model_facts(name: str) -> dict[str, object]:
    """ "model", and "sha256" of a folder's weights or "revision", the commit of a model of the hub; None: not known."""
    if Path(name).is_dir():
        return {"model": name, "sha256": weights_digest(Path(name))}
    return {"model": name, "revision": _revision(name)}


def weights_digest(folder: Path) -> str | None:
    """sha256 of the one file of weights in a folder, or of the list of them; None where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in WEIGHTS)
    if len(found) < 2:
        return sha256_file(found[0]) if found else None
    lines = "".join(f"{sha256_file(path)}  {path.relative_to(folder)}\n" for path in found)
    return sha256(lines.encode()).hexdigest()


def _revision(name: str) -> str | None:
    """The commit that lies in the cache of the hub's client."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent.name if isinstance(found, str) else None
