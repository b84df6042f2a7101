"""The exported writer is the trained one: same probabilities, same beam search, and no torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the writer's training extra is not installed: pip install '.[train]'")

from tests.fid.data import make_encoder  # noqa: E402
from webbrain.encoding.encoder import OnnxEncoder, package_encoder  # noqa: E402
from webbrain.errors import ConfigError, ModelNotFound  # noqa: E402
from webbrain.models import ModelFiles, resolve  # noqa: E402
from webbrain.protocols import Writer  # noqa: E402
from webbrain.types import Passage  # noqa: E402
from webbrain.writing.compact.beam import beam_search, no_repeat, not_before  # noqa: E402
from webbrain.writing.compact.export import export_writer  # noqa: E402
from webbrain.writing.compact.model import CompactShape, warm_start  # noqa: E402
from webbrain.writing.compact.runtime import CompactRuntime  # noqa: E402
from webbrain.writing.compact.writer import CompactWriter  # noqa: E402
from webbrain.writing.fid.batch import pad_sources  # noqa: E402
from webbrain.writing.fid.constrain import RuledLogits  # noqa: E402
from webbrain.writing.fid.model import FusionInDecoder  # noqa: E402
from webbrain.writing.fid.rules import DecodingRules  # noqa: E402
from webbrain.writing.fid.vocabulary import MAX_REFERENCES, Vocabulary  # noqa: E402
from webbrain.writing.fid.writer import Decoding  # noqa: E402

QUERY = "Arden Arden"
TEXTS = (
    "The famous painter Arden Arden was born near Oldport.",
    "Arden Arden opened the first school of Oldport in 1800.",
)
EVIDENCE = [Passage(f"d{n}#0", f"d{n}", "", text, 0, len(text)) for n, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    folder = tmp_path_factory.mktemp("model") / "encoder"
    make_encoder(folder)
    return resolve(str(folder))


def make(files: ModelFiles, seed: int = 0, **shape: Any) -> tuple[FusionInDecoder, Vocabulary]:
    """Warm-started, then shaken: a model whose choices are no near ties."""
    torch.manual_seed(seed)
    model, vocabulary = warm_start(files, CompactShape(**shape))
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.requires_grad and value.dim() > 1:
                value.add_(torch.randn_like(value) * (0.4 if "embeddings" in name else 0.08))
    return model.eval(), vocabulary


@pytest.fixture(scope="module", params=["int8", "fp32"])
def packaged(request: pytest.FixtureRequest, files: ModelFiles, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(model, vocabulary, folder of its export, encoder) at a precision."""
    folder = tmp_path_factory.mktemp(request.param)
    model, vocabulary = make(files)
    export_writer(model, vocabulary, files, folder / "writer", precision=request.param)
    package_encoder(files, folder / "encoder", "fp32")
    return model, vocabulary, folder / "writer", OnnxEncoder(folder / "encoder"), request.param


def sources(model: FusionInDecoder, vocabulary: Vocabulary) -> tuple[Any, list[list[int]], list[int]]:
    rows, numbers = vocabulary.sources(QUERY, EVIDENCE, 64, numbered=True)
    with torch.no_grad():
        return model.encode(*pad_sources([rows], 0), torch.tensor([numbers])), rows, numbers


def test_warm_start_takes_the_encoders_layers_and_ties_the_embeddings(files: ModelFiles) -> None:
    model, vocabulary = warm_start(files)
    encoder, decoder = model.seq2seq.encoder.state_dict(), model.seq2seq.decoder.bert.state_dict()
    shared = [name for name in encoder if name in decoder and "embeddings.word" not in name]
    assert len(shared) > 15
    assert all(torch.equal(encoder[name], decoder[name]) for name in shared)
    words = encoder["embeddings.word_embeddings.weight"]
    assert torch.equal(decoder["embeddings.word_embeddings.weight"][: len(words)], words)
    assert len(decoder["embeddings.word_embeddings.weight"]) == vocabulary.size
    assert model.seq2seq.decoder.get_output_embeddings().weight is model.seq2seq.decoder.get_input_embeddings().weight


def test_each_step_gives_the_probabilities_of_torch(packaged: Any) -> None:
    """float32 to 1e-4 in log-probability; int8 to 0.1 in total variation (the model is random, so nearly flat)."""
    model, vocabulary, folder, encoder, precision = packaged
    encoded, rows, numbers = sources(model, vocabulary)
    words = [vocabulary.start[0], *vocabulary.ids("Arden was a"), vocabulary.marks[1]]
    with torch.no_grad():
        raw = model.logits(encoded, torch.tensor([words]))
        expected = model.copy.log_probs(raw, model._last_hidden, encoded.states, encoded.mask, encoded.ids)[0].numpy()
    runtime = CompactRuntime.open(folder)
    state = runtime.begin([encoder.encode_ids(row) for row in rows], rows, numbers)
    for place, token in enumerate(words):
        found = runtime.step(state, [token])[0]
        if precision == "fp32":
            assert np.abs(found - expected[place]).max() < 1e-4
        assert np.abs(np.exp(found) - np.exp(expected[place])).sum() / 2 < 0.1


