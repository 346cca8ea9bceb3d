"""The cloze with a network that knows the clean text: it writes what should be there, whatever is."""

from collections.abc import Callable

import pytest
from redraft_model.decode.proposer import Proposer
from redraft_model.misuse.cloze import Guess, guesses
from redraft_model.misuse.slots import slots
from redraft_model.network.transformer import Transformer
from redraft_model.passage import Span
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.tokens.window import Window, cut

CLEAN = """def mean(values, weights):
    total = 0
    for value, weight in zip(values, weights):
        total += value * weight
    return total / sum(weights) if weights and total > 0 else total
"""


@pytest.fixture(scope="module")
def proposer(tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]) -> Proposer:
    return Proposer(oracle_of(CLEAN), tokenizer)


def whole(tokenizer: Tokenizer, source: str) -> Window:
    return cut(tokenizer, source, Span(0, len(source)), action="repair")


def leading(proposer: Proposer, source: str, n_rows: int = 8) -> list[Guess]:
    """The words that the network would rather write than what is there; several where they begin with the same token."""
    window = whole(proposer.tokenizer, source)
    groups = guesses(proposer, window, slots(source), n_rows)
    return [word for words in groups for word in words if word.features.front > 0]


@pytest.mark.parametrize("n_rows", [1, 3, 8, 100])
def test_all_words_are_guessed_in_one_pass_and_none_leads_where_all_is_right(
    proposer: Proposer, n_rows: int
) -> None:
    before = proposer.effort.n_forward
    assert leading(proposer, CLEAN, n_rows) == []
    assert proposer.effort.n_forward == before + 1
    (found,) = guesses(proposer, whole(proposer.tokenizer, CLEAN), slots(CLEAN), n_rows)
    offered = {(slot.span, other.text) for slot in slots(CLEAN) for other in slot.others}
    assert {(guess.slot.span, guess.word.text) for guess in found} == offered


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("value * weight", "value + weight"),
        ("and total", "or total"),
        ("> 0", "< 0"),
        ("total > 0", "weights > 0"),
    ],
)
def test_a_wrong_word_is_guessed_whatever_shares_its_row(proposer: Proposer, good: str, bad: str) -> None:
    source = CLEAN.replace(good, bad)
    for n_rows in (2, 8):
        found = leading(proposer, source, n_rows)
        assert CLEAN in [guess.text(source) for guess in found]
        assert len({guess.slot for guess in found}) == 1
        assert len(found) == 1 or {guess.features.lead for guess in found} == {0.0}


def test_functions_are_groups_of_their_own(proposer: Proposer) -> None:
    source = f"first = 1\n{CLEAN}\n\ndef outer(a, b):\n    def inner(c, d):\n        return c\n    return a\n"
    groups = guesses(proposer, whole(proposer.tokenizer, source), slots(source), 8)
    assert [{guess.slot.text for guess in group} & {"1", "total", "a", "c"} for group in groups] == [
        {"1"},
        {"total"},
        {"a"},
        {"c"},
    ]
    assert groups[3][0].features.front == groups[3][0].features.lead, (
        "no other slot of its function is in front of it"
    )


def test_a_text_without_slots_costs_nothing(proposer: Proposer) -> None:
    before = proposer.effort.n_forward
    assert leading(proposer, "pass\n") == []
    assert proposer.effort.n_forward == before


def test_in_a_module_names_from_nowhere_are_groups_of_their_own(proposer: Proposer) -> None:
    source = "def f(total):\n    pritn(totla)\n    return total + 1, totla\n"

    def texts(source: str) -> list[set[str]]:
        groups = guesses(proposer, whole(proposer.tokenizer, source), slots(source), 8)
        return [{guess.slot.text for guess in group} for group in groups]

    known = {"total", "+", "1"}
    assert texts(source) == [known | {"pritn", "totla"}]
    assert texts("import os\n" + source) == [known, {"pritn"}, {"totla"}, {"totla"}]
