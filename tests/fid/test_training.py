"""Training: the whole path, a kill in the middle, the clock, the order of the data, and a run in parts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed: pip install '.[train]'")
pytest.importorskip("accelerate", reason="the training extra is not installed: pip install '.[train]'")

from safetensors.torch import load_file  # noqa: E402

from indexing.build import build  # noqa: E402
from indexing.datasets.build import build_dataset  # noqa: E402
from indexing.datasets.pack import PackSettings, pack_dataset  # noqa: E402
from indexing.datasets.settings import DatasetSettings  # noqa: E402
from indexing.settings import BuildSettings  # noqa: E402
from tests.fid.data import articles, make_encoder, write_articles  # noqa: E402
from webbrain.errors import ConfigError, CorpusError  # noqa: E402
from webbrain.facts import facts_of, weights_digest  # noqa: E402
from webbrain.models import resolve  # noqa: E402
from webbrain.store.index import Index  # noqa: E402
from webbrain.training.batches import HELD_OUT, Examples  # noqa: E402
from webbrain.training.checkpoint import trained  # noqa: E402
from webbrain.training.curve import read_curve  # noqa: E402
from webbrain.training.loop import schedule  # noqa: E402
from webbrain.training.packed import BatchPlan, PackedSet, Position  # noqa: E402
from webbrain.training.parts import join_parts, pack_parts  # noqa: E402
from webbrain.training.run import train_writer  # noqa: E402
from webbrain.training.settings import STAGES, TrainSettings  # noqa: E402
from webbrain.writing.compact.card import read_card  # noqa: E402
from webbrain.writing.compact.model import CompactShape, warm_start  # noqa: E402
from webbrain.writing.fid.model import IGNORED  # noqa: E402
from webbrain.writing.pipeline import ArticleWriter  # noqa: E402
from webbrain.writing.writers import make_writer  # noqa: E402

ROOT = Path(__file__).parents[2]
STEPS = 12


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `encoder`, `articles.jsonl` and `packed`."""
    folder = tmp_path_factory.mktemp("training")
    make_encoder(folder / "encoder")
    write_articles(folder / "articles.jsonl")
    settings = DatasetSettings(kind="articles", dev_share=0.1, test_share=0.05)
    build_dataset(folder / "articles.jsonl", folder / "dataset", settings, workers=1)
    pack_dataset(folder / "dataset", folder / "packed", str(folder / "encoder"), PackSettings(64, 64))
    return folder


def settings(work: Path, steps: int = STEPS, **changes: Any) -> TrainSettings:
    small = TrainSettings(base=str(work / "encoder")).smoke()
    stages = {name: replace(stage, steps=steps) for name, stage in small.stages.items()}
    return replace(small, stages=stages, batch_examples=4, dev_every=3, checkpoint_every=3, **changes)


def train(*arguments: Any, **options: Any) -> dict[str, Any]:
    report = train_writer(*arguments, **options)
    assert report is not None
    return report


def curve(run: Path) -> list[dict[str, str]]:
    return [{**row, "seconds": ""} for row in read_curve(run / "curve.csv")]