@pytest.mark.parametrize("seed", range(2))
def test_beam_search_is_that_of_transformers(files: ModelFiles, tmp_path: Path, seed: int) -> None:
    model, vocabulary = make(files, seed, copy=seed % 2 == 0)
    export_writer(model, vocabulary, files, tmp_path, precision="fp32")
    _, rows, numbers = sources(model, vocabulary)
    rules = DecodingRules(vocabulary, EVIDENCE)
    out = model.generate(
        *pad_sources([rows], 0),
        torch.tensor([numbers]),
        num_beams=3,
        max_new_tokens=25,
        min_new_tokens=15,
        no_repeat_ngram_size=3,
        early_stopping=True,
        do_sample=False,
        logits_processor=[RuledLogits([rules])],
    )
    runtime = CompactRuntime.open(tmp_path)
    states = [part.numpy() for part in _split(model, rows)]
    state = runtime.begin(states, rows, numbers)
    found = beam_search(
        lambda ids: runtime.step(state, ids),
        state.keep,
        [not_before(15, vocabulary.end[0]), no_repeat(3), rules.apply],
        start=vocabulary.start[0],
        end=vocabulary.end[0],
        beams=3,
        max_tokens=25,
    )
    assert found == [token for token in out[0].tolist()[1:] if token != 0]


def test_the_end_comes_after_the_least_number_of_tokens() -> None:
    rule = not_before(3, end=1)
    for written, free in (([], False), ([5, 6], False), ([5, 6, 7], True)):
        scores = np.zeros(4, np.float32)
        rule(written, scores)
        assert bool(np.isfinite(scores[1])) is free
        assert np.isfinite(scores[[0, 2, 3]]).all()
    assert [Decoding(min_tokens=130).least(references) for references in (1, 4, 5)] == [26, 104, 130]
    assert Decoding().least(5) == 0


def test_an_article_is_as_long_as_it_is_asked_to_be(packaged: Any) -> None:
    _, vocabulary, folder, encoder, _ = packaged
    never = Decoding(beams=1, max_tokens=24, min_tokens=24 * MAX_REFERENCES, no_repeat=0)
    for count in (1, len(EVIDENCE)):
        ids = CompactWriter(encoder, str(folder), never).generate_ids(QUERY, EVIDENCE[:count])
        assert len(ids) == 24
        assert vocabulary.end[0] not in ids


def _split(model: FusionInDecoder, rows: list[list[int]]) -> list[Any]:
    """The encoder's own states of each row, before the numbers are added."""
    with torch.no_grad():
        return [model.seq2seq.encoder(input_ids=torch.tensor([row])).last_hidden_state[0] for row in rows]


def test_writes_marks_that_resolve_from_the_shared_encoder(packaged: Any) -> None:
    _, _, folder, encoder, _ = packaged
    writer = CompactWriter(encoder, str(folder), Decoding(beams=2, max_tokens=25))
    assert isinstance(writer, Writer)
    written = writer.generate(QUERY, EVIDENCE)
    assert written
    assert {mark for sentence in written for mark in sentence.marks} <= {0, 1, 2}
    assert all(set(sentence.citations) <= {1, 2} for sentence in writer.write(QUERY, EVIDENCE))
    assert writer.write(QUERY, []) == []
    sampled = CompactWriter(encoder, str(folder), Decoding(max_tokens=12, sample=True, seed=1))
    assert sampled.generate_ids(QUERY, EVIDENCE) == sampled.generate_ids(QUERY, EVIDENCE)
    other = replace(sampled.decoding, seed=2)
    assert CompactWriter(encoder, str(folder), other).generate_ids(QUERY, EVIDENCE) != sampled.generate_ids(
        QUERY, EVIDENCE
    )


def test_a_trained_encoder_ships_with_the_writer(files: ModelFiles, tmp_path: Path) -> None:
    model, vocabulary = make(files, frozen_encoder=False)
    export_writer(model, vocabulary, files, tmp_path)
    assert CompactWriter(None, str(tmp_path), Decoding(beams=2, max_tokens=8)).generate_ids(QUERY, EVIDENCE)


def test_wrong_folders_and_encoders_are_named(packaged: Any, tmp_path: Path) -> None:
    _, _, folder, _, _ = packaged
    with pytest.raises(ConfigError, match="--model"):
        CompactWriter().write(QUERY, EVIDENCE)
    with pytest.raises(ConfigError, match="build the index with"):
        CompactWriter(None, str(folder)).write(QUERY, EVIDENCE)
    with pytest.raises(ModelNotFound, match="no compact writer"):
        CompactWriter(None, str(tmp_path)).write(QUERY, EVIDENCE)
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "step.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelNotFound, match="altered"):
        CompactWriter(None, str(tmp_path)).write(QUERY, EVIDENCE)


def test_writing_needs_no_torch(packaged: Any) -> None:
    _, _, folder, encoder, _ = packaged
    script = (
        "import sys\nfrom pathlib import Path\nfrom webbrain.encoding.encoder import OnnxEncoder\n"
        "from webbrain.types import Passage\nfrom webbrain.writing.writers import make_writer\n"
        f"writer = make_writer('compact:{folder}', OnnxEncoder(Path({str(encoder.folder)!r})))\n"
        f"writer.generate('Arden', [Passage('d', 'd', '', {TEXTS[0]!r}, 0, 1)])\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
