"""`webbrain index add`, `update` and `remove`: a new build that takes the old one's shards and adds what is new."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from webbrain.encoding.encoder import OnnxEncoder
from webbrain.errors import ConfigError
from webbrain.store import layout
from webbrain.store.index import Index, current_build
from webbrain.store.manifest import Manifest
from webbrain.workers import available_cores

from .build import check_paths, check_unchanged
from .contents import contents
from .disk import check_disk
from .files import write_lock
from .prepare import workers_for
from .progress import Progress, Silent
from .publish import corpus_of, free_name, publish_contents, remove_partial, republish
from .read import fingerprint
from .read.fingerprint import file_states
from .settings import BuildSettings, ChangePlan, Plan
from .work import Base, Work

COUNTED = ("added", "replaced", "removed", "unchanged", "rejected", "duplicates", "returned")


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What a change did, in documents.

    `duplicates` of those that came were folded, `returned` were folded before and are no longer; `lost` names folded
    pages that went with the page they were folded into. `fresh` is False when nothing had to be done.
    """

    build_id: str
    index: str
    operation: str
    fresh: bool
    resumed_shards: int
    counts: dict[str, int]
    totals: dict[str, int]
    lost: list[str] = field(default_factory=list)


def add(
    corpus: Path,
    output: Path,
    *,
    threads: int | None = None,
    workers: int | None = 1,
    progress: Progress | None = None,
) -> ChangeReport:
    """Add the documents of `corpus`; one whose id the index has takes the old one's place. Settings are the index's.

    Raises what `build` raises, and IndexNotFound where there is nothing to add to.
    """
    return _read_corpus(corpus, output, "add", threads, workers, progress or Silent())


def update(
    corpus: Path,
    output: Path,
    *,
    threads: int | None = None,
    workers: int | None = 1,
    progress: Progress | None = None,
) -> ChangeReport:
    """Make the index that of `corpus` as it is now: what a build would hold, for the cost of what is new.

    Raises what `add` raises.
    """
    return _read_corpus(corpus, output, "update", threads, workers, progress or Silent())


def remove(
    output: Path,
    doc_ids: Sequence[str],
    *,
    ignore_missing: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ChangeReport:
    """Remove documents by id. A page that was folded into one of them comes back in its place.

    Raises ConfigError for ids that the index does not have, and IndexNotFound, IndexBusy or IndexNotWritten.
    """
    current_build(output)  # before the lock, which would make a folder
    with write_lock(output):
        base = Index.open(output)
        plan = ChangePlan(_name(base), "remove", _settings(base), None, tuple(sorted(set(doc_ids))))
        change = Change(output, base, plan, threads, progress or Silent())
        if change.earlier is not None:
            return change.report_earlier()
        with closing(change.begin()) as work:
            if not work.done.settled:  # it is after a kill
                change.forget(plan.doc_ids, ignore_missing=ignore_missing)
            work.run(None)
            return change.publish({"fingerprint": None, "changed_by": "remove"})


def _read_corpus(
    corpus: Path,
    output: Path,
    operation: Literal["add", "update"],
    threads: int | None,
    workers: int | None,
    progress: Progress,
) -> ChangeReport:
    check_paths(corpus, output)
    current_build(output)  # before the lock, which would make a folder
    states = file_states(corpus)
    state = fingerprint(corpus)
    with write_lock(output):
        base = Index.open(output)
        settings = _settings(base)
        equal = Plan(state, (base.manifest.encoder or {}).get("weights_sha256"), settings)
        change = Change(output, base, ChangePlan(_name(base), operation, settings, state), threads, progress)
        if operation == "update" and base.manifest.corpus.get("fingerprint") == state:
            return change.report_nothing("the index is that of this corpus already: nothing to do")
        if change.earlier is not None:
            return change.report_earlier()
        check_disk(corpus, output, change.partial, progress, base=base if operation == "update" else None)
        with closing(change.begin()) as work:
            work.workers = workers_for(corpus, workers, available_cores())
            work.run(corpus)
            check_unchanged(corpus, states)
            return change.publish(
                corpus_of(equal) if operation == "update" else {"fingerprint": None, "changed_by": "add"}
            )


class Change:
    """One change of the base, from its partial folder to the published build."""

    def __init__(self, output: Path, base: Index, plan: ChangePlan, threads: int | None, progress: Progress) -> None:
        self.output, self.base, self.plan, self.threads, self.progress = output, base, plan, threads, progress
        self.earlier = republish(output, plan.build_id)
        self.name = free_name(output, plan.build_id)
        self.partial = output / layout.BUILDS / f"{self.name}.partial"
        self.work: Work

    def begin(self) -> Work:
        """Open the partial folder, a new one or an unfinished one."""
        ordered, base = self.plan.operation == "update", Base(self.base, self.plan.operation != "compact")
        self.work = Work(self.partial, self.plan, base, self.progress, ordered=ordered)
        if self.base.has_vectors:
            self.work.encoder = OnnxEncoder(self.partial / layout.ENCODER, self.threads or available_cores())
        return self.work

    def forget(self, doc_ids: Sequence[str], *, ignore_missing: bool) -> None:
        """Remove documents; raises ConfigError for ids that are not there."""
        pages = {doc_id: self.work.state.page(doc_id) for doc_id in doc_ids}
        missing = [doc_id for doc_id, page in pages.items() if page is None]
        if missing and not ignore_missing:
            self.discard()
            raise ConfigError(
                f"{self.output} has no document {', '.join(missing[:20])}"
                f"{f' and {len(missing) - 20} more' if len(missing) > 20 else ''}; "
                "mend the ids, or add --ignore-missing"
            )
        for page in pages.values():
            if page is not None:
                self.work.changes.remove(page)

    def discard(self) -> None:
        self.work.close()
        remove_partial(self.partial)

    def publish(self, corpus: dict[str, Any]) -> ChangeReport:
        """Make the new build the current one, unless it would be the old one again."""
        work = self.work
        if self.plan.operation in ("add", "remove") and not any(work.done.counts.get(what) for what in COUNTED[:3]):
            self.discard()
            return self.report_nothing("nothing in the index changed", work.done.counts)
        encoder = self.base.manifest.encoder
        found = contents(work, corpus, encoder)
        work.close()
        manifest = publish_contents(self.partial, self.output, self.name, found)
        if self.base.has_sparse and not Index.open(self.output).has_sparse:
            self.progress.note(
                f"new passages have no learned-sparse part yet; run `webbrain index sparse {self.output} --model MODEL`"
            )
        return self._report(manifest, work.done.counts, work.done.lost, resumed=work.resumed)

    def report_earlier(self) -> ChangeReport:
        """A kill came between the finished build and its being pointed to."""
        assert self.earlier is not None
        self.progress.note("this change was made before: it is current again")
        return self._report(self.earlier, {}, [], fresh=False)

    def report_nothing(self, why: str, counts: dict[str, int] | None = None) -> ChangeReport:
        self.progress.note(why)
        return self._report(self.base.manifest, counts or {}, [], fresh=False)

    def _report(
        self, manifest: Manifest, counts: dict[str, int], lost: list[str], *, fresh: bool = True, resumed: int = 0
    ) -> ChangeReport:
        every = {what: counts.get(what, 0) for what in COUNTED} if self.plan.operation != "compact" else counts
        totals = dict(manifest.totals)
        name, index = manifest.build_id, str(self.output)
        return ChangeReport(name, index, self.plan.operation, fresh, resumed, every, totals, lost)


def _settings(base: Index) -> BuildSettings:
    return BuildSettings.from_json(base.manifest.settings)


def _name(base: Index) -> str:
    return base.manifest.build_id
