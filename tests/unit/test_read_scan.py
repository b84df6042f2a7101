from __future__ import annotations

import bz2
import gzip
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from indexing.read import RawRecord, Reject, clean, fingerprint, scan, streams
from webbrain.errors import CorpusError
from webbrain.types import Document


def rows(number: int) -> bytes:
    # Unlike text, random digits do not pack away, so that a cut file still holds whole lines.
    draw = random.Random(7)
    row = [{"id": n, "text": f"Text {n} of the corpus: {draw.getrandbits(2000)}"} for n in range(number)]
    return "".join(json.dumps(one) + "\n" for one in row).encode()


def outcomes(corpus: Path) -> list[tuple[str, int, str]]:
    """(path, line, "" or the reject's reason) of all that a corpus gives."""
    items = [(record, item) for record in scan(corpus) for item in clean(record)]
    return [(record.path, record.line, item.reason if isinstance(item, Reject) else "") for record, item in items]


def test_a_mixed_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "rows.jsonl").write_bytes(rows(2))
    (tmp_path / "dir.jsonl").mkdir()
    (tmp_path / "dir.jsonl" / "n.txt").write_text("A note.")
    (tmp_path / "a.md").write_text("# Title\n\nText.")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.txt").write_text("unseen")
    (tmp_path / "rejects.jsonl").write_bytes(rows(1))
    (tmp_path / "link.txt").symlink_to(tmp_path / "gone.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    assert outcomes(tmp_path) == [
        ("a.md", 1, ""),
        ("b/rows.jsonl", 1, ""),
        ("b/rows.jsonl", 2, ""),
        ("dir.jsonl/n.txt", 1, ""),
        ("empty.jsonl", 1, "empty_file"),
        ("empty.txt", 1, "empty_file"),
        ("link.txt", 1, "unreadable"),
        ("photo.png", 1, "unknown_format"),
        ("pipe.txt", 1, "not_a_file"),
    ]
    records = list(scan(tmp_path))
    assert [record.ordinal for record in records] == list(range(9))
    assert records == list(scan(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("secret")
    (tmp_path / "a.txt").chmod(0)
    assert outcomes(tmp_path) == [("a.txt", 1, "unreadable")]


def test_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(rows(3)))
    assert [(record.path, record.line) for record in scan(path)] == [("rows.jsonl.gz", n) for n in (1, 2, 3)]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.jsonl.bz2"])
def test_packing_is_known_by_content(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(rows(3)))
    assert [reason for _, _, reason in outcomes(tmp_path)] == ["", "", ""]


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize(("pack", "packing"), [(gzip.compress, "gzip"), (bz2.compress, "bz2")])
def test_lines_before_a_break_are_kept(tmp_path: Path, cut: float, pack: object, packing: str) -> None:
    plain = rows(3000)
    packed = pack(plain)  # type: ignore[operator]
    (tmp_path / "rows.jsonl.gz").write_bytes(packed[: int(len(packed) * cut)])
    found = outcomes(tmp_path)
    assert [reason for _, _, reason in found[:-1]] == [""] * (len(found) - 1)
    assert found[-1] == ("rows.jsonl.gz", len(found), f"truncated_{packing}")
    if packing == "gzip":  # bzip2 gives whole blocks of 900 kB only
        assert len(found) > 3000 * cut * 0.8


def test_damaged_gzip(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(rows(3000)))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
    (tmp_path / "rows.jsonl.gz").write_bytes(packed)
    (tmp_path / "text.jsonl.gz").write_bytes(b"this was never packed")
    found = outcomes(tmp_path)
    assert {reason for path, _, reason in found if path.startswith("rows")} >= {"", "damaged_gzip"}
    assert found[-1] == ("text.jsonl.gz", 1, "damaged_gzip")


def test_a_line_over_the_limit_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 100)
    short = b'{"text": "short"}\n'
    (tmp_path / "rows.jsonl").write_bytes(short + b'{"text": "' + b"x " * 9_000 + b'"}\n' + short)
    assert [reason for _, _, reason in outcomes(tmp_path)] == ["", "too_large", ""]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_json_lines_with_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-32-le" else ""
    (tmp_path / "rows.jsonl").write_bytes(f'{mark}{{"text": "größer"}}\n{{"text": "zwei"}}'.encode(encoding))
    texts = [item.text for record in scan(tmp_path) for item in clean(record) if isinstance(item, Document)]
    assert texts == ["größer", "zwei"]


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        scan(tmp_path / "gone")
    with pytest.raises(CorpusError, match="found: no files"):
        scan(tmp_path)
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(CorpusError, match=r"1 x \.pdf\); kinds read: \.jsonl"):
        scan(tmp_path)
    with pytest.raises(CorpusError, match=r"1 x \.pdf"):
        scan(tmp_path / "a.pdf")


