"""Bytes to text: byte order marks, UTF-8, the declared charset, then detection."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What browsers take these names to mean.
_MEANT = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}
_META_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE
)
_NAMED_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
_UNPLAIN = _CONTROLS + b"\x1b"
_SAMPLE_BYTES = 1 << 16
_DETECT_BYTES = 1 << 18
# Western European text: Latin letters, few of them accented, none from the letters that betray another code page.
_WESTERN = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüÿœßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜŒ‘’‚“”„…–—•€£§©®™°º«»¿¡·´½¼²\u00a0")
_MAX_ACCENTED = 0.25


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text with the name of its encoding."""

    text: str
    encoding: str

    @property
    def note(self) -> dict[str, object]:
        """Metadata for a document: the encoding, unless it is UTF-8."""
        return {} if self.encoding == "utf-8" else {"encoding": self.encoding}


def decode(data: bytes, declared: str = "") -> Decoded | None:
    """Text of `data`, or None when it is not text. `declared` is a charset that the source names."""
    if data.isascii() and len(data.translate(None, _UNPLAIN)) == len(data):  # most of all that is read
        return Decoded(data.decode("ascii"), "utf-8")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Decoded(data[len(mark) :].decode(encoding, "replace"), encoding)
    wide = _wide_encoding(data[:_SAMPLE_BYTES])
    if wide:
        return Decoded(data.decode(wide, "replace"), wide)
    if _is_binary(data[:_SAMPLE_BYTES]):
        return None
    return _as_utf8(data, declared) or _as_declared(data, declared) or _as_western(data) or _as_detected(data)


def html_charset(data: bytes, content_type: str = "") -> str:
    """The charset an HTML page declares in its HTTP content type, a meta tag or an XML declaration; "" when none."""
    named = _NAMED_CHARSET.search(content_type)
    if named:
        return named[1]
    meta = _META_CHARSET.search(data[:4096])
    return meta[1].decode("ascii") if meta else ""


def wide_mark(head: bytes) -> str:
    """The UTF-16 or UTF-32 encoding whose byte order mark starts `head`, or ""."""
    return next((name for mark, name in _MARKS[1:] if head.startswith(mark)), "")


def _as_utf8(data: bytes, declared: str) -> Decoded | None:
    if b"\x1b$" in data and declared.lower() == "iso-2022-jp":  # seven-bit, so it is valid UTF-8 as well
        return None
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(char > "\x7f" for char in text) - bad  # bytes of other charsets rarely look like whole UTF-8 characters
    return Decoded(text, f"utf-8 with {bad} bad bytes") if good >= bad else None


def _as_declared(data: bytes, declared: str) -> Decoded | None:
    try:
        codec = codecs.lookup(declared).name
    except (LookupError, ValueError):  # ValueError: a name with a NUL in it
        return None
    codec = _MEANT.get(codec, codec)
    if codec.startswith("utf") or codec in _NO_CHARSETS:
        return None
    try:
        text = data.decode(codec, "replace")
    except LookupError:  # Python's codecs from bytes to bytes
        return None
    return Decoded(text, codec) if text.count("\ufffd") * 100 <= len(text) else None


def _as_western(data: bytes) -> Decoded | None:
    text = data.decode("cp1252", "replace")
    accented = [char for char in text[:_DETECT_BYTES] if char > "\x7f"]
    letters = sum(map(str.isalpha, text[:_DETECT_BYTES]))
    few = len(accented) <= _MAX_ACCENTED * max(letters, 1)
    return Decoded(text, "cp1252") if few and _WESTERN.issuperset(accented) else None


def _as_detected(data: bytes) -> Decoded | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_DETECT_BYTES]).best()
    return None if best is None else Decoded(data.decode(best.encoding, "replace"), best.encoding)


def _wide_encoding(head: bytes) -> str:
    """UTF-16 without a mark: mostly ASCII, so that nearly every second byte is zero."""
    half = len(head) // 2
    if half < 8 or head.count(0) < half * 0.7:
        return ""
    odd = head[1::2].count(0)
    even = head[::2].count(0)
    if odd > half * 0.7 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.7 and odd < half * 0.1 else ""


def _is_binary(head: bytes) -> bool:
    return len(head) - len(head.translate(None, _CONTROLS)) > 0.05 * len(head)
