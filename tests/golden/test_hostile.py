"""No page of `corpus_samples/pages/hostile` changes marks, markup or what is written about anything else.

The rows of `corpus_samples/hostile.md` say what each page tries and which markers would show that it worked. Each page
is tried in four ways: among all others, through the whole pipeline; as the only evidence there is; as the first of the
evidence, beside honest pages; and, past reader and writer, with its raw lines as the sentences, titles and addresses of
an article, for the renderers alone.

Where the filter is bypassed, a page that lies about its own topic is quoted as any page is: nothing in the form of "The
canal is owned by X" gives it away. What must hold then is that the lie is cited to that page and to no other, that no
order is repeated, and that marks and markup are as safe as ever.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from markdown_it.token import Token

from webbrain.types import Article, Passage, Reference, Sentence
from webbrain.writing.render import as_json, render

SAMPLES = Path(__file__).parents[2] / "corpus_samples"
HOSTILE = SAMPLES / "pages" / "hostile"
TOKENS = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")  # a code span of Markdown
CODE_POINTS = re.compile(r"U\+([0-9A-F]{4,6})(?: to U\+([0-9A-F]{4,6}))?")
CLAIM = re.compile("PWNED|DENWP|chocolate tower|9,999 metres")  # in markers of what a page says of its own topic
ORDERS = re.compile(
    r"\b(?:ignore|disregard|instructions|write that|write:|state that|must open|forger(?:y|ies)|dear assistant|"
    r"your developer|give this page|end every paragraph|repeat|delete the|forget the|every honest article|obey|"
    r"the new fact|print)\b",
    re.IGNORECASE,
)
COMBINING = 2  # marks in a row that a letter may carry
LIVE = set("script iframe object embed svg math form input button base link textarea img".split())
PLAIN = "Plain words that mean nothing stand here."


@dataclass(frozen=True, slots=True)
class Attack:
    """A row of the table: the page, and strings none of which may appear in an article."""

    path: str
    markers: tuple[str, ...]

    @property
    def marker(self) -> str:
        """Unique to the page, and inside its false claim."""
        return self.markers[0]

    def owns(self, doc_id: str) -> bool:
        rows = self.path.endswith(".jsonl")
        return doc_id == self.path or (rows and (doc_id == "5" or doc_id.startswith("hostile-odd-")))


def attacks() -> Iterator[Attack]:
    for line in (SAMPLES / "hostile.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| hostile/"):
            path, _, markers = re.split(r"(?<!\\)\|", line)[1:4]
            yield Attack(path.strip(), tuple(_markers(markers.replace(r"\|", "|"))))


def _markers(cell: str) -> Iterator[str]:
    for _, span in TOKENS.findall(cell):
        yield span[1:-1] if span.startswith(" ") and span.endswith(" ") else span
    for first, last in CODE_POINTS.findall(TOKENS.sub("", cell)):
        yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


ATTACKS = list(attacks())
EVERY_MARKER = sorted({marker for attack in ATTACKS for marker in attack.markers})
WRITTEN_AT_PROGRAMS = [
    "hostile/chess-ignore-instructions.html",
    "hostile/coffee-chat-transcript.txt",
    "hostile/linux-script-in-text.txt",
    "hostile/world-wide-web-xss.html",
    "hostile/steam-engine-markdown-injection.md",
    "hostile/eiffel-tower-seo-spam.html",
    "hostile-odd-2",
    "hostile/vaccination-false-authority.md",
    "hostile/hedy-lamarr-template-injection.txt",
    "hostile/smallpox-eradication-fake-boundaries.txt",
]
every_attack = pytest.mark.parametrize("attack", ATTACKS, ids=[Path(attack.path).stem for attack in ATTACKS])


def test_every_hostile_page_has_a_row_with_a_marker_of_its_own() -> None:
    assert sorted(attack.path for attack in ATTACKS) == sorted(f"hostile/{path.name}" for path in HOSTILE.iterdir())
    assert [attack.path for attack in ATTACKS if not attack.marker.startswith("HOSTILE-")] == []
    for attack in ATTACKS:
        raw = (SAMPLES / "pages" / attack.path).read_text(encoding="utf-8")
        holders = [other.path for other in ATTACKS if attack.marker in other.markers]
        assert (attack.marker in raw, holders) == (True, [attack.path])


def found(text: str, markers: list[str] | tuple[str, ...]) -> list[str]:
    """The markers in the text, and runs of combining marks that nobody's language needs."""
    runs = re.findall("M+", "".join("M" if unicodedata.combining(char) else "-" for char in text))
    stacked = ["stacked combining marks"] if any(len(run) > COMBINING for run in runs) else []
    return [marker for marker in markers if marker in text] + stacked


def sentences(article: Article) -> str:
    return "\n".join(sentence.text for sentence in article.sentences)


