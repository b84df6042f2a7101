"""The writer over an endpoint, with the extractive writer as its floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webbrain.protocols import Encoder
from webbrain.types import Passage, Sentence
from webbrain.writing.chat.answer import is_refusal, read_answer
from webbrain.writing.chat.endpoint import complete
from webbrain.writing.chat.prompt import make_messages
from webbrain.writing.chat.settings import ChatSettings
from webbrain.writing.extractive import ExtractiveWriter
from webbrain.writing.marks_repair import repair_marks
from webbrain.writing.quality import flaws


class ChatWriter:
    """Implements `webbrain.protocols.Writer`; raises WriterFailed when the endpoint gives no answer at all."""

    name = "chat"

    def __init__(
        self, encoder: Encoder | None = None, model: str | None = None, settings: ChatSettings | None = None
    ) -> None:
        self.settings = settings or ChatSettings.from_environment(model)
        self.floor = ExtractiveWriter(encoder)

    def facts(self) -> dict[str, object]:
        return {**self.settings.facts(), "references": self.settings.references}

    def write(self, query: str, evidence: Sequence[Passage]) -> list[Sentence]:
        """What the model wrote and can be cited; when it declines or nothing of that is left, quotations."""
        references = list(evidence[: self.settings.references])
        if not references:
            return []
        answer = complete(self.settings, make_messages(query, references))
        written = [] if is_refusal(answer) else read_answer(answer)
        fit = [sentence for sentence in written if not flaws(sentence.text)]
        kept = repair_marks(fit, references)
        return kept or [replace(quoted, origin="quoted") for quoted in self.floor.write(query, evidence)]
