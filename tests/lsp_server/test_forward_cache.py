"""Suggestions while the user types on: as long as they lead to the same document, and no longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.passage import Passage
from redraft_server import forward_cache
from redraft_server.features.fitting import Fit, fit
from redraft_server.forward_cache import MAX_CHARACTERS, MAX_ENTRIES, SECONDS_TO_LIVE, ForwardCache


def check(asked: str, suggestion: Fit, now: str, expected: Fit | None) -> None:
    """`suggestion` at the "|" of `asked` is `expected` at the "|" of `now`."""
    cache = ForwardCache()
    cache.put("a.py", *asked.split("|"), [suggestion])
    found = cache.get("a.py", *now.split("|"))
    assert found == (None if expected is None else [expected])


def test_the_same_place_has_the_same_suggestion() -> None:
    check("x = |\n", Fit("print(1)"), "x = |\n", Fit("print(1)"))


@pytest.mark.parametrize("n_typed", range(1, 8))
def test_what_is_typed_is_taken_off(n_typed: int) -> None:
    check("x = |\n", Fit("print(1)"), f"x = {'print(1)'[:n_typed]}|\n", Fit("print(1)"[n_typed:]))


def test_words_and_lines_may_be_accepted_one_by_one() -> None:
    suggestion = Fit("for x in y:\n    print(x)\n    z")
    check("|\n", suggestion, "for x|\n", Fit(" in y:\n    print(x)\n    z"))
    check("|\n", suggestion, "for x in y:\n|\n", Fit("    print(x)\n    z"))


def test_what_was_typed_may_be_undone_up_to_the_place_of_the_request() -> None:
    cache = ForwardCache()
    cache.put("a.py", "x = ", "\n", [Fit("abc")])
    assert cache.get("a.py", "x = ab", "\n") == [Fit("c")]
    assert cache.get("a.py", "x = a", "\n") == [Fit("bc")]
    assert cache.get("a.py", "x = ", "\n") == [Fit("abc")]
    assert cache.get("a.py", "x =", "\n") is None


@pytest.mark.parametrize(
    "now", ["x = y|\n", "x = print(1)|\n", "y = p|\n", "x = p|\n\n", "x = p|", "x = p|\ny", "# a\nx = p|\n"]
)
def test_any_other_change_makes_it_useless(now: str) -> None:
    check("x = |\n", Fit("print(1)"), now, None)


def test_brackets_that_the_editor_closes_are_replaced() -> None:
    check("x = |\n", Fit("f(g(1))"), "x = f(|)\n", Fit("g(1))", 1))
    check("x = |\n", Fit("f(g(1))"), "x = f(g(|))\n", Fit("1))", 2))
    check("x = |\n", Fit('d["a"]'), 'x = d["|"]\n', Fit('a"]', 2))
    check("print(|)\n", Fit("f(x))", 1), "print(f(|))\n", Fit("x))", 2))


def test_brackets_that_are_overtyped_are_replaced_no_more() -> None:
    check("f(|):\n", Fit("a):\n    pass", 2), "f(a)|:\n", Fit(":\n    pass", 1))
    check("f(|)\n", Fit("a) + 1", 1), "f(a)|\n", Fit(" + 1"))


def test_brackets_that_the_suggestion_does_not_close_make_it_useless() -> None:
    check("x = |\n", Fit("f("), "x = f|\n", Fit("("))
    check("x = |\n", Fit("f(a"), "x = f(|)\n", None)
    check("x = |\n", Fit("f(a)"), "x = f(|]\n", None)


def test_of_several_suggestions_those_are_left_that_begin_with_what_is_typed() -> None:
    cache = ForwardCache()
    cache.put("a.py", "", "", [Fit("print"), Fit("pass"), Fit("x"), Fit("p")])
    assert cache.get("a.py", "p", "") == [Fit("rint"), Fit("ass")]
    assert cache.get("a.py", "pr", "") == [Fit("int")]
    assert cache.get("a.py", "q", "") is None


def test_nothing_is_remembered_too_but_only_for_its_own_place() -> None:
    cache = ForwardCache()
    cache.put("a.py", "x", "", [])
    assert cache.get("a.py", "x", "") == []
    assert cache.get("a.py", "xy", "") is None


def test_the_newest_suggestion_that_fits_wins() -> None:
    cache = ForwardCache()
    cache.put("a.py", "", "", [Fit("abc")])
    cache.put("a.py", "a", "", [Fit("bd")])
    assert cache.get("a.py", "ab", "") == [Fit("d")]
    cache.put("a.py", "a", "", [Fit("x")])
    assert cache.get("a.py", "ab", "") == [Fit("c")]


def test_keys_are_kept_apart() -> None:
    cache = ForwardCache()
    cache.put(("a.py", True), "", "", [Fit("x")])
    assert cache.get(("a.py", False), "", "") is None
    assert cache.get(("b.py", True), "", "") is None


def test_after_five_minutes_it_is_forgotten() -> None:
    now = 1_000.0
    cache = ForwardCache(lambda: now)
    cache.put("a.py", "", "", [Fit("x")])
    now += SECONDS_TO_LIVE - 1
    assert cache.get("a.py", "", "") == [Fit("x")]
    now += 1
    assert cache.get("a.py", "", "") is None
    assert len(cache) == 0


def test_of_many_entries_the_longest_unused_goes_first() -> None:
    cache = ForwardCache()
    for number in range(MAX_ENTRIES):
        cache.put(number, "", "", [Fit("x")])
    assert cache.get(0, "", "") == [Fit("x")]
    cache.put("new", "", "", [Fit("x")])
    assert len(cache) == MAX_ENTRIES
    assert cache.get(0, "", "") == [Fit("x")]
    assert cache.get(1, "", "") is None


def test_long_documents_leave_room_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_cache, "MAX_CHARACTERS", 1_000)
    cache = ForwardCache()
    for number in range(10):
        cache.put(number, "b" * 200, "a" * 200, [Fit("x")])
    assert len(cache) == 2
    cache.put("huge", "b" * 1_001, "", [Fit("x")])
    assert len(cache) == 0
    assert MAX_CHARACTERS == 10_000_000


PIECES = ["a", "bc", " ", "\n", "(", ")", "[", "]", '"', ":", ","]
codes = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(before=codes, after=codes, draft=codes, n_typed=st.integers(0, 12), n_more=st.integers(-3, 3))
def test_what_is_left_leads_to_the_same_document(
    before: str, after: str, draft: str, n_typed: int, n_more: int
) -> None:
    """Whatever the editor does behind the cursor: an accepted suggestion is the one that was checked."""
    passage = Passage(before, "", after)
    suggestion = fit(draft, passage)
    if suggestion is None:
        return
    cache = ForwardCache()
    cache.put("a.py", before, after, [suggestion])
    typed = suggestion.text[:n_typed]
    after_now = ")" * n_more + after if n_more >= 0 else after[-n_more:]
    now = Passage(before + typed, "", after_now)
    for found in cache.get("a.py", now.before, now.after) or ():
        assert found.whole(now) == suggestion.whole(passage)
        assert found.text
        assert "\n" not in now.after[: found.n_replaced]


@given(before=codes, after=codes, text=codes.filter(bool), n_typed=st.integers(0, 12))
def test_typing_what_is_suggested_never_needs_the_model(
    before: str, after: str, text: str, n_typed: int
) -> None:
    cache = ForwardCache()
    cache.put("a.py", before, after, [Fit(text)])
    found = cache.get("a.py", before + text[:n_typed], after)
    assert found == ([Fit(text[n_typed:])] if n_typed < len(text) else None)
