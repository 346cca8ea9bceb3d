"""The values at the engine's door."""

import pytest
from redraft_model.errors import Cancelled, OutOfTime
from redraft_model.passage import UNWATCHED, Watch


def test_a_watch_with_a_limit_is_late_once_its_seconds_have_passed() -> None:
    now = [100.0]
    watch = Watch().limited(20.0, lambda: now[0])
    for now[0] in (100.0, 119.9):
        watch.check()
    now[0] = 120.0
    assert watch.is_late()
    with pytest.raises(OutOfTime):
        watch.check()


def test_no_seconds_are_no_limit() -> None:
    assert UNWATCHED.limited(0) is UNWATCHED


def test_who_cancels_wants_nothing_of_what_was_found() -> None:
    with pytest.raises(Cancelled):
        Watch(is_cancelled=lambda: True, is_late=lambda: True).check()
