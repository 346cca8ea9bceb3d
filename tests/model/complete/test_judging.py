"""Completions with a base: both propose, the base judges, and the likeliest comes first."""

from collections.abc import Sequence

import pytest
from redraft_model.calibration.logistic import NO_RIVAL, Logistic
from redraft_model.complete.judging import N_PROPOSED, CompletionJudge
from redraft_model.complete.ranking import JUDGED_COMPLETION_FEATURES, JudgedCompletionWeights
from redraft_model.decode.drafter import RegionDraft
from redraft_model.decode.left_to_right import Continuation
from redraft_model.passage import UNWATCHED, Passage, Watch

BEFORE, AFTER = "total = 0\nfor item in items:\n    ", "\nprint(total)\n"
SCORES = {"total += item": -3.0, "total = item": -5.0, "pass": -9.0}


class Scripted:
    """Judges and writes from a table."""

    def __init__(self, own: Sequence[str] = ()) -> None:
        self.own = own
        self.asked: list[tuple[str, list[str], str]] = []

    def log_likelihood(
        self, prefix: str, drafts: Sequence[str], suffix: str, *, n_suffix: int = 64
    ) -> list[float]:
        del n_suffix
        self.asked.append((prefix, list(drafts), suffix))
        return [SCORES.get(draft, -20.0) for draft in drafts]

    def lines(self, prefix: str, watch: Watch = UNWATCHED) -> list[Continuation]:
        assert prefix
        assert watch is UNWATCHED
        return [Continuation(text, -1.0, 3) for text in self.own]


class Drafting:
    """Drafts from a list."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.drafts = texts

    def lines(self, prefix: str, suffix: str, watch: Watch = UNWATCHED) -> list[RegionDraft]:
        assert (prefix, suffix, watch) == (BEFORE, AFTER, UNWATCHED)
        return [RegionDraft(text, -1.0, 3, 2) for text in self.drafts]


def judge_of(scripted: Scripted, weights: JudgedCompletionWeights | None = None) -> CompletionJudge:
    return CompletionJudge(scripted, scripted, weights)  # type: ignore[arg-type]


def test_the_likeliest_of_all_proposals_comes_first() -> None:
    scripted = Scripted(["total += item", "for", "pass"])
    found = judge_of(scripted).texts(
        Passage(BEFORE, "", AFTER), ["pass", "", "total = item"], lambda text: text != "for", UNWATCHED
    )
    assert scripted.asked == [(BEFORE, ["pass", "total = item", "total += item"], AFTER)]
    assert [text.text for text in found] == ["total += item", "total = item", "pass"]
    assert [text.features.agreed for text in found] == [0.0, 0.0, 1.0]
    assert found[0].features.share == pytest.approx(2.0, abs=0.2)
    assert found[0].features.begins_line == 1.0
    assert found[0].features.unknown_identifiers == 0.0


def test_only_the_networks_best_are_judged_and_a_lone_text_has_no_rival() -> None:
    scripted = Scripted()
    many = [f"x{i}" for i in range(3 * N_PROPOSED)]
    judge_of(scripted).texts(Passage(BEFORE, "", AFTER), many, lambda _: True, UNWATCHED)
    assert scripted.asked[0][1] == many[:N_PROPOSED]
    (alone,) = judge_of(Scripted()).texts(Passage(BEFORE, "", AFTER), ["pass"], lambda _: True, UNWATCHED)
    assert alone.features.share == NO_RIVAL
    assert judge_of(Scripted()).texts(Passage(BEFORE, "", AFTER), [" "], lambda _: True, UNWATCHED) == []


def test_what_the_base_wrote_once_more_is_left_out() -> None:
    scripted = Scripted(["item)", "total"])
    found = judge_of(scripted).texts(Passage("print(", "", ")\n"), [], lambda _: True, UNWATCHED)
    assert sorted(text.text for text in found) == ["item", "total"]


def test_the_confidence_is_what_the_weights_make_of_the_features() -> None:
    weights = JudgedCompletionWeights(
        Logistic(0.0, tuple(float(name == "agreed") for name in JUDGED_COMPLETION_FEATURES))
    )
    judge = judge_of(Scripted(["pass"]), weights)
    both, _ = judge.texts(Passage(BEFORE, "", AFTER), ["pass", "x"], lambda _: True, UNWATCHED)
    assert judge.confidence(both) == pytest.approx(1 / (1 + 2.718281828**-1))


def test_what_the_base_drafted_under_its_adapter_is_judged_with_the_rest() -> None:
    scripted = Scripted(["pass"])
    drafter = Drafting(["total += item", "pass"])
    judge = CompletionJudge(scripted, scripted, None, drafter)  # type: ignore[arg-type]
    found = judge.texts(Passage(BEFORE, "", AFTER), ["total = item"], lambda _: True, UNWATCHED)
    assert scripted.asked[0][1] == ["total = item", "pass", "total += item"]
    assert [text.text for text in found] == ["total += item", "total = item", "pass"]
