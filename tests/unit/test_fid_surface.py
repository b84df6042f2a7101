"""Case, accents and spaces come back from the evidence."""

from __future__ import annotations

import pytest

from webbrain.writing.compact.surface import Surface, fold, join_pieces

EVIDENCE = (
    "The co-author Émile Durand lived in São Paulo, Brazil (1,200 km away). In 1843 he earned $5.50 at O'Neill's "
    'and wrote "Notes on NASA". He met Ms Rose there. She liked a rose.'
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("emile durand lived in sao paulo .", "Émile Durand lived in São Paulo."),
        ("co - author", "Co-author"),
        ("he earned $ 5 . 50 , 1 , 200 km away .", "He earned $5.50, 1,200 km away."),
        ("o ' neill ' s", "O'Neill's"),
        ("notes on nasa .", "Notes on NASA."),
        ("in 1843 he met ms rose .", "In 1843 he met Ms Rose."),
        ("the notes ( of 1843 ) ; well - known : yes !", "The Notes (of 1843); well-known: yes!"),
        ('she said " yes " twice', 'She said "yes" twice'),
        ("", ""),
    ],
)
def test_written_as_in_the_evidence(words: str, expected: str) -> None:
    assert Surface([EVIDENCE]).write(words.split()) == expected


def test_a_word_that_only_opens_sentences_keeps_that_form_only_when_nothing_else_is_known() -> None:
    surface = Surface(["Bread was dear. The bread was dear. Paris was far."])
    assert surface.write("so bread in paris".split()) == "So bread in Paris"


def test_pieces_and_folding() -> None:
    assert join_pieces(["love", "##lace", "was", "##n", "##t", "."]) == ["lovelace", "wasnt", "."]
    assert fold("ÉMILE") == "emile"
