"""HTML pages to main text: hidden parts out first, then trafilatura. Nothing is ever fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .decode import decode, html_charset
from .text import clean_text, clean_title, clean_url

# What extractors raise on pages that are broken in new ways; such a page falls back to the plain baseline.
_EXTRACTOR_ERRORS = (ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError, RecursionError)
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
# Shown to nobody at first, but scripts fade such parts in: believed only while most of the page is left without them.
_FAINT_STYLE = re.compile(
    r"opacity\s*:\s*0*(?:\.0+)?\s*(?:;|!|$)|font-size\s*:\s*0*(?:\.0+)?\s*(?:px|em|rem|pt|%)?\s*(?:;|!|$)"
    r"|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"(?:^|;)\s*(color|background(?:-color)?)\s*:\s*([#\w]+)\s*(?=;|!|$)", re.IGNORECASE)
_COLOUR_NAMES = {"white": "#ffffff", "black": "#000000"}
_MAX_FAINT_SHARE = 0.5
_MAY_HIDE = "//*[@hidden or @aria-hidden or @style or self::template][not(self::html or self::body)]"
_NUL = re.compile("[\x00\ud800-\udfff]")
_MAX_DEPTH = 100
_ELEMENT_TAG = re.compile(r"<(/?)([a-z][a-z0-9:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
_NEVER_NESTED = frozenset(
    {
        "area",
        "base",
        "br",
        "col",
        "dd",
        "dt",
        "embed",
        "hr",
        "img",
        "input",
        "li",
        "link",
        "meta",
        "option",
        "p",
        "source",
    }
    | {"source", "td", "th", "tr", "track", "wbr"}
)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page's main text; `text` is empty when it has none."""

    title: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """A page with its metadata note on the encoding."""

    page: Page
    note: dict[str, object]


def read_html(data: bytes, content_type: str = "") -> DecodedPage | None:
    """Main text of a page given as bytes; None when the bytes are not text."""
    decoded = decode(data, html_charset(data, content_type))
    return None if decoded is None else DecodedPage(extract(decoded.text), decoded.note)


def extract(html: str) -> Page:
    """Title, main text and canonical url of a page; never raises for a broken one."""
    tree = _parse(html)
    if tree is None:
        return Page("", "", "")
    _remove_hidden(tree)
    title, url = _title(tree), _canonical(tree)
    return Page(clean_title(title), clean_text(_main_text(tree)), clean_url(url))


def _parse(html: str) -> Any:
    tree, too_deep = _tree(html, huge=False)
    return _tree(_flattened(html), huge=True)[0] if too_deep else tree


def _tree(html: str, huge: bool) -> tuple[Any, bool]:
    """(tree or None, whether the parser gave up at its depth or size limit)."""
    from lxml import etree
    from lxml import html as lxml_html

    parser = lxml_html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=huge
    )
    try:
        tree = lxml_html.document_fromstring(_NUL.sub("", html).encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):  # an empty page
        return None, False
    return tree, any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log)


def _flattened(html: str) -> str:
    """Drops the tags of elements nested deeper than `_MAX_DEPTH`, except those that may hide their content."""
    open_tags: list[bool] = []

    def visit(tag: re.Match[str]) -> str:
        if tag[2].lower() in _NEVER_NESTED or tag[3].endswith("/"):
            return tag[0]
        if tag[1]:
            return tag[0] if not open_tags or open_tags.pop() else " "
        keep = len(open_tags) < _MAX_DEPTH or "hid" in tag[3].lower() or "style" in tag[3].lower()
        open_tags.append(keep)
        return tag[0] if keep else " "

    return _ELEMENT_TAG.sub(visit, html)


def _remove_hidden(tree: Any) -> None:
    suspects = tree.xpath(_MAY_HIDE)
    _drop([element for element in suspects if _is_hidden(element)])
    faint = [element for element in suspects if _is_faint(element.get("style", ""))]
    if sum(len(element.text_content()) for element in faint) < _MAX_FAINT_SHARE * len(tree.text_content()):
        _drop(faint)


def _drop(elements: list[Any]) -> None:
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def _is_hidden(element: Any) -> bool:
    if element.tag == "template" or element.get("hidden") is not None:
        return True
    if element.get("aria-hidden", "").strip().lower() == "true":
        return True
    return _HIDING_STYLE.search(element.get("style", "")) is not None


def _is_faint(style: str) -> bool:
    return _FAINT_STYLE.search(style) is not None or _is_in_its_own_colour(style)


def _is_in_its_own_colour(style: str) -> bool:
    """Text in the colour of its background, such as white on white."""
    colours = {name.lower().removesuffix("-color"): _hex(value) for name, value in _COLOUR.findall(style)}
    return "color" in colours and colours["color"] == colours.get("background")


def _hex(colour: str) -> str:
    colour = colour.lower()
    if re.fullmatch("#[0-9a-f]{3}", colour):
        return "#" + "".join(2 * digit for digit in colour[1:])
    return _COLOUR_NAMES.get(colour, colour)


def _title(tree: Any) -> str:
    from trafilatura.metadata import extract_title

    social = tree.xpath("string(//meta[@property='og:title' or @name='og:title']/@content)").strip()
    try:
        return social or extract_title(tree) or ""
    except _EXTRACTOR_ERRORS:
        return tree.xpath("string(//title)") or ""


def _canonical(tree: Any) -> str:
    url = tree.xpath("string((//link[@rel='canonical']/@href | //meta[@property='og:url']/@content)[1])").strip()
    return url if url.startswith(("http://", "https://")) else ""


def _main_text(tree: Any) -> str:
    from trafilatura import bare_extraction

    try:
        found = bare_extraction(tree, include_comments=False, include_tables=False, favor_precision=False)
    except _EXTRACTOR_ERRORS:
        found = None
    text: str = getattr(found, "text", None) or ""
    return text if text.strip() else _baseline(tree)


def _baseline(tree: Any) -> str:
    from trafilatura import baseline

    try:
        text: str = baseline(tree)[1]
    except _EXTRACTOR_ERRORS:
        text = " ".join(tree.xpath("//body//text()[not(parent::script or parent::style)]"))
    return text
