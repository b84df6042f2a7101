"""Splits of a corpus, read one by one, give the records of the whole; storage shows files whole or not at all."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.cluster.engine import connected
from indexing.cluster.shard import ShardTask
from indexing.cluster.splits import Split, list_files, make_splits, split_as_json, split_from_json, survey
from indexing.cluster.storage import Storage, file_facts
from indexing.read import fingerprint, scan
from indexing.read.fingerprint import combine
from webbrain.errors import ConfigError

MARKS = (b"\xef\xbb\xbf", b"\xef\xbb\xbf{}", b"\x1f\x8b", b"BZh9", b"\xff\xfe", b"\xfe\xff{")
LINES = st.lists(
    st.sampled_from([b'{"text": "a"}', b"", b"{broken", b'{"text": "\xc3\xa9"}\r', *MARKS])
    | st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")),
    max_size=40,
)


def splits_of(corpus: Path, split_bytes: int) -> list[Split]:
    """By way of JSON, as workers get them."""
    found = make_splits([(file, survey(file, split_bytes)) for file in list_files(corpus)], split_bytes)
    return [split_from_json(split_as_json(split)) for split in found]


def records(splits: list[Split]) -> list[tuple[str, int, str, object]]:
    return [(piece.name, one.line, one.kind, one.data) for split in splits for piece in split for one in piece.read()]


def whole(corpus: Path) -> list[tuple[str, int, str, object]]:
    return [(record.path, record.line, record.kind, record.data) for record in scan(corpus)]


@given(lines=LINES, ends=st.booleans(), split_bytes=st.integers(1, 200))
def test_pieces_of_a_file_give_its_records(lines: list[bytes], ends: bool, split_bytes: int) -> None:
    with TemporaryDirectory() as folder:
        corpus = Path(folder) / "c.jsonl"
        corpus.write_bytes(b"\n".join(lines) + (b"\n" if ends else b""))
        assert records(splits_of(corpus, split_bytes)) == whole(corpus)


def test_a_large_file_is_cut_and_small_ones_lie_together(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "some words"}\n' * 1000)
    for n in range(20):
        (tmp_path / f"b{n}.txt").write_text("word " * n)
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b'{"text": "packed"}\n' * 3000))
    splits = splits_of(tmp_path, 5000)
    assert records(splits) == whole(tmp_path)
    assert len([piece for split in splits for piece in split if piece.name == "a.jsonl"]) > 3
    assert len([piece for split in splits for piece in split if piece.name == "c.jsonl.gz"]) == 1
    assert len(splits) < 9


def test_a_cut_at_every_block_border(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexing.cluster.splits.BLOCK", 7)
    corpus = tmp_path / "c.jsonl"
    corpus.write_bytes(b"".join(b'{"text": "%d"}\n' % n for n in range(30)))
    for split_bytes in range(1, 60):
        splits = splits_of(corpus, split_bytes)
        assert records(splits) == whole(corpus)
        assert len(splits) > 1


def test_wide_characters_are_not_cut(tmp_path: Path) -> None:
    corpus = tmp_path / "c.jsonl"
    corpus.write_bytes('{"text": "a"}\n'.encode("utf-16") * 50)
    assert len(splits_of(corpus, 100)) == 1


def test_surveys_together_name_the_corpus(tmp_path: Path) -> None:
    for name in ("z.txt", "a/b.txt", "a.txt", "a-b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "lost.txt").symlink_to(tmp_path / "nowhere")
    found = ((file, bytes.fromhex(survey(file, 9).content)) for file in list_files(tmp_path))
    assert combine(found) == fingerprint(tmp_path)


@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_storage(scheme: str, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="pip install 'webbrain[cluster]'")
    url = f"file://{tmp_path}/work" if scheme == "file" else "memory://work"
    storage = Storage(url)
    assert storage.get_json("a/b.json") is None
    (tmp_path / "x").write_bytes(b"12345")
    storage.put(tmp_path / "x", "a/x")
    storage.put(tmp_path / "x", "a/x")
    facts = {"a/x": file_facts(tmp_path / "x")}
    storage.put_json("a/b.json", {"files": facts})
    assert storage.get_json("a/b.json") == {"files": facts}
    assert storage.holds(facts)
    storage.get("a/x", tmp_path / "back/x")
    assert (tmp_path / "back/x").read_bytes() == b"12345"
    (tmp_path / "y").write_bytes(b"1234")
    storage.put(tmp_path / "y", "a/x")
    assert not storage.holds(facts)
    assert (tmp_path / "back/x").read_bytes() == b"12345"
    files, root = fsspec.core.url_to_fs(url)
    assert sorted(Path(name).name for name in files.find(root)) == ["b.json", "x"]
    storage.remove()
    assert storage.size("a/x") == -1
    storage.remove()


def test_an_unknown_kind_of_storage() -> None:
    pytest.importorskip("fsspec", reason="pip install 'webbrain[cluster]'")
    with pytest.raises(ConfigError, match="--storage"):
        Storage("nonsense://here").size("a")


def test_a_task_survives_json() -> None:
    raw = {"storage": "s", "number": 3, "skipped": 0, "analyzer": {"stemmer": "none", "version": 2}, "dense": False}
    plan = {"parts": [{"split": 1, "begin": 4, "verdicts": "kar"}], "next_ordinal": 9, "rejects": 1, "aliases": 1}
    task = ShardTask.from_json({**raw, "threads": 1, "plan": {**plan, "last": True}})
    assert (task.plan.parts[0].verdicts, task.plan.last, task.analyzer.stemmer) == ("kar", True, "none")


def test_no_cluster_is_told_at_once() -> None:
    pytest.importorskip("ray", reason="pip install 'webbrain[cluster]'")
    with pytest.raises(ConfigError, match="ray start"), connected("127.0.0.1:1"):
        pass
