"""`webbrain index build`: a corpus becomes a published index; a killed build goes on where it stopped."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.encoding.torch_bert import gpu_encoder
from webbrain.errors import ConfigError, CorpusError, IndexStale, WebBrainError
from webbrain.models import ModelFiles, resolve
from webbrain.store import layout
from webbrain.store.index import current_build
from webbrain.store.manifest import Manifest, read_manifest
from webbrain.workers import available_cores

from .contents import contents
from .disk import check_disk
from .files import sync_file, sync_folder, write_lock
from .memory import peak_memory
from .prepare import workers_for
from .progress import Progress, Silent
from .publish import corpus_of, encoder_files, free_name, publish_contents, republish
from .read import fingerprint
from .read.fingerprint import file_states
from .reuse import begin
from .settings import BuildSettings, Plan


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; `resumed_shards` were found finished, `fresh` is False when nothing had to be done.

    `peak_memory` is in bytes, as in `memory.peak_memory`.
    """

    build_id: str
    index: str
    fresh: bool
    resumed_shards: int
    totals: dict[str, int]
    peak_memory: dict[str, int] = field(default_factory=dict)


def build(
    corpus: Path,
    output: Path,
    settings: BuildSettings | None = None,
    *,
    threads: int | None = None,
    workers: int | None = 1,
    device: Literal["cpu", "cuda"] = "cpu",
    force: bool = False,
    progress: Progress | None = None,
) -> BuildReport:
    """Build and publish an index of `corpus` in the folder `output`. Searching the index before it goes on undisturbed.

    `workers` processes prepare the documents, None for as many as pay; as they are spawned, a script that asks for
    more than one has to keep its own work under `if __name__ == "__main__"`. `threads` encode the passages,
    or a GPU where `device` is "cuda": the vectors are then those of the processor up to rounding.

    Raises CorpusError, ConfigError (for a short disk too, before anything is written), ModelNotFound, IndexBusy,
    IndexNotWritten, and IndexStale when the corpus changes under the build.
    """
    settings, progress = settings or BuildSettings(), progress or Silent()
    check_paths(corpus, output)
    model = resolve(settings.encoder) if settings.encoder else None
    states = file_states(corpus)
    plan = Plan(fingerprint(corpus), model.weights_sha256 if model else None, settings)
    with write_lock(output):
        manifest = None if force else same_build(output, plan)
        if manifest is not None:
            progress.note("this corpus is already indexed with these settings: nothing to do")
            return BuildReport(manifest.build_id, str(output), False, 0, dict(manifest.totals))
        name = free_name(output, plan.build_id)
        partial = output / layout.BUILDS / f"{name}.partial"
        check_disk(corpus, output, partial, progress)
        _note_update(corpus, output, plan, progress)
        with closing(begin(partial, plan, output, progress, reuses=not force)) as work:
            if model is not None:
                work.encoder = OnnxEncoder(packaged(model, partial, settings), threads or available_cores())
                work.gpu = gpu_encoder(model, work.encoder.folder) if device == "cuda" else None
            work.workers = workers_for(corpus, workers, available_cores())
            work.run(corpus)
            check_unchanged(corpus, states)
            card = None if work.encoder is None else asdict(work.encoder.card)
            found = contents(work, corpus_of(plan), card, encoder_files(partial))
        manifest = publish_contents(partial, output, name, found)
        return BuildReport(name, str(output), True, work.resumed, dict(manifest.totals), peak_memory())


def check_paths(corpus: Path, output: Path) -> None:
    """Raises CorpusError or ConfigError for paths of which no index can be made."""
    if not corpus.exists():
        raise CorpusError("no such file or folder; give the corpus to index", corpus)
    if output.is_file():
        raise ConfigError(f"{output} is a file; give a folder with --output")
    if corpus.is_dir() and output.resolve().is_relative_to(corpus.resolve()):
        raise ConfigError(f"{output} lies inside the corpus; give an --output outside {corpus}")


def check_unchanged(corpus: Path, states: list[tuple[str, int, int]]) -> None:
    """Raises IndexStale when the corpus is not what it was before it was read."""
    if file_states(corpus) != states:
        raise IndexStale(f"{corpus} changed while it was read, nothing was published; run the same command again")


def current_manifest(output: Path) -> Manifest | None:
    """The published build's manifest, if there is a sound one."""
    try:
        return read_manifest(current_build(output))
    except WebBrainError:
        return None


def same_build(output: Path, plan: Plan) -> Manifest | None:
    """A sound build of the plan, or the current one where updates have made it equal to that; now current."""
    manifest = current_manifest(output)
    equal = manifest is not None and manifest.corpus.get("equals") == plan.build_id
    found = republish(output, manifest.build_id) if manifest is not None and equal else None
    return found or republish(output, plan.build_id)


def _note_update(corpus: Path, output: Path, plan: Plan, progress: Progress) -> None:
    manifest = current_manifest(output)
    if manifest is not None and manifest.corpus.get("fingerprint") != plan.fingerprint:
        progress.note(
            f"the index here is of another state of the corpus; `webbrain index update {corpus} --output {output}` "
            "does only what is new"
        )


def packaged(model: ModelFiles, partial: Path, settings: BuildSettings) -> Path:
    """The encoder's folder in the partial build, made once."""
    folder = partial / layout.ENCODER
    if not folder.exists():
        beside = partial / f"{layout.ENCODER}.new"
        shutil.rmtree(beside, ignore_errors=True)
        package_encoder(model, beside, settings.precision)
        for path in beside.iterdir():
            sync_file(path)
        beside.rename(folder)
        sync_folder(partial)
    return folder
