"""The default encoder without an index: made once from its model files, kept in the user's cache folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.errors import ConfigError
from webbrain.models import DEFAULT_ENCODER, ModelFiles, cache_folder, resolve

PRECISION = "int8"
EXPORT = 2  # raised when the same weights give another graph


def default_encoder() -> OnnxEncoder:
    """The encoder that indexes embed by default.

    Raises ModelNotFound when its files are nowhere on this machine, ConfigError when the cache cannot be written.
    """
    model = resolve(DEFAULT_ENCODER)
    folder = cache_folder() / f"encoder-{model.weights_sha256[:12]}-{PRECISION}-{EXPORT}"
    if not (folder / "encoder.json").exists():
        try:
            _make(model, folder)
        except OSError as error:
            raise ConfigError(f"the cache {folder.parent} cannot be written ({error}); set XDG_CACHE_HOME") from error
    return OnnxEncoder(folder)


def encoder_name(encoder: OnnxEncoder) -> str:
    """Such as "all-MiniLM-L6-v2, int8"."""
    return f"{Path(encoder.card.name).name}, {encoder.card.precision}"


def _make(model: ModelFiles, folder: Path) -> None:
    """Made beside and renamed into place; another process may have been quicker, with the same content."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix="encoder-", dir=folder.parent))
    try:
        package_encoder(model, beside, PRECISION)
        beside.rename(folder)
    except OSError:
        if not (folder / "encoder.json").exists():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
