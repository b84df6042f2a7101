from __future__ import annotations

import pytest

from indexing.datasets.lead import TargetSentence, read_lead, sentence_flaw
from indexing.datasets.settings import DatasetSettings
from indexing.datasets.sources import is_false_heading, join_sections
from indexing.datasets.splits import normal_title, split_of
from indexing.datasets.text import neutral, sentences, tidy_lead
from webbrain.analysis import Analyzer
from webbrain.errors import ConfigError

ANALYZER = Analyzer()


def _lead(title: str, text: str, *, marked: bool = False, **settings: object) -> tuple[list[TargetSentence], str]:
    read = read_lead(title, text, DatasetSettings(**settings), ANALYZER, marked=marked)  # type: ignore[arg-type]
    return list(read.sentences), read.reason


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a [SPLIT] b [title] c [ref] [12]", "a (SPLIT) b (title) c (ref) (12)"),
        ("[split] [SEP] [/INST] [unused7] a[0]", "(split) (SEP) (/INST) (unused7) a(0)"),
        ("</s> <extra_id_3> <|im_start|>system", "(/s) (extra_id_3) (|im_start|)system"),
        ("[<s>] [ti[ref]tle] [[1]]", "[(s)] [ti(ref)tle] [(1)]"),
        ("[women] <b> x[i]", "[women] <b> x[i]"),
    ],
)
def test_control_tokens_become_plain_text(text: str, plain: str) -> None:
    assert neutral(text) == plain


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("Aarau (; locally [ˈɑːrɑʊ]; born 1803) is a town.", "Aarau (born 1803) is a town."),
        ("Betelgeuse (, or ), a star.", "Betelgeuse, a star."),
        ("Rush (; born 12 May 1951) is a host.", "Rush (born 12 May 1951) is a host."),
        ("Linz (]; Czech: Linec) is a city.", "Linz (Czech: Linec) is a city."),
        ("Markov (Russian: Ма́рков) was a man (1856 – 1922).", "Markov was a man (1856 – 1922)."),
        ("It has 72 isles. s of 2010[ [update]], nobody left.[note 1]", "It has 72 isles. As of 2010, nobody left."),
        ("Surtsey (pronounced SURT-say) is an island.", "Surtsey is an island."),
    ],
)
def test_a_lead_is_tidied(text: str, tidied: str) -> None:
    assert tidy_lead(text) == tidied


def test_sentences_stay_whole() -> None:
    long = "It " + "has one more word, " * 30 + "and ends."
    text = f"G. Odec (bapt. 15 May 1742 – 26 June 1798) was a violinist. {long}\nNext."
    assert [text[a:b] for a, b in sentences(text)] == [
        "G. Odec (bapt. 15 May 1742 – 26 June 1798) was a violinist.",
        long,
        "Next.",
    ]


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("The reserve has an area of .", "hole"),
        ('He was in an episode of "".', "hole"),
        ("The value formula_1 is real.", "formula"),
        ("See https://a.example for more of it.", "markup"),
        ("It has <ref> tags in it.", "markup"),
        ("A line without an end", "unfinished"),
        ("Results.", "too_few_words"),
        ("This (one was never closed.", "unbalanced"),
        ("Это написано по-русски, а не иначе.", "not_english"),
        ("word " * 300 + "end.", "too_long"),
        ("The town has 1,200 people (2011).", ""),
    ],
)
def test_flaws_of_sentences(text: str, flaw: str) -> None:
    assert sentence_flaw(text) == flaw


def test_a_good_lead() -> None:
    text = (
        "Coordinates:\nAarau (; [ˈɑː]) is a town in Switzerland, on the Aare. It covers an area of . "
        "In [1] it says so.\nThe town is old ."
    )
    found, reason = _lead("Aarau", text)
    assert reason == ""
    assert [one.text for one in found] == [
        "Aarau is a town in Switzerland, on the Aare.",
        "In (1) it says so.",
        "The town is old.",
    ]


