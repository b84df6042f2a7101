"""MediaWiki dumps: pages out of the XML one at a time, and wikitext to plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from .records import Found, WikiPage, fault

if TYPE_CHECKING:
    from mwparserfromhell.wikicode import Wikicode

FILES_AND_CATEGORIES = frozenset({"file", "image", "media", "category"})
_HEAD_BYTES = 4096
_DROPPED_KEYS = {"-2", "6", "14"}
_DROPPED_TAGS = {
    "ref", "references", "table", "gallery", "math", "chem", "ce", "score", "timeline", "imagemap", "graph", "hiero",
    "categorytree", "inputbox", "templatedata", "section", "mapframe", "maplink", "style", "script",
}  # fmt: skip
_LANGUAGE_LINK = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*")
_EMPTY_BRACKETS = re.compile(r" ?\((?:[\s,;:/–-]|or)*\)")
_LEADING_IN_BRACKETS = re.compile(r"\(\s*[,;]\s*")
_MAGIC_WORD = re.compile(r"__[A-Z]{3,}__")
_TABLE_LEFTOVER = re.compile(r"^[ \t]*(?:\{\||\|\}|\|-|\|\+|!|\|(?!\|)).*$", re.MULTILINE)
_QUOTE_MARKS = re.compile(r"'{2,}")
_SPACE_BEFORE_STOP = re.compile(r"(?<! ) +([,.;](?=\s|$))")


def wiki_pages(stream: IO[bytes]) -> Iterator[Found]:
    """Pages of the main namespace; those of others come as kind "skipped" with a name to count."""
    from lxml import etree

    if b"<mediawiki" not in stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]:  # type: ignore[attr-defined]
        yield fault(1, "not_mediawiki", "of XML only MediaWiki dumps are read")
        return
    number = 0
    site = _Site()
    try:
        for _, element in etree.iterparse(stream, resolve_entities=False, no_network=True, huge_tree=True):
            name = etree.QName(element).localname
            if name == "page":
                number += 1
                yield _page(number, element, site)
                _let_go(element)
            elif name in {"base", "namespace"}:
                site.learn(name, element)
    except etree.XMLSyntaxError as error:
        yield fault(number + 1, "bad_xml", str(error.msg))


class _Site:
    """What a dump says of itself: its words for files and categories, and where its pages live."""

    __slots__ = ("dropped", "url")

    def __init__(self) -> None:
        self.dropped = FILES_AND_CATEGORIES
        self.url = ""

    def learn(self, name: str, element: Any) -> None:
        text = (element.text or "").strip()
        if name == "base":
            self.url = text.rpartition("/")[0] + "/" if "/" in text else ""
        elif element.get("key") in _DROPPED_KEYS and text:
            self.dropped = self.dropped | {text.lower()}


def _page(number: int, element: Any, site: _Site) -> Found:
    namespace = element.findtext("{*}ns", "0").strip()
    if namespace != "0":
        return Found(number, "skipped", f"wiki page of namespace {namespace}")
    title = element.findtext("{*}title", "")
    redirect = element.find("{*}redirect")
    page = WikiPage(
        page_id=element.findtext("{*}id", "").strip() or title,
        title=title,
        text=element.findtext("{*}revision/{*}text", "") or "",
        redirect="" if redirect is None else redirect.get("title", "") or "?",
        url=site.url + quote(title.replace(" ", "_"), safe="/:()',!*-._~") if site.url else "",
        dropped=site.dropped,
    )
    return Found(number, "wiki", page)


def _let_go(element: Any) -> None:
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def wikitext_to_text(wikitext: str, dropped: frozenset[str] = FILES_AND_CATEGORIES) -> str:
    """Plain text with headings as lines; without templates, tables, references, files and categories.

    `dropped` holds the lower-case link prefixes of files and categories. Raises ValueError when the parser gives up.
    """
    import mwparserfromhell
    from mwparserfromhell.parser import ParserError

    try:
        code = mwparserfromhell.parse(wikitext, skip_style_tags=False)
        text = _plain(code, dropped)
    except (ParserError, RecursionError) as error:
        raise ValueError(f"wikitext that cannot be parsed: {error}") from error
    text = _TABLE_LEFTOVER.sub("", _MAGIC_WORD.sub("", _QUOTE_MARKS.sub("", text)))
    return _SPACE_BEFORE_STOP.sub(r"\1", _LEADING_IN_BRACKETS.sub("(", _EMPTY_BRACKETS.sub("", text)))


def _plain(code: Wikicode, dropped: frozenset[str]) -> str:
    return "".join(_node_text(node, dropped) for node in code.nodes)


def _node_text(node: Any, dropped: frozenset[str]) -> str:
    from mwparserfromhell import nodes

    match node:
        case nodes.Text():
            return str(node.value)
        case nodes.Heading():
            return f"\n{_plain(node.title, dropped).strip()}\n"
        case nodes.Wikilink():
            return _link_text(node, dropped)
        case nodes.Tag():
            return _tag_text(node, dropped)
        case nodes.Template():
            return _template_text(node, dropped)
        case nodes.ExternalLink():
            return _plain(node.title, dropped) if node.title else ""
        case nodes.HTMLEntity():
            return str(node.normalize())
        case _:  # comments and arguments
            return ""


def _link_text(node: Any, dropped: frozenset[str]) -> str:
    target = str(node.title).strip()
    prefix = target.partition(":")[0].strip().lower() if ":" in target else ""
    if prefix in dropped or _is_language(prefix):
        return ""
    return _plain(node.text, dropped) if node.text else target.lstrip(":")


def _is_language(prefix: str) -> bool:
    return bool(prefix) and _LANGUAGE_LINK.fullmatch(prefix) is not None


def _tag_text(node: Any, dropped: frozenset[str]) -> str:
    name = str(node.tag).strip().lower()
    if name in _DROPPED_TAGS:
        return ""
    if name in {"br", "hr"}:
        return "\n"
    return _plain(node.contents, dropped) if node.contents else ""


# Templates that stand for words of the sentence; without them "an area of {{convert|10|km2}}" loses its fact.
def _template_text(node: Any, dropped: frozenset[str]) -> str:
    name = str(node.name).strip().lower()
    values = [_plain(param.value, dropped).strip() for param in node.params if not param.showkey]
    if name in {"convert", "cvt"} and len(values) >= 2:
        return " ".join(values[:2])
    if name in {"lang", "transl", "transliteration"} and len(values) >= 2:
        return values[-1]
    return values[0] if name in {"nowrap", "nobr", "abbr", "small", "em", "quote"} and values else ""
