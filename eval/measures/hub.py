"""Models of the hub, or of folders, for QAGS and Triple Score: loaded once, run greedily, without remote code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from webbrain.errors import ModelNotFound
from webbrain.extras import needs

from .qags import Question, asked_spans

if TYPE_CHECKING:
    from torch import Tensor

QUESTION_TOKENS = 48
TRIPLE_TOKENS = 256
INPUT_TOKENS = 512
WINDOW_TOKENS = 384  # of question and text together, as in the SQuAD recipe
WINDOW_STRIDE = 128
ANSWER_TOKENS = 30
_BATCH = 8


class Seq2Seq:
    """A sequence-to-sequence model; raises ModelNotFound when it is neither here nor on the hub."""

    def __init__(self, name: str) -> None:
        with needs("eval-models"):
            from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        self.tokenizer = _load(AutoTokenizer, name)
        self.model = _load(AutoModelForSeq2SeqLM, name).eval()

    def generate(self, texts: Sequence[str], tokens: int, *, keep_special: bool = False) -> list[str]:
        """One output per text, by greedy decoding of at most `tokens` tokens."""
        import torch

        found: list[str] = []
        for start in range(0, len(texts), _BATCH):
            batch = self.tokenizer(
                list(texts[start : start + _BATCH]),
                padding=True,
                truncation=True,
                max_length=INPUT_TOKENS,
                return_tensors="pt",
            )
            with torch.inference_mode():
                output = self.model.generate(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    max_new_tokens=tokens,
                    do_sample=False,
                    num_beams=1,
                )
            found += self.tokenizer.batch_decode(output, skip_special_tokens=not keep_special)
        return found


class HubAsker:
    """Questions by a highlight model (Chan and Fan, 2019); it reads the sentence and its neighbours."""

    def __init__(self, name: str) -> None:
        self.model = Seq2Seq(name)

    def ask(self, sentences: Sequence[str]) -> list[Question]:
        spans = asked_spans(sentences)
        prompts = []
        for number, span in spans:
            sentence = sentences[number]
            marked = f"{sentence[: span.start]}<hl> {sentence[span.start : span.end]} <hl>{sentence[span.end :]}"
            parts = [*sentences[max(number - 1, 0) : number], marked, *sentences[number + 1 : number + 2]]
            prompts.append("generate question: " + " ".join(parts))
        questions = self.model.generate(prompts, QUESTION_TOKENS)
        return [
            Question(text, sentences[number][span.start : span.end], span.kind)
            for text, (number, span) in zip(questions, spans, strict=True)
        ]


class HubAnswerer:
    """Answers by an extractive reader (as for SQuAD 2.0: it may say that there is none)."""

    def __init__(self, name: str) -> None:
        with needs("eval-models"):
            from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        self.tokenizer = _load(AutoTokenizer, name)
        self.model = _load(AutoModelForQuestionAnswering, name).eval()

    def answer(self, question: Question, text: str) -> str:
        """The span of `text` with the highest start and end logits, or "" when the null answer scores higher."""
        if not text.strip():
            return ""
        import torch

        windows = self._windows(question.text, text)
        with torch.inference_mode():
            output = self.model(input_ids=windows["input_ids"], attention_mask=windows["attention_mask"])
        null = float((output.start_logits[:, 0] + output.end_logits[:, 0]).min())
        best, answer = null, ""
        for window in range(len(windows["input_ids"])):
            of_text = [part == 1 for part in windows.sequence_ids(window)]
            found = best_span(output.start_logits[window], output.end_logits[window], of_text)
            if found is not None and found[0] > best:
                best, places = found[0], windows["offset_mapping"][window]
                answer = text[int(places[found[1]][0]) : int(places[found[2]][1])]
        return answer

    def _windows(self, question: str, text: str) -> Any:
        limit = min(WINDOW_TOKENS, int(self.model.config.max_position_embeddings) - 2)
        asked = len(self.tokenizer(question, add_special_tokens=False)["input_ids"])
        return self.tokenizer(
            question,
            text,
            truncation="only_second",
            max_length=limit,
            stride=max(0, min(WINDOW_STRIDE, (limit - asked) // 3)),
            padding=True,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )


def best_span(starts: Tensor, ends: Tensor, of_text: Sequence[bool]) -> tuple[float, int, int] | None:
    """(score, first token, last token) of the best span of at most ANSWER_TOKENS tokens that lies in the text."""
    import torch

    allowed = torch.tensor(of_text)
    scores = starts[:, None] + ends[None, :]
    size = len(starts)
    near = torch.ones(size, size, dtype=torch.bool).triu() & ~torch.ones(size, size, dtype=torch.bool).triu(
        ANSWER_TOKENS
    )
    scores = scores.masked_fill(~(near & allowed[:, None] & allowed[None, :]), float("-inf"))
    place = int(scores.argmax())
    score = float(scores.flatten()[place])
    return None if score == float("-inf") else (score, place // size, place % size)


def _load(kind: Any, name: str) -> Any:
    offline = any(os.environ.get(key, "") not in ("", "0") for key in ("WEBBRAIN_OFFLINE", "HF_HUB_OFFLINE"))
    try:
        return kind.from_pretrained(name, trust_remote_code=False, local_files_only=offline)
    except (OSError, ValueError) as error:
        raise ModelNotFound(
            f"model {name!r} is not on this machine and the hub gave none; "
            f"run `hf download {name}` where there is a network, or name a folder"
        ) from error
