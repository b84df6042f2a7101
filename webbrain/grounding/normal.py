"""Text as it is compared: reference marks of its page, invisible characters and typography taken out."""

from __future__ import annotations

import re
import unicodedata

# Reference marks of other pages: in an article they would look like ours and point to nothing.
_MARK = re.compile(
    r"\s*\[(?:\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*|citation needed|clarification needed|note \d+|[a-z])\]", re.IGNORECASE
)
_BULLET = re.compile(r"^(?:[-*•‣▪◦·–—>#]+\s+)+")
_TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "\u00a0": " "})
_INVISIBLE = ("Cc", "Cf", "Co", "Cs")


def tidy(text: str) -> str:
    """One line, without reference marks, a bullet before it and invisible characters; words are left as they are."""
    text = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in _INVISIBLE)
    text = re.sub(r"\s+([.,;:])", r"\1", " ".join(_MARK.sub("", text).split()))
    return _BULLET.sub("", text)


def comparable(text: str) -> str:
    """`tidy`, case folded, with plain quotes and dashes: equal for a quotation and its source."""
    return tidy(text).translate(_TYPOGRAPHY).casefold()
