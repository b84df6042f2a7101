"""What a chat model answered, as sentences with marks: its habits are taken off, its marks read in any form."""

from __future__ import annotations

import re
from dataclasses import replace

from webbrain.grounding.normal import tidy
from webbrain.types import Sentence
from webbrain.writing.chat.endpoint import Answer
from webbrain.writing.marks import read_marked_text
from webbrain.writing.quality import is_finished

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_OTHER_MARK = re.compile(
    r"【\s*(?P<a>\d{1,3})[^】\n]{0,20}】|\[\s*(?:\^|ref(?:erence)?s?\.?|source|passage|doc(?:ument)?)\s*:?\s*(?P<b>\d{1,3})\s*\]",
    re.IGNORECASE,
)
_LISTING = re.compile(r"^\W*(?:references|sources|citations|bibliography)\W*$", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s.*|\*\*[^*\n]+\*\*:?\s*|```\w*)$", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}\.)\s+", re.MULTILINE)
_REFUSAL = re.compile(
    r"^\W*(?:i(?:['’]m| am) (?:sorry|unable|not able)|sorry,|i (?:can(?:no|['’])t|won['’]t)\b|as an ai\b|"
    r"unfortunately, i\b|the (?:provided )?(?:references|passages|sources) do not (?:contain|mention|provide))",
    re.IGNORECASE,
)


def is_refusal(answer: Answer) -> bool:
    """Whether the model declined, by the protocol or in words."""
    return answer.end == "refused" or bool(_REFUSAL.match(_THINKING.sub("", answer.text).strip()))


def read_answer(answer: Answer) -> list[Sentence]:
    """Sentences in order with the marks that the model gave them, resolved or not; one that was cut off is left out."""
    text = _THINKING.sub("", answer.text)
    text = _LISTING.split(text, maxsplit=1)[0]
    text = _OTHER_MARK.sub(lambda match: f"[{match['a'] or match['b']}]", text)
    text = _BULLET.sub("", _EMPHASIS.sub(r"\2", _HEADING.sub("\n", text)))
    sentences = [replace(sentence, text=tidy(sentence.text)) for sentence in read_marked_text(text)]
    if answer.end == "cut" and sentences and not is_finished(sentences[-1].text):
        sentences.pop()
    return [sentence for sentence in sentences if any(char.isalnum() for char in sentence.text)]
