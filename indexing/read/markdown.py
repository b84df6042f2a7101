"""Markdown to readable plain text: marks go, words and link texts stay."""

from __future__ import annotations

import re
from collections.abc import Set
from itertools import groupby

from .text import decode_entities, strip_tags

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[^`\n]*$")
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*)$")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-+)[ \t]*$")
_RULE = re.compile(r"^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_QUOTE = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+")
_LINK_TARGET = re.compile(r"^ {0,3}\[(?!\^)([^\]\n]+)\]:[ \t]*\S+.*$")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]:?")
_TASK = re.compile(r"^([ \t]*[-*+][ \t]+)\[[ xX]\][ \t]+")
_BULLET = re.compile(r"^([ \t]*)[*+][ \t]+")
_IMAGE = re.compile(r"!\[[^\[\]]*\](?:\((?:[^()\n]|\([^()\n]*\))*\)|\[[^\[\]]*\])?")
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_LABEL_LINK = re.compile(r"\[([^\[\]]+)\](?:\[([^\[\]]*)\])?")
_AUTO_LINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_CODE = re.compile(r"(`+)(.{1,500}?)(?<!`)\1(?!`)")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.{1,500}?)(?<=\S)\1")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?!\w)"
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
# Private characters that hold an escaped mark, or the place of some code, while the marks around are stripped.
_HELD = 0xE000
_HOLDERS = re.compile("[\ue000-\ue101]")
_HELD_MARK = re.compile("[\ue021-\ue07e]")
_HELD_CODE = re.compile("\ue100(\\d+)\ue101")


def markdown_title(markdown: str) -> str:
    """The first `# ` heading outside code, else the front matter's title, else ""."""
    body = _FRONT_MATTER.sub("", _HOLDERS.sub("", markdown), count=1)
    for line, in_code in _with_fences(body.split("\n")):
        heading = None if in_code else _HEADING.match(line)
        if heading and heading[1] == "#":
            return _inline(_heading_text(heading))
    front = _FRONT_MATTER.match(markdown)
    title = _FRONT_TITLE.search(front[1]) if front else None
    return title[1].strip("\"'") if title else ""


def markdown_to_text(markdown: str) -> str:
    """Plain text of Markdown; code keeps its words, headings and list items keep their lines."""
    body = _FRONT_MATTER.sub("", _HOLDERS.sub("", markdown), count=1)
    lines = _with_fences(body.split("\n"))
    labels = {found[1].lower() for line, in_code in lines if not in_code and (found := _LINK_TARGET.match(line))}
    blocks = groupby(lines, key=lambda line: line[1])  # tags and emphasis may run over the lines of a block
    return "\n".join(
        "\n".join(line for line, _ in block) if in_code else _prose([line for line, _ in block], labels)
        for in_code, block in blocks
    )


def _with_fences(lines: list[str]) -> list[tuple[str, bool]]:
    """(line, is code), the fences themselves left out."""
    out: list[tuple[str, bool]] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        else:
            out.append((line, bool(fence)))
    return out


def _prose(lines: list[str], labels: Set[str]) -> str:
    return _inline("\n".join(text for line in lines if (text := _line(line)) is not None), labels)


def _line(line: str) -> str | None:
    """A line without its block marks; None when it only names a link's target."""
    line = _QUOTE.sub("", line)
    if _RULE.match(line) or _UNDERLINE.match(line) or _TABLE_RULE.match(line):
        return ""
    if _LINK_TARGET.match(line):
        return None
    heading = _HEADING.match(line)
    if heading:
        return _heading_text(heading)
    if line.lstrip().startswith("|"):
        line = " ".join(cell.strip() for cell in line.strip().strip("|").split("|"))
    return _BULLET.sub(r"\1- ", _TASK.sub(r"\1", line))


def _heading_text(heading: re.Match[str]) -> str:
    return heading[2].rstrip().rstrip("#").rstrip()


def _inline(text: str, labels: Set[str] = frozenset()) -> str:
    """Text without inline marks; `[words][label]` is a link only when its label is among `labels`."""
    text = _ESCAPED.sub(lambda mark: chr(_HELD + ord(mark[1])), text)
    code: list[str] = []
    text = _CODE.sub(lambda span: _hold(code, span[2].strip()), text)
    text = _FOOTNOTE.sub("", _IMAGE.sub("", _AUTO_LINK.sub(r"\1", text)))
    text = _LABEL_LINK.sub(lambda link: _label_link(link, labels), _LINK.sub(r"\1", text))
    text = decode_entities(strip_tags(_emphasis(text)))
    text = _HELD_CODE.sub(lambda place: code[int(place[1])], text)
    return _HELD_MARK.sub(lambda mark: chr(ord(mark[0]) - _HELD), text)


def _label_link(link: re.Match[str], labels: Set[str]) -> str:
    return link[1] if (link[2] or link[1]).lower() in labels else link[0]


def _hold(code: list[str], words: str) -> str:
    code.append(words)
    return f"\ue100{len(code) - 1}\ue101"


def _emphasis(text: str) -> str:
    text = _STRONG.sub(r"\2", _STRONG.sub(r"\2", text))
    return _EMPHASIS.sub(lambda span: span[1] or span[2], text)