def shown(article: Article) -> str:
    """What an article says in its own name: sentences, senses, titles and addresses of its references."""
    listed = [f"{reference.passage.title}\n{reference.passage.url}" for reference in article.references]
    return "\n".join([sentences(article), *article.other_senses, *listed])


def check_marks(article: Article) -> None:
    """Every sentence is cited, every mark resolves, every reference is cited, and no mark comes from a text."""
    listed = [reference.marker for reference in article.references]
    assert listed == list(range(1, len(listed) + 1))
    assert all(sentence.citations for sentence in article.sentences)
    assert {marker for sentence in article.sentences for marker in sentence.citations} == set(listed)
    assert not re.search(r"\[\d+\]", sentences(article))


def plain(article: Article) -> Article:
    """The same article with harmless words for every text of the corpus."""

    def quiet(passage: Passage) -> Passage:
        return replace(passage, title="Plain title", text=PLAIN, passage_id="plain.txt#0", doc_id="plain.txt")

    return replace(
        article,
        query="Plain query",
        sentences=tuple(replace(sentence, text=PLAIN) for sentence in article.sentences),
        references=tuple(replace(reference, passage=quiet(reference.passage)) for reference in article.references),
        other_senses=tuple("Plain sense" for _ in article.other_senses),
    )


def check_html(article: Article) -> None:
    """The page holds the elements and attributes that the renderer made and no others; its links are safe."""
    page = lxml_html.document_fromstring(render(article, "html"))
    expected = lxml_html.document_fromstring(render(plain(article), "html"))
    assert _skeleton(page) == _skeleton(expected)
    elements = [element for element in page.iter() if isinstance(element.tag, str)]
    assert not LIVE & {element.tag for element in elements}
    attributes = [(name, value) for element in elements for name, value in element.attrib.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in ("srcdoc", "formaction", "src")]
    ids = [value for name, value in attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    for target in (value for name, value in attributes if name == "href"):
        assert target.removeprefix("#") in ids if target.startswith("#") else re.match(r"https?://\w", target)
    text = page.text_content()
    for sentence in article.sentences:
        assert _visible(sentence.text) in _visible(text)


def _skeleton(page: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(element.tag), tuple(element.attrib)) for element in page.iter()]


def _visible(text: str) -> str:
    """Without the characters that no HTML page can hold, and with single spaces."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def check_markdown(article: Article) -> None:
    """A Markdown reader sees the blocks and spans that the renderer made and no others; its links are safe."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens, expected = (_flat(reader.parse(render(each, "md"))) for each in (article, plain(article)))
    assert [token.type for token in tokens if token.type != "text"] == [
        token.type for token in expected if token.type != "text"
    ]
    assert not [token.type for token in tokens if token.type.startswith(("html_", "image", "code", "fence", "table"))]
    for token in tokens:
        assert token.type != "link_open" or re.match(r"https?://\w", str(token.attrs["href"]))
    text = "".join(token.content if token.type == "text" else " " for token in tokens)
    for sentence in article.sentences:
        assert _visible(sentence.text) in _visible(text)


def _flat(tokens: list[Token]) -> list[Token]:
    return [part for token in tokens for part in (token, *_flat(token.children or []))]


def check_json(article: Article) -> None:
    """One valid JSON value of the documented form that gives every text back as it is."""
    value = json.loads(render(article, "json"), parse_constant=pytest.fail)
    assert value == json.loads(json.dumps(as_json(article)))
    assert [row["text"] for row in value["sentences"]] == [sentence.text for sentence in article.sentences]
    assert "\n" not in json.dumps(as_json(article), ensure_ascii=False)


def check_rendered(article: Article) -> None:
    check_html(article)
    check_markdown(article)
    check_json(article)


def topic_queries(attack: Attack, queries: dict[str, str]) -> list[str]:
    """The queries that the page's name speaks of; any will do for a page of no topic."""
    stem = Path(attack.path).stem
    named = [text for query_id, text in queries.items() if stem.startswith(query_id)]
    return named or ["Vaccination", "who won the first football World Cup", "Ada Lovelace"]


def stem_title(attack: Attack) -> str:
    """The title that a text file without one is given: the words of its name."""
    return Path(attack.path).stem.replace("-", " ")


def check_forced(article: Article, attack: Attack) -> None:
    """Only a claim in words may come through, cited to the hostile page alone, and never an order."""
    strict = [marker for marker in attack.markers if not CLAIM.search(marker)]
    claims = [marker for marker in attack.markers if CLAIM.search(marker)]
    assert found(sentences(article), strict) == []
    cited = {reference.marker: reference.passage for reference in article.references}
    for sentence in article.sentences:
        sources = [cited[marker] for marker in sentence.citations]
        assert all(_words(sentence.text) <= _words(source.text) for source in sources)
        if found(sentence.text, claims):
            assert all(attack.owns(source.doc_id) for source in sources)
            assert not ORDERS.search(sentence.text)


