"""The cloze with a network that knows the clean text: it writes what should be there, whatever is."""

from collections.abc import Callable

import pytest
from redraft_model.cloze import Guess, guesses, log_likelihoods
from redraft_model.passage import Span
from redraft_model.proposer import Proposer
from redraft_model.slots import slots
from redraft_model.tokenizer import Tokenizer
from redraft_model.transformer import Transformer
from redraft_model.window import Window, cut

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


def guessed(proposer: Proposer, source: str, n_rows: int = 8) -> list[Guess]:
    return guesses(proposer, whole(proposer.tokenizer, source), slots(source), n_rows)


@pytest.mark.parametrize("n_rows", [1, 3, 8, 100])
def test_what_the_network_would_write_itself_is_left_alone(proposer: Proposer, n_rows: int) -> None:
    before = proposer.effort.n_forward
    assert guessed(proposer, CLEAN, n_rows) == []
    assert proposer.effort.n_forward == before + 1


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
        (guess,) = guessed(proposer, source, n_rows)
        span = guess.slot.span
        assert source[: span.start] + guess.other.text + source[span.end :] == CLEAN
        assert guess.lead >= 0


def test_a_word_is_as_likely_as_the_network_finds_all_its_tokens(proposer: Proposer) -> None:
    tokenizer = proposer.tokenizer
    source = CLEAN.replace("return total", "return values")
    spans = [Span(text.index("return") + 7, text.index(" / sum")) for text in (CLEAN, source)]
    right, wrong = log_likelihoods(proposer, [whole(tokenizer, CLEAN), whole(tokenizer, source)], spans)
    n_right = len(tokenizer.encode(" total"))
    assert right == pytest.approx(n_right * -0.0513, abs=1e-3), "0.95 for each of its tokens"
    assert wrong < -5


def test_a_text_without_slots_costs_nothing(proposer: Proposer) -> None:
    before = proposer.effort.n_forward
    assert guessed(proposer, "pass\n") == []
    assert proposer.effort.n_forward == before
