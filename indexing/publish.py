"""The last step of a build: merge the shards' side files, write the manifest, and swap the index in one rename."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webbrain.errors import WebBrainError
from webbrain.store import layout
from webbrain.store.index import check_sizes, current_build
from webbrain.store.manifest import FileEntry, Manifest, ShardEntry, read_manifest

from .files import sync_file, sync_folder, write_atomically, write_lock
from .receipts import STAGE, STAGE_STATE, file_entry
from .settings import BuildSettings, Plan


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest says of a build; `files` are those of shards and encoder."""

    corpus: Mapping[str, Any]
    settings: Mapping[str, Any]
    encoder: Mapping[str, Any] | None
    totals: Mapping[str, int]
    shards: Sequence[ShardEntry]
    files: Mapping[str, FileEntry]
    sparse: Mapping[str, Any] | None = None


def publish_contents(partial: Path, output: Path, name: str, contents: Contents) -> Manifest:
    """Turn a finished partial folder into the current build `name`; each step can be repeated after a crash."""
    manifest = Manifest(
        build_id=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        corpus=contents.corpus,
        settings=contents.settings,
        encoder=contents.encoder,
        totals=contents.totals,
        shards=tuple(contents.shards),
        files=contents.files,
        sparse=contents.sparse,
    )
    _sweep_unlisted(partial, contents.files)
    manifest.write(partial)
    for part in (layout.MANIFEST, layout.MANIFEST_DIGEST):
        sync_file(partial / part)
    _swap(partial, output, name)
    return manifest


def corpus_of(plan: Plan) -> dict[str, str]:
    """What the manifest says of the corpus: its state, and the build that it equals."""
    return {"fingerprint": plan.fingerprint, "equals": plan.build_id}


def manifest_settings(settings: BuildSettings) -> dict[str, Any]:
    return {**settings.as_json(), "dense": {"kind": "sq_fp16", "metric": "inner_product"}}


def encoder_files(partial: Path) -> dict[str, FileEntry]:
    """The packaged encoder's files, on disk when this returns; {} where there is none."""
    files = {}
    for path in sorted((partial / layout.ENCODER).glob("*")):
        sync_file(path)
        files[path.relative_to(partial).as_posix()] = file_entry(path)
    return files


def collect_garbage(output: Path) -> list[str]:
    """Delete builds that are not the current one, finished or not; returns their names. Takes the write lock."""
    current_build(output)  # before the lock, which would make a folder
    with write_lock(output):
        current = current_build(output)
        stale = [path for path in sorted((output / layout.BUILDS).iterdir()) if path != current]
        for path in stale:
            remove_partial(path)
        return [path.name for path in stale]


def remove_partial(folder: Path) -> None:
    """Delete a build. Its state goes first, so that after a kill nobody goes on with a half of it."""
    (folder / STAGE_STATE).unlink(missing_ok=True)
    shutil.rmtree(folder)


def _sweep_unlisted(partial: Path, files: Mapping[str, FileEntry]) -> None:
    """Drop work files; receipts stay until the manifest stands, so that a crash here still resumes."""
    for path in sorted(partial.rglob("*")):
        name = path.relative_to(partial).as_posix()
        if path.is_file() and name not in files and not name.startswith(STAGE + "/"):
            path.unlink()


def _swap(partial: Path, output: Path, name: str) -> None:
    target = output / layout.BUILDS / name
    sync_folder(partial)
    partial.rename(target)
    sync_folder(target.parent)
    _point_to(output, target)
    for orphan in (output / layout.BUILDS).glob("*.partial"):
        remove_partial(orphan)


def _point_to(output: Path, target: Path) -> None:
    """Make a complete build the current one."""
    shutil.rmtree(target / STAGE, ignore_errors=True)
    write_atomically(output / layout.CURRENT, f"{target.name}\n".encode())


def free_name(output: Path, build_id: str) -> str:
    """`build_id`, or with a number behind it where a build of that name stands: a published folder is never edited."""
    name, number = build_id, 1
    while (output / layout.BUILDS / name).exists():
        number += 1
        name = f"{build_id}.{number}"
    return name


def republish(output: Path, build_id: str) -> Manifest | None:
    """Make a complete, sound build of this plan the current one, if there is one (a crash came before CURRENT, say)."""
    for target in sorted((output / layout.BUILDS).glob(f"{build_id}*"), reverse=True):
        if target.suffix == ".partial":
            continue
        try:
            manifest = read_manifest(target)
            check_sizes(target, manifest)
        except WebBrainError:
            continue  # damaged: the new build takes another name
        if _current_name(output) != target.name:
            _point_to(output, target)
        return manifest
    return None


def _current_name(output: Path) -> str | None:
    try:
        return current_build(output).name
    except WebBrainError:
        return None
