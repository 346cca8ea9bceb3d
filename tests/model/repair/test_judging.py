"""A judge says how likely the solutions of a search are, and the weights make of it what they were fitted to."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.calibration.logistic import Logistic
from redraft_model.decode.proposer import Proposer
from redraft_model.network.transformer import Transformer
from redraft_model.repair.judging import LEAST_LIKELY, N_JUDGED, judged, preselected
from redraft_model.repair.ranking import JUDGED_REPAIR_FEATURES, RepairFeatures, RepairWeights
from redraft_model.repair.search import repair
from redraft_model.repair.settings import Search
from redraft_model.repair.solutions import Solution
from redraft_model.tokens.tokenizer import Tokenizer

PLAIN = RepairFeatures(*[0.0] * (len(JUDGED_REPAIR_FEATURES) - 1))
CLEAN = "def area(width, height):\n    size = (width + 1) * height\n    return size\n"


class Likes:
    """A judge that likes texts the more, the more often they hold a word; remembers what it was asked."""

    def __init__(self, word: str, nats: float = 5.0) -> None:
        self._word, self._nats = word, nats
        self.asked: list[tuple[str, list[str], str]] = []

    def log_likelihood(
        self, prefix: str, drafts: Sequence[str], suffix: str, *, n_suffix: int = 64
    ) -> list[float]:
        del n_suffix
        self.asked.append((prefix, list(drafts), suffix))
        return [self._nats * (prefix + draft + suffix).count(self._word) - 100.0 for draft in drafts]


def by(**weights: float) -> RepairWeights:
    ranking = tuple(weights.get(name, 0.0) for name in JUDGED_REPAIR_FEATURES)
    return RepairWeights(
        ranking, Logistic(0.0, (0.0,) * (len(JUDGED_REPAIR_FEATURES) + 1)), JUDGED_REPAIR_FEATURES
    )


@given(
    st.text("ab\n", max_size=8),
    st.lists(st.text("abc\n", max_size=6), min_size=2),
    st.text("ab\n", max_size=8),
)
def test_the_judge_reads_what_texts_have_in_common_once(head: str, middles: list[str], tail: str) -> None:
    judge, texts = Likes("c"), [head + middle + tail for middle in middles]
    found = judged(judge, texts, [PLAIN] * len(texts))
    ((prefix, drafts, suffix),) = judge.asked
    assert [prefix + draft + suffix for draft in drafts] == texts
    counts = [text.count("c") for text in texts]
    expected = [max(LEAST_LIKELY, 5.0 * (count - max(counts))) for count in counts]
    assert [each.base_likelihood for each in found] == pytest.approx(expected)


def test_a_lone_solution_needs_no_judge() -> None:
    judge = Likes("c")
    assert judged(judge, ["c"], [PLAIN]) == [PLAIN]
    assert judge.asked == []


def test_only_the_best_are_judged() -> None:
    features = [replace(PLAIN, gain=float(i)) for i in range(2 * N_JUDGED)]
    assert preselected(by(gain=1.0), features) == list(range(2 * N_JUDGED - 1, N_JUDGED - 1, -1))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_what_the_judge_says_counts_by_its_weight(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer], weight: float
) -> None:
    shown: list[Sequence[Solution]] = []
    # Several solutions take a search that looks on after the first one.
    search = replace(Search(), n_problems=1, lead=1e9, patience=4, n_candidates=200, line_costs=(0.0,))
    source = CLEAN.replace("height):", "height:")

    def repaired(word: str) -> str:
        with torch.inference_mode():
            return repair(
                Proposer(oracle_of(CLEAN), tokenizer),
                source,
                search,
                weights=by(gain=1.0, base_likelihood=weight),
                judge=Likes(word, nats=1000.0),
                on_solved=shown.append,
            ).source

    assert repaired("height)") == CLEAN
    others = [solution.attempt.source for solution in shown[0] if solution.attempt.source != CLEAN]
    assert others
    other = repaired(others[0].split("\n")[0]) if "\n" in others[0] else CLEAN
    assert (other == CLEAN) == (weight == 0.0)
