"""Plain text made clean and even: pure functions, no input is an error, and cleaning twice changes nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from html import unescape

MAX_TITLE_CHARS = 300
MAX_TOKEN_CHARS = 200
# Cleaned in pieces of about this many characters, so that a 50 MB text does not cost many times its size.
_PIECE_CHARS = 1 << 20

_ANSI = re.compile(r"\x9b[\d;]+[A-Za-z]|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_NEWLINE = re.compile("\r\n?|[\v\f\u2028\u2029]")
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Controls, soft hyphens, zero-width and bidi marks, variation selectors, tags, lone surrogates, noncharacters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e01ef]+"
)
# Windows-1252 punctuation that was read as Latin-1: the only use these control characters have in real text.
_C1 = re.compile("[\x80-\x9f]")
# Any character that the patterns above change; few texts have one.
_STRANGE = re.compile(
    "[\x00-\x08\v\f\r\x0e-\x1f\x7f-\xa0\u00ad\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f\u2060-\u206f\u3000\ud800-\udfff"
    "\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e01ef]"
)
# Scripts written without spaces: a paragraph of them is one long run, yet no junk.
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\uffef\U00020000-\U0003ffff"
)
_LONG_TOKEN = re.compile(rf"[^\s{_UNSPACED}]{{{MAX_TOKEN_CHARS + 1},}}")
_SPACES = re.compile(r" {2,}")
_TABS = re.compile(r" *\t[ \t]*")
_LINE_EDGE = re.compile(r"[ \t]+\n[ \t]*|\n[ \t]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_PIECE = re.compile(rf"(?s).{{{_PIECE_CHARS},}}?[ \t\n]+|.+")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CODE_SCHEMES = {"javascript", "vbscript", "data", "blob", "livescript", "mocha"}
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|blockquote|br|caption|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li|main|nav"
    r"|ol|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<![A-Za-z\[][^<>]*>")
_TAG_LAYERS = 4  # "<<b>b>" hides a tag in a tag; deeper than this it stays as text
_UNSEEN_ELEMENT = re.compile(r"<(script|style|template)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)


def clean_text(text: str) -> str:
    """NFC text with plain spaces, at most one blank line, nothing invisible and no token over 200 characters."""
    return _in_pieces(_with_even_spaces, _in_pieces(_without_invisible, text)).strip(" \t\n")


def clean_title(title: str) -> str:
    """One line of at most 300 characters, without markup, with entities decoded."""
    if not title:
        return ""
    return _shorten(clean_line(strip_tags(decode_entities(title[: 20 * MAX_TITLE_CHARS]))))


def clean_line(text: str) -> str:
    """Cleaned text on one line; fit for ids, urls and metadata."""
    return " ".join(clean_text(text).split())


def clean_id(text: str) -> str:
    """An id on one line; unlike text it may hold one long token."""
    return " ".join(_without_invisible(text).split())


def clean_url(url: str) -> str:
    """A link that is safe to show: "" for a scheme that runs or holds code; white space becomes `%20`."""
    url = clean_id(url).replace(" ", "%20")
    scheme = _SCHEME.match(url)
    return "" if scheme and scheme[1].lower() in _CODE_SCHEMES else url


def strip_tags(markup: str) -> str:
    """Drops HTML tags, comments and scripts by pattern; block tags leave a newline. Not for whole pages."""
    if "<" not in markup:
        return markup
    bare = _BLOCK_TAG.sub("\n", _UNSEEN_ELEMENT.sub(" ", _COMMENT.sub("", markup)))
    for _ in range(_TAG_LAYERS):
        bare = _TAG.sub("", bare)
    return bare


def decode_entities(text: str) -> str:
    """Decodes HTML entities until none is left (feeds often encode them twice)."""
    while "&" in text and (decoded := unescape(text)) != text:
        text = decoded
    return text


def _in_pieces(cleaner: Callable[[str], str], text: str) -> str:
    """Pieces end after a run of white space, so that no character acts across a cut."""
    if len(text) <= _PIECE_CHARS:
        return cleaner(text)
    return "".join(cleaner(piece[0]) for piece in _PIECE.finditer(text))


def _with_even_spaces(text: str) -> str:
    if _may_have_long_token(text) and max(map(len, text.split()), default=0) > MAX_TOKEN_CHARS:
        text = _LONG_TOKEN.sub(" ", text)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if "\t" in text:
        text = _TABS.sub("\t", text)
    if "\n" not in text:
        return text
    if " \n" in text or "\n " in text or "\t" in text:
        text = _LINE_EDGE.sub("\n", text)
    return _BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text


def _may_have_long_token(text: str) -> bool:
    """Whether half of one fits between two spaces: one of the places that far apart would lie in it."""
    half = MAX_TOKEN_CHARS // 2
    return any(" " not in text[begin : begin + half] for begin in range(0, len(text) - half + 1, half))


def _without_invisible(text: str) -> str:
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    if _STRANGE.search(text):
        text = _NEWLINE.sub("\n", _C1.sub(_windows_1252, _ANSI.sub("", text)))
        text = _INVISIBLE.sub("", _SPACE.sub(" ", text))
    return unicodedata.normalize("NFC", text)


def _windows_1252(found: re.Match[str]) -> str:
    return found[0].encode("latin-1").decode("windows-1252", "ignore")


def _shorten(title: str) -> str:
    if len(title) <= MAX_TITLE_CHARS:
        return title
    head, _, _ = title[:MAX_TITLE_CHARS].rpartition(" ")
    return head or title[:MAX_TITLE_CHARS]
