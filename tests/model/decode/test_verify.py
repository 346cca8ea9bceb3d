"""The verifier reads what stands before once and the drafts together, and says what reading each text alone says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redraft_model.decode import verify
from redraft_model.decode.verify import TokenLogP, Verifier, token_log_p_reference
from redraft_model.errors import Cancelled
from redraft_model.network.base import Base, load_base
from redraft_model.passage import Watch

CPU = torch.device("cpu")
SOURCE = Path(__file__).read_text("utf-8")

PIECE = st.text(st.sampled_from(list("ab_ 1.'\"(=\n\t:é漢🙂")), max_size=12)


def agree(found: Sequence[TokenLogP], expected: Sequence[TokenLogP]) -> None:
    assert [one.tokens.tolist() for one in found] == [one.tokens.tolist() for one in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.log_p, other.log_p, atol=1e-3)


class Counting:
    """How many tokens have gone through a network."""

    def __init__(self, base: Base) -> None:
        self.n_tokens = 0
        self._hook = base.model.layers[0].register_forward_hook(self._count)

    def _count(self, _module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], _output: object) -> None:
        self.n_tokens += inputs[0].shape[0] * inputs[0].shape[1]

    def __enter__(self) -> "Counting":
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


@given(prefix=PIECE, drafts=st.lists(PIECE, max_size=5), suffix=PIECE, tokens_at_once=st.integers(1, 40))
@example(prefix="", drafts=[""], suffix="", tokens_at_once=9)
@example(prefix="x = fo", drafts=["", "o()", "o(1)\n", ""], suffix=")\n", tokens_at_once=9)
@example(prefix="x'l", drafts=["l", " "], suffix="", tokens_at_once=9)
@settings(deadline=None)
def test_texts_read_together_are_as_likely_as_each_alone(
    base: Base, prefix: str, drafts: list[str], suffix: str, tokens_at_once: int
) -> None:
    verifier = Verifier(base, tokens_at_once=tokens_at_once)
    options = {"n_suffix": 5, "n_prefix": 12}
    expected = token_log_p_reference(base, prefix, drafts, suffix, **options)
    agree(verifier.token_log_p(prefix, drafts, suffix, **options), expected)
    # And again, with everything read already.
    agree(verifier.token_log_p(prefix, drafts, suffix, **options), expected)


@given(steps=st.lists(st.tuples(PIECE, st.booleans()), min_size=2, max_size=5))
@settings(deadline=None, max_examples=40)
def test_what_was_read_for_other_texts_changes_nothing(base: Base, steps: list[tuple[str, bool]]) -> None:
    verifier, prefix = Verifier(base, tokens_at_once=7), "def f():\n"
    for piece, is_behind in steps:
        prefix = prefix + piece if is_behind else prefix[: len(prefix) // 2] + piece
        found = verifier.token_log_p(prefix, ["a", "b = 1"], "\n\n", n_prefix=20)
        agree(found, token_log_p_reference(base, prefix, ["a", "b = 1"], "\n\n", n_prefix=20))


def test_long_texts_agree_as_well(base: Base) -> None:
    prefix, suffix = SOURCE[:3000], SOURCE[3010:6000]
    drafts = [SOURCE[3000:3010], "", "x = 1\n", SOURCE[100:300]]
    found = Verifier(base).token_log_p(prefix, drafts, suffix)
    agree(found, token_log_p_reference(base, prefix, drafts, suffix))
    assert len({round(one.total, 3) for one in found}) == len(drafts)


def test_the_prefix_is_read_once_and_grows_with_typing(base: Base) -> None:
    verifier = Verifier(base)
    with Counting(base) as counting:
        verifier.log_likelihood(SOURCE[:600], ["a", "b"], "")
        first, counting.n_tokens = counting.n_tokens, 0
        verifier.log_likelihood(SOURCE[:600], ["c", "d", "e"], "")
        again, counting.n_tokens = counting.n_tokens, 0
        verifier.log_likelihood(SOURCE[:620], ["a", "b"], "")
        typed = counting.n_tokens
    assert first > 200
    assert again <= 15
    assert typed <= 30


def test_what_is_written_stays_in_the_window_until_that_is_full(base: Base) -> None:
    verifier = Verifier(base)
    reads = []
    for end in range(4000, 4400, 4):
        with Counting(base) as counting:
            verifier.log_likelihood(SOURCE[:end], ["a", "b"], "", n_prefix=128)
        reads.append(counting.n_tokens)
    assert max(reads) <= 128 + 8
    # The window moves every 128 characters.
    assert sum(n > 40 for n in reads) <= 400 // 128 + 2


def test_drafts_share_what_they_begin_with_and_are_read_once_each(base: Base) -> None:
    prefix, common = "x = 1\n", "y = some_function(with_arguments, " * 3
    drafts = [common + end for end in ("a", "b", "a", "a")]
    with Counting(base) as counting:
        found = Verifier(base).log_likelihood(prefix, drafts, "")
    n_common = len(base.tokenizer.encode(prefix + common))
    assert counting.n_tokens <= n_common + 4
    assert found[0] == found[2] == found[3] != found[1]


def test_where_a_draft_begins_within_a_word_does_not_matter(base: Base) -> None:
    verifier = Verifier(base)
    texts = [("x = ", "foo(1)"), ("x = f", "oo(1)"), ("x = foo", "(1)"), ("x =", " foo(1)")]
    totals = [verifier.log_likelihood(prefix, [draft], "\ny") for prefix, draft in texts[:2]]
    assert totals[0] == pytest.approx(totals[1], abs=1e-4)
    # The line break with its indentation is one token, wherever the prefix ends.
    lines = [("if x:\n    ", "y"), ("if x:\n", "    y"), ("if x:", "\n    y")]
    tokens = [verifier.token_log_p(prefix, [draft], "\n")[0].tokens.tolist() for prefix, draft in lines]
    assert tokens[0] == tokens[1]
    assert tokens[2][-len(tokens[0]) :] == tokens[0]


def test_drafts_that_are_the_same_text_are_equally_likely(base: Base) -> None:
    verifier = Verifier(base)
    first = verifier.log_likelihood("a = [", ["1, 2", "1, "], "]\n")
    second = verifier.log_likelihood("a = [", ["1, "], "2]\n")
    assert first[0] == pytest.approx(second[0], abs=1e-4)
    assert first[0] != pytest.approx(first[1], abs=1e-4)


def test_the_suffix_is_read_to_the_same_place_behind_every_draft(base: Base) -> None:
    suffix = SOURCE[3000:]
    for n_suffix in (0, 1, 10, 64):
        found = Verifier(base).token_log_p("x = 1\n", ["a\n", "bb(c, d)\n"], suffix, n_suffix=n_suffix)
        texts = [base.tokenizer.decode(one.tokens) for one in found]
        assert texts[0].startswith("\na\n")
        assert texts[1].startswith("\nbb(c, d)\n")
        behind = {texts[0][3:], texts[1][10:]}
        assert len(behind) == 1
        assert suffix.startswith(behind.pop())
        # Whole words are read, and a long one may be left out.
        assert n_suffix - 8 <= len(found[0].tokens) - 2 <= n_suffix + 1


def test_a_word_longer_than_asked_for_is_cut(base: Base) -> None:
    for suffix in ("🙂" * 40, "x" * 400, " " * 400):
        (one,) = Verifier(base).token_log_p("a", ["b"], suffix, n_suffix=5)
        assert 1 <= len(one.tokens) <= 7
        assert base.tokenizer.decode_bytes(one.tokens).decode()


def test_little_memory_is_enough(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Verifier(base).log_likelihood(SOURCE[:500], ["a", "bc(d)", ""], SOURCE[500:900])
    monkeypatch.setattr(verify, "_LOGITS_AT_ONCE", 3 * base.model.config.n_vocabulary)
    largest = []
    logits = base.model.logits

    def counted(hidden: torch.Tensor) -> torch.Tensor:
        largest.append(len(hidden))
        return logits(hidden)

    monkeypatch.setattr(base.model, "logits", counted)
    found = Verifier(base, tokens_at_once=10).log_likelihood(
        SOURCE[:500], ["a", "bc(d)", ""], SOURCE[500:900]
    )
    assert found == pytest.approx(expected, abs=1e-3)
    assert max(largest) == 3


def test_it_stops_when_nobody_wants_to_know_and_goes_on_later(base: Base) -> None:
    verifier = Verifier(base, tokens_at_once=20)
    prefix, drafts, suffix = SOURCE[:600], ["a", "b", "c"], SOURCE[600:800]
    expected = token_log_p_reference(base, prefix, drafts, suffix)

    n_stops = 0
    while True:
        try:
            found = verifier.token_log_p(prefix, drafts, suffix, watch=stopping_after(3 * n_stops))
        except Cancelled:
            n_stops += 1
        else:
            break
    assert n_stops > 2
    agree(found, expected)


def stopping_after(n_times: int) -> Watch:
    """One that is asked so many times and then wants to stop."""
    answers = iter([False] * n_times)
    return Watch(is_cancelled=lambda: next(answers, True))


def test_nothing_to_judge_is_no_answer(base: Base) -> None:
    assert Verifier(base).log_likelihood("x = ", [], "\n") == []


@pytest.fixture(scope="module")
def real(base_folder: Path) -> Base:
    return load_base(base_folder, CPU)


@pytest.mark.parametrize(
    ("prefix", "right", "wrong", "suffix"),
    [
        (
            "def mean(values):\n    return sum(values) / ",
            "len(values)",
            ["size(values)", "len(value)", "values"],
            "\n",
        ),
        (
            "for i in ",
            "range(len(rows)):",
            ["range(len(row)):", "rang(len(rows)):"],
            "\n    print(rows[i])\n",
        ),
        ("import os\n\n", "", ["import sys\n"], "print(os.getcwd())\n"),
    ],
)
def test_the_real_base_prefers_the_right_text(
    real: Base, prefix: str, right: str, wrong: list[str], suffix: str
) -> None:
    drafts = [*wrong, right]
    found = Verifier(real).token_log_p(prefix, drafts, suffix)
    agree(found, token_log_p_reference(real, prefix, drafts, suffix))
    assert max(found, key=lambda one: one.total) is found[-1]