def test_the_whole_path_ends_in_a_writer_that_writes(work: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    run = tmp_path / "run"
    report = train(
        work / "packed", run, settings(work, 2), score=lambda texts, targets: {"n": len(texts)}, note=lines.append
    )
    assert [row["stage"] for row in curve(run)] == [stage for stage in STAGES for _ in range(2)]
    assert report == json.loads((run / "report.json").read_text())
    assert report["scores"] == {"n": 1}
    sample = json.loads((run / "samples.jsonl").read_text())
    assert sample["target"]
    assert "<svg" in (run / "curve.svg").read_text()
    config = json.loads((run / "config.json").read_text())
    assert len(config["data_sha256"]) == 64
    index = tmp_path / "index"
    build(work / "articles.jsonl", index, BuildSettings(encoder=str(work / "encoder"), precision="fp32"))
    writer = f"compact:{run / 'writer'}"
    article = ArticleWriter.over(Index.open(index), writer=writer).write(str(articles()[0]["title"]))
    assert article.provenance["writer"] == "compact"
    assert article.provenance["writer_settings"] == facts_of(make_writer(writer, None))
    assert article.provenance["writer_settings"]["sha256"] == weights_digest(run / "writer")
    assert article.provenance["writer_settings"]["decoding"]["beams"] == 5
    with pytest.raises(ConfigError, match="--resume"):
        train(work / "packed", run, settings(work, 2), note=lines.append)
    with pytest.raises(ConfigError, match="other settings"):
        train(work / "packed", run, settings(work, 3), resume=True, note=lines.append)


def test_the_smoke_command_leaves_parts_and_says_what_came_of_it(work: Path, tmp_path: Path) -> None:
    command = [sys.executable, "cli.py", "train", "writer", "--smoke", "--json", "--base", str(work / "encoder")]
    folders = {"--data": work / "packed", "--output": tmp_path / "run", "--parts": tmp_path / "parts"}
    options = [str(part) for pair in folders.items() for part in pair]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["stopped"] == "all steps done"
    assert 0 <= report["scores"]["rougeL"] <= 1
    writer = join_parts(tmp_path / "parts", tmp_path / "joined")
    assert read_card(writer) == read_card(tmp_path / "run" / "writer")
    assert (tmp_path / "parts" / "run" / "curve.csv").exists()


def test_two_processes_learn_what_one_does_in_twice_the_batches(work: Path, tmp_path: Path) -> None:
    make_encoder(tmp_path / "encoder", dropout=0.0)  # each process draws its own
    options = ["--smoke", "--data", str(work / "packed"), "--base", str(tmp_path / "encoder"), "--output"]
    several = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    two = [*several, "cli.py", "train", "writer", *options, str(tmp_path / "two")]
    one = [sys.executable, "cli.py", "train", "writer", *options, str(tmp_path / "one"), "--accumulate", "2"]
    for command in (two, one):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
    found, expected = curve(tmp_path / "two"), curve(tmp_path / "one")
    assert len(found) == 2 * len(STAGES)
    for row, other in zip(found, expected, strict=True):
        assert {**row, "loss": "", "dev_loss": ""} == {**other, "loss": "", "dev_loss": ""}
        assert float(row["loss"]) == pytest.approx(float(other["loss"]), abs=2e-5)
        assert float(row["dev_loss"] or 0) == pytest.approx(float(other["dev_loss"] or 0), abs=2e-5)


def test_a_killed_run_goes_on_to_the_same_curve(work: Path, tmp_path: Path) -> None:
    options = settings(work, patience=100)
    stages: Any = ("warmup", "full")
    train(work / "packed", tmp_path / "whole", options, stages=stages, note=_silent)
    whole = curve(tmp_path / "whole")
    assert len(whole) == 2 * STEPS
    killed = tmp_path / "killed"
    _kill_at(whole_rows := STEPS + 5, work, killed, options)
    before = len(curve(killed))
    assert whole_rows <= before < len(whole)
    lines: list[str] = []
    train(work / "packed", killed, options, stages=stages, resume=True, note=lines.append)
    assert "going on from full-" in lines[0]
    assert curve(killed) == whole
    step, other = (
        np.frombuffer((tmp_path / run / "writer/step.onnx").read_bytes(), "u1") for run in ("whole", "killed")
    )
    assert np.array_equal(step, other)


def _silent(_: str) -> None:
    return


def _kill_at(rows: int, work: Path, run: Path, options: TrainSettings) -> None:
    """Start the same training in another process and kill it once its curve has so many rows."""
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom tests.fid.test_training import settings\n"
        "from webbrain.training.run import train_writer\n"
        "def slowly(line):\n    time.sleep(0.1)\n"  # so that there is time to be killed in
        f"work = Path({str(work)!r})\n"
        f"train_writer(work / 'packed', Path({str(run)!r}), settings(work, patience=100), "
        "stages=('warmup', 'full'), note=slowly)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    for _ in range(3000):
        if (run / "curve.csv").exists() and len(read_curve(run / "curve.csv")) >= rows:
            break
        assert process.poll() is None, "training ended before it could be killed"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_training_lowers_the_loss(work: Path, tmp_path: Path) -> None:
    report = train(work / "packed", tmp_path / "run", settings(work, 60), stages=("full",), note=_silent)
    rows = curve(tmp_path / "run")
    assert float(rows[-1]["loss"]) < 0.6 * float(rows[0]["loss"])
    assert report["dev_loss"] == pytest.approx(min(float(row["dev_loss"]) for row in rows if row["dev_loss"]), abs=1e-5)


def test_a_stage_ends_when_the_development_loss_no_longer_falls(work: Path, tmp_path: Path) -> None:
    options = settings(work, 400, patience=2)
    wild = {name: replace(stage, learning_rate=3.0) for name, stage in options.stages.items()}
    report = train(work / "packed", tmp_path / "run", replace(options, stages=wild), stages=("full",), note=_silent)
    assert report["stopped"] == "the development loss no longer falls"
    rows = [float(row["dev_loss"]) for row in curve(tmp_path / "run") if row["dev_loss"]]
    assert min(rows) == rows[-3]


def test_minutes_bound_the_run(work: Path, tmp_path: Path) -> None:
    options = settings(work, 100_000, minutes=0.1, patience=10**9)
    begin = time.monotonic()
    report = train(work / "packed", tmp_path / "run", options, stages=("warmup",), note=_silent)
    assert report["stopped"] == "the time is up"
    assert 4 < report["seconds"] < 8
    assert time.monotonic() - begin < 30
    assert float(curve(tmp_path / "run")[-1]["learning_rate"]) < 1e-4


def test_when_the_time_is_up_the_last_weights_are_measured_too(work: Path, tmp_path: Path) -> None:
    options = settings(work, 100_000, minutes=0.05)
    report = train(
        work / "packed", tmp_path / "run", replace(options, dev_every=90_000), stages=("warmup",), note=_silent
    )
    rows = curve(tmp_path / "run")
    assert [bool(row["dev_loss"]) for row in rows] == [False] * (len(rows) - 1) + [True]
    assert report["dev_loss"] == pytest.approx(float(rows[-1]["dev_loss"]), abs=1e-5)
    assert (tmp_path / "run" / "best-warmup.safetensors").exists()


def _still(options: TrainSettings, **changes: Any) -> TrainSettings:
    """The same without learning anything."""
    stages = {name: replace(stage, learning_rate=0.0) for name, stage in options.stages.items()}
    return replace(options, stages=stages, weight_decay=0.0, **changes)


def test_an_encoder_that_is_trained_moves_more_slowly_and_shares_its_words(work: Path, tmp_path: Path) -> None:
    found = {}
    for rate in (0.0, 0.3):
        options = settings(work, 2, frozen_encoder=False, encoder_rate=rate, weight_decay=0.0)
        train(work / "packed", tmp_path / str(rate), options, stages=("full",), note=_silent)
        found[rate] = load_file(tmp_path / str(rate) / "best-full.safetensors")
    torch.manual_seed(0)
    begun, _ = warm_start(resolve(str(work / "encoder")), CompactShape(frozen_encoder=False))
    before = trained(begun)
    assert before.keys() == found[0.0].keys()
    assert not [name for name in before if name.startswith("seq2seq.decoder") and "word_embeddings" in name]
    moved = {
        rate: {name for name in before if not torch.equal(weights[name], before[name])}
        for rate, weights in found.items()
    }
    assert not [name for name in moved[0.0] if name.startswith("seq2seq.encoder")]
    assert [name for name in moved[0.0] if name.startswith("seq2seq.decoder")]
    assert "seq2seq.encoder.embeddings.word_embeddings.weight" in moved[0.3]


def test_a_run_goes_on_from_the_weights_of_another(work: Path, tmp_path: Path) -> None:
    train(work / "packed", tmp_path / "one", settings(work, 4), stages=("full",), note=_silent)
    first = tmp_path / "one" / "best-full.safetensors"
    options = _still(settings(work, 2), weights=str(first))
    train(work / "packed", tmp_path / "two", options, stages=("full",), note=_silent)
    begun, ended = load_file(first), load_file(tmp_path / "two" / "best-full.safetensors")
    assert all(torch.equal(begun[name], ended[name]) for name in begun)
    with pytest.raises(ConfigError, match="holds no weights"):
        train(work / "packed", tmp_path / "three", replace(options, weights=str(tmp_path / "none")), note=_silent)


def test_retrieved_references_are_learned_from_where_the_data_has_them() -> None:
    plain = TrainSettings()
    assert plain.with_sets({"train", "dev"}) == plain
    assert plain.with_sets({"train", "train.retrieved"}).stages["full"].train == "train+train.retrieved"


def test_an_empty_set_is_said(work: Path, tmp_path: Path) -> None:
    data = tmp_path / "packed"
    shutil.copytree(work / "packed", data)
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["sets"]["gaps"]["parts"] = []
    (data / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigError, match="'gaps'"):
        train(data, tmp_path / "run", settings(work, 2), stages=("language",), note=_silent)


def test_minutes_leave_some_for_what_comes_after() -> None:
    assert TrainSettings().seconds() == 0.0
    assert TrainSettings(minutes=1).seconds() == pytest.approx(51)
    assert TrainSettings(minutes=20).seconds() == pytest.approx(1140)


def test_a_seq2seq_trains_the_same_way(work: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    from tests.fid.models import make_seq2seq
    from webbrain.writing.fid.folder import save_model
    from webbrain.writing.fid.model import FusionInDecoder
    from webbrain.writing.fid.vocabulary import Vocabulary

    vocabulary = Vocabulary(Tokenizer.from_file(str(work / "encoder" / "tokenizer.json")))
    save_model(FusionInDecoder(make_seq2seq("bart", vocabulary)), vocabulary, tmp_path / "bart")
    options = replace(settings(work, 2), base=str(tmp_path / "bart"))
    train(work / "packed", tmp_path / "run", options, stages=("full",), note=_silent)
    assert (tmp_path / "run" / "writer" / "fid.json").exists()
    assert (tmp_path / "run" / "samples.jsonl").read_text().count("\n") == 1


def test_processes_share_the_batches_and_resuming_skips_none(work: Path) -> None:
    _, vocabulary = warm_start(resolve(str(work / "encoder")))
    examples = Examples(PackedSet.open(work / "packed", "train"), vocabulary, numbered=True)
    plan = BatchPlan(3, 2048, seed=5)

    def take(count: int, start: Position, **share: int) -> list[Any]:
        stream = examples.train(plan, start, **share)
        return [next(stream) for _ in range(count)]

    alone = take(24, Position())
    shared = [take(12, Position(), rank=rank, world=2) for rank in range(2)]
    pairs = [batch for both in zip(*shared, strict=True) for batch in both]
    # With an odd number of batches the last of an epoch is left out, so that every process has one.
    epoch = len(examples.packed.batches(plan, 0)) // 2 * 2
    for one, other in list(zip(alone, pairs, strict=True))[:epoch]:
        assert torch.equal(one.ids, other.ids)
        assert torch.equal(one.labels, other.labels)
    later = take(4, alone[9].position)
    assert all(torch.equal(one.ids, other.ids) for one, other in zip(alone[10:14], later, strict=True))


def test_both_source_forms_say_the_same(work: Path) -> None:
    _, vocabulary = warm_start(resolve(str(work / "encoder")))
    packed = PackedSet.open(work / "packed", "train")
    plan = BatchPlan(2, 4096, shuffle=False)
    numbered = next(Examples(packed, vocabulary, numbered=True).train(plan, Position()))
    marked = next(Examples(packed, vocabulary, numbered=False).train(plan, Position()))
    assert torch.equal(numbered.labels, marked.labels)
    assert numbered.numbers[0].tolist() == [0, *marked.numbers[0].tolist()]
    control = set(vocabulary.marks) | {vocabulary.title, vocabulary.ref}
    assert not control & set(numbered.ids.flatten().tolist())
    row = marked.ids[0, 0].tolist()
    assert row[:2] == [*vocabulary.start, vocabulary.title]
    assert vocabulary.marks[1] in row
    assert vocabulary.decode(row) == vocabulary.decode(numbered.ids[0, 1].tolist())
    assert set(marked.labels.flatten().tolist()) & set(vocabulary.marks)


def test_a_set_that_is_its_own_development_set_holds_examples_back(work: Path) -> None:
    _, vocabulary = warm_start(resolve(str(work / "encoder")))
    packed = PackedSet.open(work / "packed", "gaps")
    examples = Examples(packed, vocabulary, numbered=True, held_out=True)
    dev = _targets(examples.dev(BatchPlan(4), 99))
    assert len(dev) == len(range(0, len(packed), HELD_OUT))
    for size in (1, 4):
        batches = len(packed.batches(BatchPlan(size), 0))
        assert not dev & _targets(islice(examples.train(BatchPlan(size), Position()), batches))


def _targets(batches: Any) -> set[tuple[int, ...]]:
    return {tuple(token for token in row if token != IGNORED) for batch in batches for row in batch.labels.tolist()}


def test_schedule_rises_and_falls() -> None:
    values = [schedule(share / 100, 0.1) for share in range(101)]
    assert max(values) == values[10] == 1.0
    assert values[0] < 0.05
    assert values[100] == 0.0
    assert values[:10] == sorted(values[:10])
    assert values[10:] == sorted(values[10:], reverse=True)


def test_parts_come_together_again_or_say_which_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "writer"
    (folder / "deep").mkdir(parents=True)
    content = {"a.bin": os.urandom(5000), "deep/b.txt": b"text"}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    paths = pack_parts(folder, tmp_path / "parts", 2048)
    assert len(paths) == 3
    assert all(path.stat().st_size <= 2048 for path in paths)
    again = [path.read_bytes() for path in pack_parts(folder, tmp_path / "again", 2048)]
    assert again == [path.read_bytes() for path in paths]
    whole = join_parts(tmp_path / "parts", tmp_path / "joined")
    assert {name: (whole / name).read_bytes() for name in content} == content
    paths[1].write_bytes(b"x" + paths[1].read_bytes()[1:])
    with pytest.raises(CorpusError, match=r"writer\.001"):
        join_parts(tmp_path / "parts", tmp_path / "other")
    pack_parts(folder, tmp_path / "some", only=("*.txt",))
    assert [path.name for path in join_parts(tmp_path / "some", tmp_path / "few").rglob("*.*")] == ["b.txt"]
    with pytest.raises(ConfigError, match="nothing"):
        pack_parts(folder, tmp_path / "none", only=("nothing",))
