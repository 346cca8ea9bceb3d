"""What follows the same words elsewhere in a file."""

import math
from collections.abc import Callable

import pytest
from redraft_model.complete.retrieval import (
    FILE,
    LONGEST,
    N_PLACES,
    RETRIEVAL_FEATURES,
    Retrieval,
    RetrievedTokens,
)
from redraft_model.passage import LONGEST_CONTEXT, Completion, Passage
from redraft_model.tokens.alignment import DELETE_ID
from redraft_model.tokens.tokenizer import Tokenizer

FILE_ABOVE = """\
def first(value):
    if value is None:
        raise ValueError("value is missing")
    log.debug(value)
    return value

def second(other):
"""


Look = Callable[..., tuple[dict[str, int], int]]
NOTHING: tuple[dict[str, int], int] = ({}, 0)


@pytest.fixture
def told(tokenizer: Tokenizer) -> Look:
    """What follows at the "|" of a text when `written` stands there: the texts of the tokens, and how much is the same."""

    def look(
        text: str,
        written: str = "",
        retrieved_context: tuple[str, ...] = (),
        *,
        is_break_missing: bool = False,
    ) -> tuple[dict[str, int], int]:
        before, _, after = text.partition("|")
        recall = Retrieval(
            Completion(Passage(before, "", after), retrieved_context=retrieved_context),
            tokenizer,
            is_break_missing=is_break_missing,
        )
        found = recall.after(tuple(tokenizer.encode(written).tolist()))
        if found is None:
            return NOTHING
        return {
            "" if id_ == DELETE_ID else tokenizer.decode([id_]): n for id_, n in found.counts.items()
        }, found.n_same

    return look


def first_token(tokenizer: Tokenizer, text: str) -> str:
    return tokenizer.decode(tokenizer.encode(text)[:1])


def test_what_followed_the_longest_stretch_of_words_follows_again(told: Look, tokenizer: Tokenizer) -> None:
    counts, n_same = told(FILE_ABOVE + "    if value is |:\n")
    # "None" stands behind "if value is", and "missing" behind "value is" alone.
    assert counts == {first_token(tokenizer, "None:"): 1}
    assert n_same == 6, "the bracket, the colon, the line break, if, value, is"


def test_what_is_written_counts_as_what_stands_before(told: Look, tokenizer: Tokenizer) -> None:
    counts, _ = told(FILE_ABOVE + "    |\n", "if value is None")
    assert counts == {first_token(tokenizer, ":"): 1}


def test_the_end_of_a_line_is_recalled_too(told: Look) -> None:
    assert told(FILE_ABOVE + "    log.debug|\n", "(value)")[0] == {"": 1}
    assert told("x = a  \ny = b\nx =| a\n", " a")[0] == {"": 1}, "blanks at the end of a line are no text"


def test_a_word_is_recalled_from_its_beginning(told: Look, tokenizer: Tokenizer) -> None:
    counts, n_same = told("self.assertEqual(a, b)\nself.asse|\n")
    assert counts == {first_token(tokenizer, "rtEqual(a, b)"): 1}
    assert n_same == 3
    assert told("reassertEqual = 1\nxs.asse|\n") == NOTHING, "not from within a word"


def test_all_places_count_and_the_text_after_the_target_too(told: Look, tokenizer: Tokenizer) -> None:
    counts, n_same = told("x\na = left\na = right\nb\na = |\nc\na = left\n")
    assert counts == {first_token(tokenizer, "left"): 2, first_token(tokenizer, "right"): 1}
    assert n_same == 3, "the line break, the name, the sign"


def test_what_follows_the_target_does_not_follow_itself(told: Look) -> None:
    assert told("once(| other)\n") == NOTHING
    assert told("|") == NOTHING
    assert told("alone|") == NOTHING


def test_nothing_is_found_across_the_target(told: Look, tokenizer: Tokenizer) -> None:
    counts, n_same = told("a | b c\n", "b")
    assert counts == {first_token(tokenizer, " c"): 1}
    assert n_same == 1, 'where the target is left out stands no "a b"'


def test_a_line_break_that_is_written_anew_is_recalled_with_its_indentation(
    told: Look, tokenizer: Tokenizer
) -> None:
    text = "for row in rows:\n    total += row\nfor row in rows:\n|\n"
    counts, _ = told(text, is_break_missing=True)
    assert counts == {first_token(tokenizer, "\n    total"): 1}
    counts, _ = told(text, "\n    total", is_break_missing=True)
    assert counts == {first_token(tokenizer, " += row"): 1}
    # At the end of a line nothing more is missing, unless its break is.
    assert told("x = 1\nx = 1|\n")[0] == {"": 1}


def test_an_indentation_is_not_the_beginning_of_a_deeper_one(told: Look, tokenizer: Tokenizer) -> None:
    counts, _ = told("if a:\n    if b:\n        deep()\n    |\n")
    assert counts == {first_token(tokenizer, "if b:"): 1}


def test_what_is_recalled_is_kept_within_bounds(tokenizer: Tokenizer) -> None:
    line = "value = call(value)\n"
    recall = Retrieval(Completion(Passage(line * 500 + "value = ", "", "\n" + line * 500)), tokenizer)
    found = recall.after(())
    assert found is not None
    assert sum(found.counts.values()) == N_PLACES
    assert found.n_same == LONGEST
    far = Retrieval(Completion(Passage(line + "#" * FILE + "\nvalue = ", "", "")), tokenizer)
    assert far.after(()) is None


def test_other_files_are_looked_at_as_well(told: Look, tokenizer: Tokenizer) -> None:
    counts, n_same = told(
        "x = 1\nself.assertRaises|\n", retrieved_context=("a", "def f():\n    self.assertRaises(KeyError)\n")
    )
    assert counts == {first_token(tokenizer, "(KeyError)"): 1}
    assert n_same == 3
    far = "#" * LONGEST_CONTEXT
    assert told("self.assertRaises|\n", retrieved_context=(far, "self.assertRaises(KeyError)\n")) == NOTHING
    # No text goes on in the next one.
    assert told("one two|\n", retrieved_context=("one two", "three")) == NOTHING


def test_a_text_may_hold_anything(told: Look) -> None:
    assert told("a\0b|\0b\0") == NOTHING
    assert told("a\0|b") == NOTHING


def test_the_features_are_logarithms_and_shares() -> None:
    several = RetrievedTokens({7: 3, 8: 1}, 4)
    assert several.shares == {7: 0.75, 8: 0.25}
    assert dict(zip(RETRIEVAL_FEATURES, several.values(0.5), strict=True)) == {
        "same": math.log(4),
        "places": math.log(4),
        "agreement": 0.75,
        "is_lone": 0.0,
        "confidence": 0.5,
    }
    assert RetrievedTokens({7: 1}, 1).values(0.25) == (0.0, 0.0, 1.0, 1.0, 0.25)