def test_progress_ends_at_all_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(rows(5000))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(rows(50)))
    told: list[tuple[int, int]] = []
    skipped: Counter[str] = Counter()
    assert len(list(scan(tmp_path, lambda done, total: told.append((done, total)), skipped))) == 5050
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert told[-1] == (total, total)
    assert len(told) > 2
    assert told == sorted(told)


def test_an_unknown_reason_cannot_come_out_empty() -> None:
    (item,) = clean(RawRecord(0, "a", 1, "fault", ("empty_file", "")))
    assert item == Reject("a", 1, "", "empty_file")


def test_a_long_line_stays_within_eight_times_its_size(tmp_path: Path) -> None:
    sentence = "A sentence  with é and 😀 in it.\\n"
    size = 16_000_000
    times = size // len(sentence.encode())
    (tmp_path / "big.jsonl").write_text('{"id": 1, "text": "' + sentence * times + '"}\n', encoding="utf-8")
    code = (
        "import resource, sys; from pathlib import Path; from indexing.read import scan, clean\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak()\n"
        "items = [item for record in scan(Path(sys.argv[1])) for item in clean(record)]\n"
        "print(len(items[0].text), peak() - before)"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True
    )
    characters, grown = map(int, run.stdout.split())
    assert characters == times * len("A sentence with é and 😀 in it.\n") - 1
    assert grown < 8 * size


class TestFingerprint:
    def test_it_follows_names_sizes_and_content_but_not_times(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("one")
        (tmp_path / "rejects.jsonl").write_text("x")
        first = fingerprint(tmp_path)
        assert len(first) == 64
        os.utime(path, (1, 1))
        (tmp_path / "rejects.jsonl").write_text("y")
        assert fingerprint(tmp_path) == first
        path.write_text("two")
        second = fingerprint(tmp_path)
        path.rename(tmp_path / "b.txt")
        assert len({first, second, fingerprint(tmp_path)}) == 3

    @pytest.mark.parametrize("place", [0, 5_000_000 - 1, 5_000_000 * 8 // 17])
    def test_a_large_file_is_sampled_all_over(self, tmp_path: Path, place: int) -> None:
        path = tmp_path / "a.txt"
        data = bytearray(5_000_000)
        path.write_bytes(data)
        before = fingerprint(path)
        data[place] = 1
        path.write_bytes(data)
        assert fingerprint(path) != before

    def test_a_small_file_is_read_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        data = bytearray(1_000_000)
        prints = set()
        for place in range(0, 1_000_000, 100_001):
            data[place] = 1
            path.write_bytes(data)
            prints.add(fingerprint(path))
        assert len(prints) == 10

    def test_broken_files_do_not_stop_it(self, tmp_path: Path) -> None:
        (tmp_path / "link.txt").symlink_to(tmp_path / "gone.txt")
        assert len(fingerprint(tmp_path)) == 64
        with pytest.raises(CorpusError, match="no such file"):
            fingerprint(tmp_path / "gone")
