"""Two engines at the same places: what is counted, and what may be chance."""

import time

import pytest
from redraft_model.evaluate.compared import Comparison, Place, compare
from redraft_model.passage import Cost, Draft, Passage

PLACES = [Place(f"x = {i}\ny = ", f"{i} + 1", "\nz = 2\n", ("known",)) for i in range(4)]


class Scripted:
    """An engine that gives one answer after the other."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = iter(answers)
        self.asked: list[object] = []

    def complete(
        self, passage: Passage, *, single_line: bool, retrieved_context: tuple[str, ...] = ()
    ) -> list[Draft]:
        self.asked.append((passage, single_line, retrieved_context))
        answer = next(self._answers)
        return [] if answer is None else [Draft(answer, 1.0, 0.5, 1, True, Cost())]


def test_what_is_gained_and_lost_is_counted() -> None:
    before = Scripted("0 + 1", "1+1", None, "3")
    after = Scripted("0 + 1  # so", "1", "2 + 1", "3 +")
    seen = []
    found = compare(
        before, after, PLACES, seconds=1e9, progress=lambda n_done, n_all: seen.append((n_done, n_all))
    )
    assert found == Comparison(n=4, n_right_before=2, n_right_after=2, n_gained=1, n_lost=1)
    assert (
        before.asked
        == after.asked
        == [(Passage(place.before, "", place.after), True, ("known",)) for place in PLACES]
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not found.is_better


def test_no_place_is_begun_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 11.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    found = compare(Scripted("0", "1"), Scripted("0 + 1", "1 + 1"), PLACES, seconds=10.0)
    assert (found.n, found.n_gained) == (2, 2)


def test_without_places_nothing_is_better() -> None:
    found = compare(Scripted(), Scripted(), [], seconds=1.0)
    assert found.n == 0
    assert not found.is_better
    assert not found.is_clear


@pytest.mark.parametrize(
    ("n_gained", "n_lost", "chance", "is_clear"),
    [
        (0, 0, 1.0, False),
        (4, 0, 1 / 16, False),
        (5, 0, 1 / 32, True),
        (3, 1, 5 / 16, False),
        (1, 3, 15 / 16, False),
    ],
)
def test_a_gain_is_clear_when_chance_makes_it_seldom(
    n_gained: int, n_lost: int, chance: float, is_clear: bool
) -> None:
    found = Comparison(20, 5, 5 + n_gained - n_lost, n_gained, n_lost)
    assert found.chance == pytest.approx(chance)
    assert found.is_clear is is_clear
    assert found.is_better is (n_gained > n_lost)
