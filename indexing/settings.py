"""What a build is told; all of it goes into the manifest, and its digest names the build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from webbrain.analysis import AnalyzerSettings
from webbrain.errors import ConfigError
from webbrain.models import DEFAULT_ENCODER
from webbrain.store.layout import FORMAT_VERSION

from .chunk import ChunkSettings

PIPELINE_VERSION = 2  # raised when reading, cleaning or chunking makes other passages of the same corpus


@dataclass(frozen=True, slots=True)
class Bm25Settings:
    """Lucene's defaults; Robertson and Zaragoza (2009), section 3.5."""

    k1: float = 1.2
    b: float = 0.75


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """`encoder` is None for an index without vectors; `shard_passages` bounds the memory of a build.

    `dense_kind` is "ivf" for lists over the vectors, "exact" for none, "auto" for lists where they pay.
    """

    chunker: ChunkSettings = field(default_factory=ChunkSettings)
    analyzer: AnalyzerSettings = field(default_factory=AnalyzerSettings)
    bm25: Bm25Settings = field(default_factory=Bm25Settings)
    encoder: str | None = DEFAULT_ENCODER
    precision: Literal["int8", "fp32"] = "int8"
    dense_kind: Literal["auto", "exact", "ivf"] = "auto"
    duplicates: Literal["fold", "keep"] = "fold"
    shard_passages: int = 50_000

    def __post_init__(self) -> None:
        if self.shard_passages < 1:
            raise ConfigError(
                f"shards of {self.shard_passages} passages make no sense; give --shard-passages 1 or more"
            )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_options(
        cls, *, target_words: int, stemmer: str, encoder: str | None, no_dense: bool, **others: Any
    ) -> BuildSettings:
        """The settings that a command line tells; `others` are fields by their names."""
        return cls(
            chunker=ChunkSettings.around(target_words),
            analyzer=AnalyzerSettings(stemmer=stemmer),
            encoder=None if no_dense else encoder or DEFAULT_ENCODER,
            **others,
        )

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> BuildSettings:
        """The settings that a manifest names."""
        parts = {"chunker": ChunkSettings, "analyzer": AnalyzerSettings, "bm25": Bm25Settings}
        values = {one.name: raw[one.name] for one in fields(cls) if one.name in raw}
        return cls(**{name: parts[name](**value) if name in parts else value for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Plan:
    """One build: settings over one state of a corpus. The same plan always has the same `build_id`."""

    fingerprint: str
    encoder_sha256: str | None
    settings: BuildSettings

    def as_json(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "pipeline_version": PIPELINE_VERSION,
            "fingerprint": self.fingerprint,
            "encoder_sha256": self.encoder_sha256,
            "settings": self.settings.as_json(),
        }

    @property
    def build_id(self) -> str:
        return _digest(self.as_json())


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """One change of one build: the same change of the same build always has the same `build_id`."""

    base: str
    operation: Literal["add", "update", "remove", "compact"]
    settings: BuildSettings
    fingerprint: str | None = None
    doc_ids: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        versions = {"format_version": FORMAT_VERSION, "pipeline_version": PIPELINE_VERSION}
        return {**versions, **asdict(self), "settings": self.settings.as_json()}

    @property
    def build_id(self) -> str:
        return _digest(self.as_json())


def _digest(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
