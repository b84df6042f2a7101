from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.datasets.formats import Example, ExampleReference, ExampleSentence, as_line, from_json, parse_line
from indexing.datasets.recall import Window, windows
from indexing.datasets.settings import SPLITS, DatasetSettings
from indexing.datasets.splits import normal_title, split_of
from indexing.datasets.support import Candidate, Wanted, choose
from indexing.datasets.text import count_tokens, neutral, one_line
from webbrain.analysis import Analyzer

ANALYZER = Analyzer()
TERMS = st.frozensets(st.sampled_from("abcdefgh"), max_size=6)
CONTROL = [
    "[title]",
    "[ref]",
    "[SPLIT]",
    "[1]",
    "[0]",
    "[SEP]",
    "</s>",
    "<s>",
    "[",
    "]",
    "<",
    ">",
    " ",
    "1",
    "a",
    "split",
]
HOSTILE = st.lists(st.sampled_from(CONTROL), max_size=12).map("".join)


@st.composite
def _candidates(draw: st.DrawFn) -> list[Candidate]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, 20))
        window = Window(start, start + draw(st.integers(1, 20)), "", draw(TERMS))
        found.append(Candidate(str(number), draw(st.sampled_from("xyz")), "", window, "body", draw(st.integers(1, 3))))
    return found


@given(
    _candidates(),
    st.lists(st.builds(Wanted, TERMS, st.lists(st.integers(1, 4), max_size=2, unique=True).map(tuple)), max_size=6),
    st.integers(1, 5),
)
def test_every_mark_resolves_and_every_choice_is_cited(
    candidates: list[Candidate], sentences: list[Wanted], references: int
) -> None:
    rho = 0.3
    chosen, cited = choose(sentences, candidates, DatasetSettings(rho=rho, references=references))
    assert len(chosen) <= references
    assert {place for one in cited for place in one.places} == set(range(len(chosen)))
    for sentence, one in zip(sentences, cited, strict=True):
        recalls = [len(sentence.terms & chosen[place].window.terms) / len(sentence.terms) for place in one.places]
        assert all(recall > rho for recall in recalls)
        assert one.recall == max(recalls, default=0.0)


@given(HOSTILE)
def test_neutral_text_holds_no_control_token_and_stays(text: str) -> None:
    plain = neutral(text)
    lowered = plain.lower()
    assert not any(token in lowered for token in ("[title]", "[ref]", "[split]", "[1]", "[0]", "[sep]", "</s>", "<s>"))
    assert neutral(plain) == plain


@given(st.data())
def test_the_paper_s_format_round_trips(data: st.DataObject) -> None:
    text = HOSTILE.map(neutral).map(one_line)
    words = text.map(lambda line: f"{line} x.".strip())
    count = data.draw(st.integers(1, 5))
    references = tuple(
        ExampleReference(n, data.draw(text), data.draw(words), "d", "d#0", "body") for n in range(1, count + 1)
    )
    marks = st.one_of(st.just((0,)), st.lists(st.integers(1, count), min_size=1, unique=True).map(tuple))
    sentences = tuple(
        ExampleSentence(data.draw(words), data.draw(marks), 0.5) for _ in range(data.draw(st.integers(1, 4)))
    )
    example = Example("id", data.draw(words), references, sentences)
    title, found, targets = parse_line(as_line(example))
    assert title == example.title
    assert found == [(one.marker, " ".join(filter(None, (one.title, one.text)))) for one in references]
    assert targets == [(one.text, one.citations) for one in sentences]
    assert from_json(example.as_json()) == example


@given(st.text(), st.floats(0, 0.49), st.floats(0, 0.49))
def test_a_title_is_in_one_split_however_it_is_written(title: str, dev: float, test: float) -> None:
    settings = DatasetSettings(dev_share=dev, test_share=test)
    assert split_of(title, settings) == split_of(normal_title(title), settings)
    assert split_of(title, settings) in SPLITS


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from(["Word", "two", "x"]), min_size=1, max_size=9), max_size=8), st.integers(1, 30)
)
def test_windows_cover_the_text_within_the_limit(words: list[list[str]], limit: int) -> None:
    text = " ".join(" ".join(["A", *sentence]) + "." for sentence in words)
    found = windows(text, limit, ANALYZER)
    covered = {place for window in found for place in range(window.start, window.end)}
    assert {place for place, char in enumerate(text) if not char.isspace()} <= covered
    assert all(count_tokens(window.text) <= limit or window.text.count(".") == 1 for window in found)
    ends = [window.end for window in found]
    assert ends == sorted(set(ends))
