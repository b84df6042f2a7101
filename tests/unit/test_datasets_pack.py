from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from indexing.datasets.formats import Example, ExampleReference, ExampleSentence
from indexing.datasets.pack import PackSettings, encode_example, pack_dataset
from indexing.datasets.settings import DatasetSettings
from indexing.datasets.splits import split_of
from indexing.datasets.stage import json_line
from indexing.datasets.tokens import PackTokenizer
from webbrain.errors import ConfigError, CorpusError, ModelNotFound
from webbrain.training.packed import BatchPlan, PackedExample, PackedSet, Position, pad_batch, reordered, verify

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *(f"[unused{n}]" for n in range(1, 9)),
    "(",
    ")",
    "sep",
    "ada",
    "who",
    "a",
    "b",
]
ID = {word: number for number, word in enumerate(WORDS)}
PAD, CLS, SEP, TITLE, REF, M0, M1, M2 = (
    ID[w] for w in ("[PAD]", "[CLS]", "[SEP]", *(f"[unused{n}]" for n in range(1, 6)))
)
ADA, WHO, A, B = (ID[word] for word in ("ada", "who", "a", "b"))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    inner = Tokenizer(models.WordPiece(ID, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.add_special_tokens(["[CLS]", "[SEP]", "[PAD]"])
    inner.enable_truncation(3)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    inner.save(str(path))
    return path


def _example(number: int = 0, references: int = 2) -> Example:
    return Example(
        f"e{number}",
        "Ada",
        tuple(
            ExampleReference(n, "Who", "a b " * (n + number % 3), f"d{n}", f"d{n}#0", "body")
            for n in range(1, references + 1)
        ),
        (
            ExampleSentence("Ada a.", (1,), 0.9),
            ExampleSentence("b", (0,), 0.0),
            ExampleSentence("a b", tuple(range(1, references + 1)), 0.4),
        ),
    )


def _dataset(folder: Path, examples: list[Example]) -> Path:
    for name in ("webbrain-g", "webbrain-r"):
        (folder / name).mkdir(parents=True)
    (folder / "webbrain-g/train.jsonl").write_text("".join(json_line(one.as_json()) for one in examples))
    (folder / "webbrain-g/warmup-train.jsonl").write_text("")
    (folder / "webbrain-r/corpus.jsonl").write_text(json_line({"id": "p", "title": "", "contents": "who a b"}))
    (folder / "statistics.json").write_text("{}")
    settings = DatasetSettings(dev_share=0.3, test_share=0.3)
    manifest = {"plan_id": "plan", "files": {}, "counts": {}, "settings": settings.as_json()}
    (folder / "dataset.json").write_text(json.dumps(manifest))
    return folder


def test_an_example_as_ids(tokenizer: Path) -> None:
    encoder = PackTokenizer.load(str(tokenizer), 5)
    found, _ = encode_example(_example(), encoder, PackSettings())
    assert found.references[0] == [CLS, TITLE, ADA, REF, M1, WHO, A, B, SEP]
    assert found.references[1] == [CLS, TITLE, ADA, REF, M2, WHO, A, B, A, B, SEP]
    assert found.target == [ADA, A, 1, M1, B, M0, A, B, M1, M2, SEP]


def test_text_never_becomes_structure(tokenizer: Path) -> None:
    encoder = PackTokenizer.load(str(tokenizer), 5)
    (ids,) = encoder.encode(["[SEP] [unused1] [CLS] ada"])
    assert SEP not in ids
    assert TITLE not in ids
    assert ids[-1] == ADA


def test_too_long_is_cut_at_the_text_and_after_whole_sentences(tokenizer: Path) -> None:
    encoder = PackTokenizer.load(str(tokenizer), 5)
    long = Example(
        "e",
        "Ada",
        (ExampleReference(1, "Who", "a b " * 30, "d", "d", "body"),),
        (ExampleSentence("a " * 10, (1,), 1.0), ExampleSentence("b " * 10, (1,), 1.0)),
    )
    found, counts = encode_example(long, encoder, PackSettings(input_tokens=16, target_tokens=16))
    assert found.references[0] == [CLS, TITLE, ADA, REF, M1, WHO, *([A, B] * 5)[:9], SEP]
    assert found.target == [*[A] * 10, M1, SEP]
    assert (counts["inputs_cut"], counts["targets_cut"]) == (1, 1)
    only = Example("e", "Ada", long.references, (ExampleSentence("a " * 40, (1,), 1.0),))
    assert encode_example(only, encoder, PackSettings(target_tokens=16))[0].target == [*[A] * 14, M1, SEP]


def test_weak_marks_are_lowered_or_their_sentences_dropped(tokenizer: Path) -> None:
    encoder = PackTokenizer.load(str(tokenizer), 5)
    marked, _ = encode_example(_example(), encoder, PackSettings(min_recall=0.5))
    assert marked.target == [ADA, A, 1, M1, B, M0, A, B, M0, SEP]
    dropped, counts = encode_example(_example(), encoder, PackSettings(min_recall=0.5, unsupported="drop"))
    assert dropped.target == [ADA, A, 1, M1, SEP]
    assert counts["sentences_dropped"] == 2
    fewer, _ = encode_example(_example(), encoder, PackSettings(references=1))
    assert fewer.target == [ADA, A, 1, M1, B, M0, A, B, M1, SEP]


def test_packed_data_reads_back(tokenizer: Path, tmp_path: Path) -> None:
    examples = [_example(number, 1 + number % 3) for number in range(7)]
    folder = _dataset(tmp_path / "data", examples)
    manifest = pack_dataset(folder, tmp_path / "packed", str(tokenizer), PackSettings(part_bytes=100))
    assert len(manifest["sets"]["train"]["parts"]) > 1
    assert manifest["sets"]["train"]["examples"] == len(PackedSet.open(tmp_path / "packed", "train")) == 7
    assert manifest["dataset"] == "plan"
    encoder = PackTokenizer.load(str(tokenizer), 5)
    train = PackedSet.open(tmp_path / "packed", "train")
    for number, example in enumerate(examples):
        wanted, _ = encode_example(example, encoder, PackSettings())
        found = train.example(number)
        assert found.example_id == example.example_id
        assert found.target.tolist() == wanted.target
        assert [part.tolist() for part in found.references] == wanted.references
    both = PackedSet.open(tmp_path / "packed", "train+train.warmup+train")
    assert len(both) == 14
    assert both.example(9).example_id == examples[2].example_id
    with pytest.raises(CorpusError, match="no set 'else'"):
        PackedSet.open(tmp_path / "packed", "train+else")
    assert len(PackedSet.open(tmp_path / "packed", "train.warmup")) == 0
    assert verify(tmp_path / "packed") == []


def test_practice_is_made_of_the_pages_that_the_dataset_trains_on(tokenizer: Path, tmp_path: Path) -> None:
    folder, text = _dataset(tmp_path / "data", []), "Ada a b who a b ada who. Who a b who ada a b ada."
    titles = [f"Town {number}" for number in range(60)]
    rows = [{"id": f"{title}#0", "title": title, "contents": text} for title in titles]
    (folder / "webbrain-r/corpus.jsonl").write_text("".join(map(json_line, rows)))
    pack_dataset(folder, tmp_path / "packed", str(tokenizer))
    gaps = PackedSet.open(tmp_path / "packed", "gaps")
    settings = DatasetSettings(dev_share=0.3, test_share=0.3)
    wanted = [f"{title}#0~gaps" for title in titles if split_of(title, settings) == "train"]
    assert [gaps.example(number).example_id for number in range(len(gaps))] == wanted
    assert 0 < len(wanted) < len(titles)


def test_a_damaged_part_is_found(tokenizer: Path, tmp_path: Path) -> None:
    pack_dataset(_dataset(tmp_path / "data", [_example()]), tmp_path / "packed", str(tokenizer))
    path = tmp_path / "packed/train-00000.tokens.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    assert verify(tmp_path / "packed") == [path.name]


def test_packing_again_keeps_and_refuses(tokenizer: Path, tmp_path: Path) -> None:
    folder = _dataset(tmp_path / "data", [_example()])
    first = pack_dataset(folder, tmp_path / "packed", str(tokenizer))
    assert pack_dataset(folder, tmp_path / "packed", str(tokenizer)) == first
    with pytest.raises(ConfigError, match="another packing"):
        pack_dataset(folder, tmp_path / "packed", str(tokenizer), PackSettings(references=3))
    with pytest.raises(ModelNotFound):
        pack_dataset(folder, tmp_path / "other", str(tmp_path / "absent.json"))
    with pytest.raises(CorpusError, match="no set 'dev'"):
        PackedSet.open(tmp_path / "packed", "dev")
    with pytest.raises(CorpusError, match="dataset pack"):
        PackedSet.open(tmp_path, "train")


@pytest.fixture(scope="module")
def packed(tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> PackedSet:
    folder = tmp_path_factory.mktemp("many")
    pack_dataset(
        _dataset(folder / "data", [_example(number, 1 + number % 4) for number in range(103)]),
        folder / "packed",
        str(tokenizer),
    )
    return PackedSet.open(folder / "packed", "train")


def test_an_epoch_has_every_example_once_in_an_order_of_its_own(packed: PackedSet) -> None:
    plan = BatchPlan(max_examples=8, seed=3)
    orders = [[int(n) for batch in packed.batches(plan, epoch) for n in batch] for epoch in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(103))
    assert orders[0] != orders[1]
    again = [int(n) for batch in packed.batches(plan, 0) for n in batch]
    assert again == orders[0]
    assert [int(n) for batch in packed.batches(BatchPlan(shuffle=False), 5) for n in batch] == list(range(103))


def test_batches_stay_within_their_bounds(packed: PackedSet) -> None:
    plan = BatchPlan(max_examples=8, max_tokens=200)
    sizes = []
    for numbers in packed.batches(plan, 0):
        batch = packed.batch(numbers, plan)
        tokens = batch.labels.size + batch.inputs.size
        assert len(numbers) <= 8
        assert tokens <= 200 or len(numbers) == 1
        sizes.append(len(numbers))
    assert max(sizes) > 1


def test_bucketing_saves_padding(packed: PackedSet) -> None:
    def fill(plan: BatchPlan) -> float:
        batches = [packed.batch(numbers, plan) for numbers in packed.batches(plan, 0)]
        return sum(one.input_mask.sum() for one in batches) / sum(one.input_mask.size for one in batches)

    assert fill(BatchPlan(max_examples=4)) > 1.1 * fill(BatchPlan(max_examples=4, shuffle=False))


def test_a_stream_goes_on_exactly_where_it_stopped(packed: PackedSet) -> None:
    plan = BatchPlan(max_examples=16, seed=1, shuffle_references=True)
    stream = packed.stream(plan)
    whole = [next(stream) for _ in range(2 * len(packed.batches(plan, 0)) + 3)]
    assert {position.epoch for position, _ in whole} == {0, 1, 2}
    for stop in (0, 4, len(packed.batches(plan, 0)) - 1):
        resumed = packed.stream(plan, whole[stop][0])
        for position, batch in whole[stop + 1 :]:
            found_position, found = next(resumed)
            assert found_position == position
            assert found.example_ids == batch.example_ids
            assert np.array_equal(found.inputs, batch.inputs)
            assert np.array_equal(found.labels, batch.labels)
    assert whole[0][0] == Position(0, 1)


def test_masks_tell_text_from_padding() -> None:
    one = PackedExample("a", np.array([5, 6], np.uint16), (np.array([7], np.uint16), np.array([8, 9], np.uint16)))
    two = PackedExample("b", np.array([5], np.uint16), (np.array([7], np.uint16),))
    batch = pad_batch([one, two], 0)
    assert batch.inputs.tolist() == [[[7, 0], [8, 9]], [[7, 0], [0, 0]]]
    assert batch.input_mask.tolist() == [[[True, False], [True, True]], [[True, False], [False, False]]]
    assert batch.labels.tolist() == [[5, 6], [5, 0]]
    assert batch.label_mask.tolist() == [[True, True], [True, False]]
    assert pad_batch([PackedExample("c", np.array([5], np.uint16), ())], 0).inputs.shape == (1, 0, 0)


def test_reordered_references_keep_their_sentences(packed: PackedSet) -> None:
    marks = packed.tokens.marks
    example = packed.example(3)  # four references, the last sentence cites them all
    swapped = reordered(example, [2, 0, 3, 1], packed.tokens)
    assert [int(part[4]) for part in swapped.references] == list(marks[1:5])
    assert swapped.references[0].tolist()[5:] == example.references[2].tolist()[5:]
    new = {1: 2, 2: 4, 3: 1, 4: 3}  # old marker -> new
    wanted = [marks[new[marks.index(t)]] if t in marks[1:5] else t for t in example.target.tolist()]
    assert swapped.target.tolist() == wanted
