"""What a build needs of memory is bounded by a shard and by the largest document, not by the corpus."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEBI = 1 << 20
PEAK = """
import resource, sys
from pathlib import Path
from indexing.build import build
from indexing.settings import BuildSettings
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before = peak()
settings = BuildSettings(encoder=None, shard_passages=int(sys.argv[3]), duplicates="keep")
report = build(Path(sys.argv[1]), Path(sys.argv[2]), settings)
print(peak() - before, report.totals["documents"], report.totals["passages"], report.totals["rejects"])
"""


def peak_of_build(corpus: Path, output: Path, shard: int) -> list[int]:
    """[bytes above what the imports take, documents, passages, rejects]."""
    command = [sys.executable, "-c", PEAK, str(corpus), str(output), str(shard)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.split()]


def rows(number: int) -> Iterator[str]:
    for n in range(number):
        words = " ".join(f"word{(n * 7919 + m * 104729) % 5000}" for m in range(100))
        yield json.dumps({"id": str(n), "text": f"The {words}."}) + "\n"


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    found = []
    for number in (2_000, 8_000):
        corpus = tmp_path / f"{number}.jsonl"
        with corpus.open("w") as file:
            file.writelines(rows(number))
        peak, documents, *_ = peak_of_build(corpus, tmp_path / f"i{number}", 1000)
        assert documents == number
        found.append(peak)
    assert found[1] < found[0] + 8 * MEBI


def test_one_line_of_fifty_megabytes(tmp_path: Path) -> None:
    corpus = tmp_path / "c.jsonl"
    sentence = "The quick brown fox of this tale jumps over the lazy dog of that other one. "
    with corpus.open("w") as file:
        file.write('{"id": "big", "text": "' + sentence * (50_000_000 // len(sentence)) + '"}\n')
        file.writelines(rows(3))
    peak, documents, passages, rejects = peak_of_build(corpus, tmp_path / "i", 1000)
    assert (documents, rejects) == (4, 0)
    assert passages > 50_000
    assert peak < 30 * 50 * MEBI