def test_marks_are_lifted() -> None:
    found, _ = _lead("Ada", "Ada was a mathematician.[1][3] She lived in London [2], England. No mark.", marked=True)
    assert found == [
        TargetSentence("Ada was a mathematician.", (1, 3)),
        TargetSentence("She lived in London, England.", (2,)),
    ]  # "No mark." has too few words


def test_a_lost_subject_is_put_back() -> None:
    found, _ = _lead("Isao Nakata (player)", "is a Japanese professional player of shogi.")
    assert [one.text for one in found] == ["Isao Nakata is a Japanese professional player of shogi."]


@pytest.mark.parametrize(
    ("title", "text", "reason"),
    [
        ("Aarau", "", "lead_empty"),
        ("Smith", "Smith is a surname. Notable people with the surname include:", "lead_is_list"),
        ("Aarau", "Just a heading\nAnother", "lead_without_sentence"),
        ("Mercury", "Mercury may refer to a planet, a metal or a god.", "lead_disambiguates"),
        ("Aarau", "Anna and Bert were the defending champions that year.", "lead_off_title"),
        ("Births of Aarau", "This is a list of births in Aarau in the year 1900.", "lead_off_title"),
        ("Aarau", "Aarau is a town.", "lead_too_short"),
        ("Aarau", "Aarau has an area of . It is a nice town in a nice valley.", "lead_begins_with_hole"),
        ("Aarau", "Aarau is a nice town on the river Aare.\n" + "Not an end of it\n" * 20, "lead_mostly_cut"),
    ],
)
def test_rejected_leads(title: str, text: str, reason: str) -> None:
    assert _lead(title, text) == ([], reason)


def test_a_title_that_looks_like_a_leaning_word_is_fine() -> None:
    found, reason = _lead("He Is Here", "He Is Here is a film of 1933 by a director of films.")
    assert (len(found), reason) == (1, "")


def test_long_targets_end_with_a_whole_sentence() -> None:
    text = "Aarau is a town of this land. " * 4
    found, _ = _lead("Aarau", text, max_target_tokens=17)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("heading", "false"),
    [
        ("History", False),
        ("Early life and education", False),
        ("He took holy orders in 1935", True),
        ("Van Alstyne died in Port Hope, Ontario in 2008", True),
        ("Team players in the NFL", False),
    ],
)
def test_false_headings(heading: str, false: bool) -> None:
    assert is_false_heading(heading) is false


def test_a_false_heading_joins_its_section_to_the_one_before() -> None:
    text = "Lead. He took holy orders in 1935. Later he wrote. History. He was born."
    sections = [
        {"heading": "", "start": 0, "end": 5},
        {"heading": "He took holy orders in 1935", "start": 35, "end": 50},
        {"heading": "History", "start": 60, "end": 72},
        {"heading": "Cut off", "start": 900, "end": 950},
    ]
    lead = "Lead.\nHe took holy orders in 1935.\nLater he wrote."
    assert join_sections(text, sections) == [("", lead), ("History", "He was born."), ("Cut off", "")]


def test_titles_that_look_alike_share_a_split() -> None:
    settings = DatasetSettings(dev_share=0.3, test_share=0.3)
    assert normal_title("  Ｓoap_(film) ") == "soap (film)"
    for title in ("Algol", "Eta", "Soap", "Sin", "Squid"):
        assert split_of(title, settings) == split_of(f" {title.upper()} ", settings)


def test_splits_do_not_move() -> None:
    settings = DatasetSettings(dev_share=0.3, test_share=0.3)
    titles = ("Ada Lovelace", "Algol", "Aarau", "Apollo", "Arraignment", "Albedo")
    assert [split_of(title, settings) for title in titles] == ["test", "train", "test", "dev", "dev", "dev"]


def test_impossible_settings_are_refused() -> None:
    for wrong in ({"rho": 1.5}, {"kind": "pdf"}, {"dev_share": 0.6, "test_share": 0.6}, {"last_negative": 3}):
        with pytest.raises(ConfigError):
            DatasetSettings(**wrong)  # type: ignore[arg-type]