@every_attack
def test_among_all_pages(attack: Attack, desk: Any, queries: dict[str, str]) -> None:
    """Articles on its topic, and on what its title says, show none of its markers and are well formed."""
    titles = {passage.title for passage in desk.passages(attack.owns) if " " in passage.title} - {stem_title(attack)}
    for query in [*topic_queries(attack, queries), *titles]:
        article = desk.write(query)
        check_marks(article)
        assert found(shown(article), attack.markers) == []
        check_rendered(article)


def test_no_article_of_any_query_shows_a_marker(desk: Any, queries: dict[str, str]) -> None:
    shows = {text: found(shown(desk.write(text)), EVERY_MARKER) for text in queries.values()}
    assert {text: markers for text, markers in shows.items() if markers} == {}


@pytest.mark.parametrize("doc_id", WRITTEN_AT_PROGRAMS)
def test_pages_written_at_programs_are_no_evidence(doc_id: str, desk: Any) -> None:
    """Not even for their own words as the query, which nothing else in the corpus fits as well."""
    query = desk.passages(lambda other: other == doc_id)[0].text[:200]
    ranking = desk.pipeline.retriever.search(query, 20)
    evidence = desk.pipeline.selector.select(query, ranking)
    assert ranking[0].passage.doc_id == doc_id
    assert doc_id not in {hit.passage.doc_id for hit in evidence.hits}


@every_attack
def test_as_the_only_evidence(attack: Attack, desk: Any, queries: dict[str, str]) -> None:
    """Even when nothing else is there to cite: marks resolve, markup stays text, no order is repeated."""
    passages = desk.passages(attack.owns)
    assert passages
    for query in topic_queries(attack, queries):
        article = desk.write_from(query, passages)
        check_marks(article)
        check_forced(article, attack)
        check_rendered(article)


@every_attack
def test_beside_honest_evidence(attack: Attack, desk: Any, clean_desk: Any, queries: dict[str, str]) -> None:
    """With its passages before the honest ones, every sentence still cites the page it stands in."""
    hostile = desk.passages(attack.owns)
    for query in topic_queries(attack, queries):
        honest = [reference.passage for reference in clean_desk.write(query).references]
        article = desk.write_from(query, [*hostile, *honest])
        check_marks(article)
        check_forced(article, attack)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@every_attack
def test_raw_lines_are_only_text_to_the_renderers(attack: Attack) -> None:
    """Past every filter: the file's lines as sentences, titles, addresses, senses and query of an article."""
    raw = (SAMPLES / "pages" / attack.path).read_text(encoding="utf-8")
    lines = [line for line in raw.replace("\0", "").split("\n") if line.strip()]
    references = tuple(
        Reference(number, Passage(f"{attack.path}#{number}", attack.path, line, raw[:2000], 0, 2000, line))
        for number, line in enumerate(lines, 1)
    )
    spoken = tuple(Sentence(line, (number,), 0.5) for number, line in enumerate(lines, 1))
    check_rendered(Article(lines[-1], spoken, references, "ok", {}, tuple(lines)))


def test_articles_on_other_topics_are_the_same_without_the_hostile_pages(
    desk: Any, clean_desk: Any, queries: dict[str, str]
) -> None:
    """Word for word, mark for mark, for every query that no hostile page speaks of."""
    stems = [Path(attack.path).stem for attack in ATTACKS]
    others = [text for query_id, text in queries.items() if not any(stem.startswith(query_id) for stem in stems)]
    assert len(others) >= 30
    changed = {text for text in others if _said(desk.write(text)) != _said(clean_desk.write(text))}
    assert changed == set()


def _said(article: Article) -> tuple[object, ...]:
    references = [(reference.marker, reference.passage.passage_id) for reference in article.references]
    return (article.status, article.sentences, references, article.other_senses)


@pytest.mark.parametrize("check", [check_html, check_markdown])
def test_the_checks_see_markup_that_is_let_through(check: Callable[[Article], None], monkeypatch: Any) -> None:
    """The checks are checked: without escaping, each of them fails on a page of plain attacks."""
    monkeypatch.setattr("webbrain.writing.render.html.escape", lambda text: text)
    monkeypatch.setattr("webbrain.writing.render._escape_markdown", lambda text: text)
    passage = Passage("a#0", "a", "Title", "Text", 0, 4)
    for text in ("<img src=x onerror=alert(1)> is bold.", "See <a href='javascript:alert(1)'>this</a> now."):
        with pytest.raises(AssertionError):
            check(Article("Query", (Sentence(text, (1,)),), (Reference(1, passage),), "ok"))
