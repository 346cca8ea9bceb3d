"""The sweep with a network that knows the clean text: it doubts what differs, and improves what it doubts."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from redraft_model.calibration.logistic import Logistic
from redraft_model.decode.proposer import Proposer
from redraft_model.errors import Cancelled
from redraft_model.misuse.ranking import (
    GROUPS,
    LABEL_EDIT_FEATURES,
    MISUSE_FEATURES,
    MisuseWeights,
    word_shares,
)
from redraft_model.misuse.sweep import Sweep, SweepResult, WindowResult, doubts, improve
from redraft_model.network.transformer import Transformer
from redraft_model.passage import Doubt, Span, Watch
from redraft_model.text.parser import parses
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.tokens.window import Limits, Window

CLEAN = """def difference(a, b):
    name = '名前 😀'
    return a - b


def first(values):
    for value in values:
        return value
"""
Proposing = Callable[..., Proposer]
# In words that lead, and in nothing that the labels propose.
BELIEVES_IN_LEADS = MisuseWeights(
    words=dict.fromkeys(GROUPS, Logistic(-4.0, tuple(float(name == "lead") for name in MISUSE_FEATURES))),
    label_edit=Logistic(-9.0, (0.0,) * len(LABEL_EDIT_FEATURES)),
    threshold=0.6,
)


@pytest.fixture(scope="module")
def proposer_of(tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]) -> Proposing:
    """Makes the proposer of a network that knows one text."""
    return lambda clean, watch=Watch(): Proposer(oracle_of(clean), tokenizer, watch)  # noqa: B008


def changed(good: str, bad: str, source: str = CLEAN) -> str:
    assert source.count(good) == 1, good
    return source.replace(good, bad)


def found(
    proposer_of: Proposing,
    source: str,
    clean: str = CLEAN,
    threshold: float = 0.5,
    within: Span | None = None,
) -> list[Doubt]:
    return doubts(proposer_of(clean), source, threshold, within, Sweep())


def test_a_wrong_token_is_doubted_and_the_right_one_proposed(proposer_of: Proposing) -> None:
    source = changed("a - b", "a + b")
    (doubt,) = found(proposer_of, source)
    at = source.index(" + ")
    assert (doubt.span, doubt.kind, doubt.proposal) == (Span(at, at + 2), "substitute", " -")
    assert doubt.probability < 0.01


def test_a_surplus_token_is_doubted(proposer_of: Proposing) -> None:
    source = changed("a - b", "a - - b")
    (doubt,) = found(proposer_of, source)
    assert (doubt.span.of(source), doubt.kind, doubt.proposal) == (" -", "delete", "")


def test_a_missing_token_is_doubted_at_the_token_behind_it(proposer_of: Proposing) -> None:
    source = changed("a - b", "a b")
    (doubt,) = found(proposer_of, source)
    at = source.index(" b\n")
    assert (doubt.span, doubt.kind) == (Span(at, at + 2), "insert")


def test_what_is_missing_at_the_end_is_doubted_at_the_end(proposer_of: Proposing) -> None:
    source = "x = (1"
    (doubt,) = found(proposer_of, source, "x = (1)")
    assert (doubt.span, doubt.kind) == (Span(6, 6), "insert")


def test_the_network_is_told_where_the_parser_stopped(
    proposer_of: Proposing, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[bool] = []
    for source in (changed("a - b", "a b"), CLEAN):
        proposer = proposer_of(CLEAN)
        look = proposer.log_p

        def seen(windows: Sequence[Window], look: Callable[..., object] = look) -> object:
            marks.extend(window.canvas.mark is not None for window in windows)
            return look(windows)

        monkeypatch.setattr(proposer, "log_p", seen)
        doubts(proposer, source, 0.5, None, Sweep(limits=Limits(region=20, before=9, after=9)))
        assert sum(marks) == (source != CLEAN)
        assert len(marks) > 1
        marks.clear()


def test_a_text_the_network_expects_raises_no_doubt(proposer_of: Proposing) -> None:
    assert found(proposer_of, CLEAN) == []
    assert found(proposer_of, "", "x = 1\n") == []


def test_the_threshold_is_how_unlikely_a_token_must_be(proposer_of: Proposing) -> None:
    # The oracle keeps what is right with 0.95, so every token is wrong with a probability of 0.05.
    source = changed("a - b", "a + b")
    assert len(found(proposer_of, source, threshold=0.04)) > 20
    assert len(found(proposer_of, source, threshold=0.2)) == 1
    assert len(found(proposer_of, source, threshold=0.99)) == 1
    assert found(proposer_of, source, threshold=1.0) == []


def test_doubts_stay_inside_the_span_and_are_in_order(proposer_of: Proposing) -> None:
    source = changed("a - b", "a + b", changed("in values", "in value", changed("(a, b)", "(a, c)")))
    everywhere = found(proposer_of, source)
    assert len(everywhere) == 3
    assert [d.span for d in everywhere] == sorted(d.span for d in everywhere)
    within = Span(source.index("    name"), source.index("def first"))
    assert found(proposer_of, source, within=within) == [everywhere[1]]
    assert found(proposer_of, source, within=Span(5, 5)) == []


@pytest.mark.parametrize("region", [1, 7, 20])
def test_windows_side_by_side_report_every_token_once(proposer_of: Proposing, region: int) -> None:
    # In windows of any size: what is missing between two windows is behind the one and before the other.
    source = changed("a - b", "a b", changed("for value in", "for value", changed("(a, b)", "(a, c)")))
    sweep = Sweep(limits=Limits(region, 400, 400))
    proposer = proposer_of(CLEAN)
    assert doubts(proposer, source, 0.5, None, sweep) == found(proposer_of, source)
    assert proposer.effort.n_forward >= len(source) // 10 // region


def test_a_calibration_tells_which_word_is_wrong(proposer_of: Proposing) -> None:
    source = changed("a - b", "a - a")
    at = source.index(" a\n") + 1

    def told(threshold: float, text: str = source, clean: str = CLEAN) -> list[Doubt]:
        return doubts(proposer_of(clean), text, threshold, None, Sweep(), BELIEVES_IN_LEADS)

    (doubt,) = told(0.5)
    assert (doubt.span, doubt.kind, doubt.proposal) == (Span(at, at + 1), "substitute", "b")
    assert 0.05 < doubt.probability < 0.5
    assert [(each.span, each.proposal) for each in found(proposer_of, source)] == [
        (Span(at - 1, at + 1), " b")
    ]
    # It knows better than the labels where the text parses; where it does not there are no slots.
    assert told(0.9) == []
    assert told(0.5, changed("value\n", "value +\n")) == found(proposer_of, changed("value\n", "value +\n"))
    assert told(0.5, CLEAN) == []


@pytest.mark.parametrize(
    ("good", "bad", "place", "kind", "proposal"),
    [
        ("a - b", "a + b", "+", "substitute", "-"),
        ("a - b", "not a - b", "not", "delete", ""),
        ("not a - b", "a - b", "a", "insert", "not"),
        ("a - values", "a - value", "value", "substitute", "values"),
    ],
)
def test_what_the_labels_propose_for_a_text_that_parses_is_tried(
    proposer_of: Proposing, good: str, bad: str, place: str, kind: str, proposal: str
) -> None:
    sure = replace(
        BELIEVES_IN_LEADS,
        words=dict.fromkeys(GROUPS, Logistic(-9.0, (0.0,) * len(MISUSE_FEATURES))),
        label_edit=Logistic(-4.0, tuple(float(name == "improvement") for name in LABEL_EDIT_FEATURES)),
    )
    clean, source = changed("a - b", good), changed("a - b", bad)
    start = source.index(bad) + bad.index(place)
    (doubt,) = doubts(proposer_of(clean), source, 0.5, None, Sweep(), sure)
    assert (doubt.kind, doubt.proposal.strip()) == (kind, proposal.strip())
    assert doubt.span.start <= start + 1
    assert doubt.span.end > start
    assert doubt.probability < 0.5
    assert doubts(proposer_of(clean), source, 0.5, Span(0, 3), Sweep(), sure) == []
    unsure = replace(sure, label_edit=Logistic(-9.0, (0.0,) * len(LABEL_EDIT_FEATURES)))
    assert doubts(proposer_of(clean), source, 0.5, None, Sweep(), unsure) == []


def test_doubting_can_be_cancelled(proposer_of: Proposing) -> None:
    with pytest.raises(Cancelled):
        doubts(proposer_of(CLEAN, Watch(is_cancelled=lambda: True)), CLEAN, 0.5, None, Sweep())


@pytest.mark.parametrize(
    ("good", "bad"),
    [("a - b", "a + b"), ("return value", "return (value)"), ("'名前 😀'", "(名前)"), ("values:", "value:")],
)
def test_a_text_that_parses_is_improved_where_the_network_is_sure(
    proposer_of: Proposing, good: str, bad: str
) -> None:
    source = changed(good, bad)
    assert parses(source)
    better = improve(proposer_of(CLEAN), source, replace(Sweep(), n_edits=12))
    text, score, n_edits = better.source, better.score, better.n_edits
    assert parses(text)
    if good != "'名前 😀'" and "(" not in bad:
        # One edit does it; the others need two at once, and no text between them parses.
        assert (text, n_edits) == (CLEAN, 1)
        assert score > 4
    else:
        assert text == source or n_edits >= 1


def test_a_missing_token_is_put_in(proposer_of: Proposing) -> None:
    source = "x = f(a, b)\ny = a\n"
    clean = "x = f(a, -b)\ny = a\n"
    assert improve(proposer_of(clean), source, Sweep()).source == clean


def test_what_the_network_expects_is_left_alone(proposer_of: Proposing) -> None:
    proposer = proposer_of(CLEAN)
    assert improve(proposer, CLEAN, Sweep()) == SweepResult(CLEAN, 0.0, 0, 1.0)
    assert proposer.effort.n_forward == 2, "once to look at the labels, once to guess what is hidden"
    assert improve(proposer_of("x = 1\n"), "", Sweep()) == SweepResult("", 0.0, 0, 1.0)


def test_no_text_that_parses_becomes_one_that_does_not(proposer_of: Proposing) -> None:
    for bad in ("a - = b", "a -", "(a - b", "a b"):
        text = improve(proposer_of(changed("a - b", bad)), CLEAN, replace(Sweep(), n_edits=4)).source
        assert parses(text)


def test_the_number_of_edits_is_kept(proposer_of: Proposing) -> None:
    source, clean = "x = a + b\ny = c + d\nz = e + f\n", "x = a - b\ny = c - d\nz = e - f\n"
    for n in (1, 2, 3, 4):
        better = improve(proposer_of(clean), source, replace(Sweep(), n_edits=n))
        text, n_edits = better.source, better.n_edits
        assert n_edits == min(n, 3)
        assert text.count("-") == min(n, 3)


def test_without_a_calibration_only_words_that_lead_clearly_are_tried(proposer_of: Proposing) -> None:
    source = changed("a - b", "a - a")
    for lead, is_tried in ((1.0, True), (50.0, False)):
        looked: list[WindowResult] = []
        improve(proposer_of(CLEAN), source, Sweep(lead=lead), on_window=looked.append)
        assert any(edit.features is None for edit in looked[0].edits) == is_tried
        assert CLEAN in [word.text(source) for words in looked[0].words for word in words]


@pytest.mark.parametrize(("threshold", "is_made"), [(0.6, True), (0.999, False)])
def test_the_calibration_decides_which_word_is_put_in(
    proposer_of: Proposing, threshold: float, is_made: bool
) -> None:
    weights = replace(BELIEVES_IN_LEADS, threshold=threshold)
    source = changed("a - b", "a - a")
    looked: list[WindowResult] = []
    better = improve(proposer_of(CLEAN), source, Sweep(), weights=weights, on_window=looked.append)
    shares = [
        share
        for words in looked[0].words
        for share in word_shares(weights.words, [word.features for word in words])
    ]
    assert better.source == (CLEAN if is_made else source)
    assert better.n_edits == int(is_made)
    assert better.probability == pytest.approx(max(shares) if is_made else 1.0)
    assert max(shares) > 0.6


def test_several_windows_are_improved(proposer_of: Proposing) -> None:
    clean = "".join(f"value_{a}{b} = (a - {a}) * 名\n" for a in "klmnopq" for b in "rstuvw")
    source = clean
    for name in ("kr", "nt", "qw"):
        source = source.replace(f"value_{name} = (a - ", f"value_{name} = (a + ")
    sweep = Sweep(limits=Limits(60, 30, 30))
    proposer = proposer_of(clean)
    better = improve(proposer, source, sweep)
    text, n_edits = better.source, better.n_edits
    assert (text, n_edits) == (clean, 3)
    assert proposer.effort.n_forward > 5


def test_only_the_span_is_improved(proposer_of: Proposing) -> None:
    source, clean = "x = a + b\ny = c + d\nz = e + f\n", "x = a - b\ny = c - d\nz = e - f\n"
    better = improve(proposer_of(clean), source, Sweep(), within=Span(10, 20))
    text, n_edits = better.source, better.n_edits
    assert (text, n_edits) == ("x = a + b\ny = c - d\nz = e + f\n", 1)


def test_what_is_refused_is_not_done(proposer_of: Proposing) -> None:
    source = changed("a - b", "a + b")
    assert improve(proposer_of(CLEAN), source, Sweep(), is_allowed=lambda text: False) == SweepResult(
        source, 0.0, 0, 1.0
    )


def test_improving_can_be_cancelled_between_passes(proposer_of: Proposing) -> None:
    source = changed("a - b", "a + b")
    polls = iter([False, True])
    proposer = proposer_of(CLEAN, Watch(is_cancelled=polls.__next__))
    with pytest.raises(Cancelled):
        improve(proposer, source, Sweep())
    assert proposer.effort.n_forward == 1
