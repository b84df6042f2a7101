from __future__ import annotations

from indexing.datasets.recall import Window, content_terms, term_recall, windows
from indexing.datasets.settings import DatasetSettings
from indexing.datasets.support import Candidate, Cited, Wanted, choose, cite, overlap
from webbrain.analysis import Analyzer

ANALYZER = Analyzer()
TEXT = "One two three four. Five six seven. Eight nine ten eleven twelve. Thirteen."  # 5 + 4 + 6 + 2 tokens


def _candidate(name: str, terms: str, *, doc: str = "", start: int = 0, end: int = 10, number: int = 0) -> Candidate:
    window = Window(start, end, terms, frozenset(terms.split()))
    return Candidate(name, doc or name, "", window, "body", number)


def _wanted(terms: str, *marks: int) -> Wanted:
    return Wanted(frozenset(terms.split()), marks)


def test_term_recall_is_the_share_of_the_sentence_s_terms() -> None:
    sentence = content_terms("The Who was founded in London in 1964.", ANALYZER, frozenset(ANALYZER.terms("The Who")))
    assert sentence == {"the", "who", "found", "london", "1964"}
    passage = frozenset(ANALYZER.terms("In London the founding took place."))
    assert term_recall(sentence, passage) == 3 / 5
    assert term_recall(frozenset(), passage) == 0.0


def test_windows_begin_at_every_sentence_and_never_only_repeat() -> None:
    found = windows(TEXT, 10, ANALYZER)
    assert [window.text for window in found] == [
        "One two three four. Five six seven.",
        "Five six seven. Eight nine ten eleven twelve.",
        "Eight nine ten eleven twelve. Thirteen.",
    ]
    assert all(TEXT[window.start : window.end] == window.text for window in found)
    assert "thirteen" in found[2].terms
    assert "thirteen" not in found[1].terms


def test_a_sentence_over_the_limit_is_a_window_of_its_own() -> None:
    assert [window.text for window in windows(TEXT, 3, ANALYZER)] == TEXT.replace(". ", ".|").split("|")
    assert windows("", 10, ANALYZER) == []


def test_each_sentence_cites_the_passage_that_holds_most_of_it() -> None:
    candidates = [_candidate("a", "x y"), _candidate("b", "x y z"), _candidate("c", "p")]
    sentences = [_wanted("x y z w"), _wanted("p q r s"), _wanted("p q r")]
    chosen, cited = choose(sentences, candidates, DatasetSettings(rho=0.3))
    assert [one.passage_id for one in chosen] == ["b", "c"]
    assert cited == [Cited((0,), 0.75), Cited((), 0.0), Cited((1,), 1 / 3)]


def test_rho_itself_does_not_pass() -> None:
    chosen, _ = choose([_wanted("x y")], [_candidate("a", "x")], DatasetSettings(rho=0.5))
    assert chosen == []


def test_a_page_s_own_marks_come_first_when_they_hold() -> None:
    candidates = [_candidate("a", "x y z", number=1), _candidate("b", "x y", number=2), _candidate("c", "q", number=3)]
    chosen, cited = choose([_wanted("x y z", 2, 3), _wanted("q r", 3, 1)], candidates, DatasetSettings(rho=0.3))
    assert [one.passage_id for one in chosen] == ["b", "c"]
    assert cited == [Cited((0,), 2 / 3), Cited((1,), 0.5)]


def test_a_mark_that_does_not_hold_gives_way_to_the_best() -> None:
    candidates = [_candidate("a", "x y z", number=1), _candidate("b", "nothing", number=2)]
    _, cited = choose([_wanted("x y z", 2)], candidates, DatasetSettings(rho=0.3))
    assert cited == [Cited((0,), 1.0)]


def test_passages_that_overlap_are_not_chosen_together() -> None:
    candidates = [
        _candidate("a", "x y", doc="d", start=0, end=10),
        _candidate("b", "x z v", doc="d", start=4, end=14),
        _candidate("c", "x z v", doc="e", start=4, end=14),
    ]
    assert overlap(candidates[0], candidates[1]) == 0.6
    assert overlap(candidates[1], candidates[2]) == 0.0
    chosen, cited = choose([_wanted("x y"), _wanted("x z v"), _wanted("z v")], candidates, DatasetSettings())
    assert [one.passage_id for one in chosen] == ["b"]
    assert cited == [Cited((0,), 0.5), Cited((0,), 1.0), Cited((0,), 1.0)]


def test_no_more_passages_than_fit_and_those_that_support_most() -> None:
    candidates = [_candidate(name, name) for name in "abc"]
    sentences = [_wanted("a"), _wanted("b"), _wanted("b"), _wanted("c q")]
    chosen, cited = choose(sentences, candidates, DatasetSettings(references=2))
    assert [one.passage_id for one in chosen] == ["a", "b"]
    assert [one.places for one in cited] == [(0,), (1,), (1,), ()]


def test_given_passages_are_cited_by_the_same_rule() -> None:
    candidates = [_candidate("a", "x"), _candidate("b", "x y")]
    assert cite([_wanted("x y"), _wanted("q")], candidates, DatasetSettings()) == [Cited((1,), 1.0), Cited((), 0.0)]
