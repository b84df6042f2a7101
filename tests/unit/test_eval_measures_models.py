"""QAGS and Triple Score through transformers, with tiny random models saved as the hub would give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="eval-models is not installed: pip install 'webbrain[eval-models]'")
transformers = pytest.importorskip("transformers", reason="pip install 'webbrain[eval-models]'")

from eval.core import Item  # noqa: E402
from eval.measures import make_measure  # noqa: E402
from eval.measures.hub import HubAnswerer, HubAsker, Seq2Seq, best_span  # noqa: E402
from eval.measures.qags import Question, qags  # noqa: E402
from webbrain.errors import ModelNotFound  # noqa: E402
from webbrain.types import Article, Passage, Reference, Sentence  # noqa: E402

pytestmark = pytest.mark.slow
SOURCE = "Apollo 11 was launched on 16 July 1969. Neil Armstrong landed on the Moon. " * 3
WORDS = sorted({word.strip(".").lower() for word in SOURCE.split()})
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MARKS = ["<hl>", "<triplet>", "<subj>", "<obj>", "generate", "question", ":", "."]


@pytest.fixture(autouse=True)
def short_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model never stops by itself."""
    monkeypatch.setattr("eval.measures.hub.QUESTION_TOKENS", 8)
    monkeypatch.setattr("eval.measures.hub.TRIPLE_TOKENS", 8)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random BERT for question answering."""
    folder = tmp_path_factory.mktemp("reader")
    tokenizer = _tokenizer(folder)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=34,
        initializer_range=1.0,
    )
    transformers.BertForQuestionAnswering(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random T5."""
    folder = tmp_path_factory.mktemp("writer")
    tokenizer = _tokenizer(folder)
    torch.manual_seed(2)
    config = transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=3,
    )
    transformers.T5ForConditionalGeneration(config).save_pretrained(folder)
    return str(folder)


def _tokenizer(folder: Path) -> Any:
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, *MARKS, *WORDS]))
    tokenizer = transformers.BertTokenizerFast(str(folder / "vocab.txt"))
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS[:4]})
    tokenizer.save_pretrained(folder)
    return tokenizer


def item(*sentences: str) -> Item:
    references = (Reference(1, Passage("p", "d", "Apollo 11", SOURCE, 0, 1)),)
    return Item("q", Article("Apollo", tuple(Sentence(text, (1,)) for text in sentences), references, "ok"), (SOURCE,))


def test_questions_are_asked_about_each_span_the_same_way_twice(writer: str) -> None:
    sentences = ["Apollo 11 was launched on 16 July 1969.", "It landed on the Moon."]
    first, second = HubAsker(writer).ask(sentences), HubAsker(writer).ask(sentences)
    assert [question.answer for question in first] == ["Apollo 11", "16 July 1969", "Moon"]
    assert first == second
    assert not any("<" in question.text or "[" in question.text for question in first)


def test_a_batch_writes_what_single_texts_write(writer: str) -> None:
    texts = ["Apollo 11 was launched.", "Neil Armstrong landed on the Moon on 16 July 1969.", "Moon"] * 4
    model = Seq2Seq(writer)
    assert model.generate(texts, 8) == [model.generate([text], 8)[0] for text in texts]


def by_hand(answerer: HubAnswerer, question: Question, text: str) -> str:
    """Each window scored by itself, span by span."""
    windows = answerer._windows(question.text, text)
    best, null = (float("-inf"), ""), float("inf")
    for number in range(len(windows["input_ids"])):
        ids, mask = (windows[name][number : number + 1] for name in ("input_ids", "attention_mask"))
        output = answerer.model(input_ids=ids, attention_mask=mask)
        starts, ends = output.start_logits[0].tolist(), output.end_logits[0].tolist()
        null = min(null, starts[0] + ends[0])
        places = [at for at, part in enumerate(windows.sequence_ids(number)) if part == 1]
        for first in places:
            for last in (at for at in places if first <= at < first + 30):
                offsets = windows["offset_mapping"][number]
                best = max(best, (starts[first] + ends[last], text[offsets[first][0] : offsets[last][1]]))
    return best[1] if best[0] > null else ""


def test_an_answer_is_the_best_span_over_all_windows(reader: str) -> None:
    """SOURCE is longer than the model reads at once."""
    question = Question("was launched", "", "name")
    answerer = HubAnswerer(reader)
    assert len(answerer._windows(question.text, SOURCE)["input_ids"]) > 2
    assert answerer.answer(question, SOURCE) == by_hand(answerer, question, SOURCE)
    assert answerer.answer(question, " ") == ""


def test_a_reader_may_say_that_there_is_no_answer(reader: str) -> None:
    answerer = HubAnswerer(reader)
    found = {}
    for word in WORDS:
        question = Question(word, "", "name")
        found[word] = answerer.answer(question, "moon")
        assert found[word] == by_hand(answerer, question, "moon")
    assert set(found.values()) == {"", "moon"}


def test_the_best_span_lies_in_the_text_and_runs_forwards() -> None:
    starts, ends = torch.tensor([9.0, 1.0, 5.0, 0.0]), torch.tensor([9.0, 4.0, 1.0, 2.0])
    assert best_span(starts, ends, [False, True, True, True]) == (7.0, 2, 3)
    assert best_span(starts, ends, [False, True, False, False]) == (5.0, 1, 1)
    assert best_span(starts, ends, [False] * 4) is None


def test_qags_runs_from_the_command_lines_spelling(reader: str, writer: str) -> None:
    name = f"qags:questions={writer},answers={reader}"
    found = make_measure(name).score([item("Apollo 11 was launched on 16 July 1969."), Item("m", None, (SOURCE,))])[0]
    assert found.name == f"QAGS({writer}, {reader})"
    assert list(found.values) == ["q", "m"]
    assert found.values["m"] is None
    assert found.values["q"] is None or 0 <= found.values["q"] <= 1


def test_qags_compares_the_answers_of_article_and_source(reader: str) -> None:
    """With questions made from what the reader answers, all of them are kept, and the same text scores 1."""
    answerer = HubAnswerer(reader)

    class Echo:
        def ask(self, sentences: Sequence[str]) -> list[Question]:
            text = " ".join(sentences)
            asked = [Question(word, "", "name") for word in ("Apollo", "Moon", "landed")]
            return [Question(q.text, answerer.answer(q, text), "name") for q in asked if answerer.answer(q, text)]

    assert Echo().ask([SOURCE])
    assert qags([SOURCE], SOURCE, Echo(), answerer) == 1.0
    assert qags([SOURCE], "", Echo(), answerer) == 0.0


def test_triple_score_runs_with_a_model(writer: str) -> None:
    found = make_measure(f"triple:model={writer},against=evidence").score([item("Apollo 11 was launched.")])[0]
    assert found.name == f"Triple({writer}) (evidence)"
    assert found.values["q"] is None or 0 <= found.values["q"] <= 1


def test_a_model_that_is_nowhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFound, match="nobody/nothing"):
        Seq2Seq("nobody/nothing")
