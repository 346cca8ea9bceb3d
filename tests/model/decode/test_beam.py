"""The line search: the cached way agrees with the slow one, the likeliest text wins, seeds repeat, and cancelling stops it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from redraft_model.complete.retrieval import RetrievedTokens
from redraft_model.decode.beam import (
    BeamResult,
    BeamSettings,
    Hole,
    Line,
    confidence,
    followed,
    interpolated,
    merged,
    picture,
    possible,
    search,
)
from redraft_model.decode.forward import Cached, Full
from redraft_model.decode.sampler import Draw
from redraft_model.errors import Cancelled
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

VOCABULARY = 64
A, B, C, BREAK, DEEPER = range(len(SPECIALS), len(SPECIALS) + 5)
BREAKS = np.isin(np.arange(VOCABULARY), [BREAK, DEEPER])
SETTINGS = BeamSettings(beam=4, n_masks=6)


class Scripted:
    """A network of which it is written down what it says after which text; anything else is as good as impossible."""

    def __init__(self, says: dict[tuple[int, ...], dict[int, float]]) -> None:
        self._says = says

    def refresh(self, canvases: Sequence[Canvas]) -> list[torch.Tensor]:
        return [torch.zeros(len(canvas.region) + 1, VOCABULARY) for canvas in canvases]

    def at_first_mask(self, rows: Sequence[int], canvases: Sequence[Canvas]) -> torch.Tensor:
        del rows
        log_p_NV = torch.full((len(canvases), VOCABULARY), -30.0)
        for n, canvas in enumerate(canvases):
            written = tuple(canvas.region[canvas.region != MASK_ID].tolist())
            for token, p in self._says.get(written, {}).items():
                log_p_NV[n, token] = np.log(p)
        return log_p_NV


@pytest.fixture(scope="module")
def model(wild_of: Callable[..., Transformer]) -> Transformer:
    """A network that answers differently everywhere."""
    return wild_of(VOCABULARY)


def place(n_masks: int = 6, seed: int = 0, **others: object) -> Hole:
    rng = np.random.default_rng(5)
    head, tail = rng.integers(A, VOCABULARY, 9), rng.integers(A, VOCABULARY, 4)
    canvas = Canvas(head.astype(np.int32), np.full(n_masks, MASK_ID, np.int32), tail.astype(np.int32))
    return Hole(canvas, draw=Draw(seed), **others)  # type: ignore[arg-type]


def texts(found: BeamResult) -> list[tuple[int, ...]]:
    return [line.tokens for line in found.best()]


def test_the_likeliest_text_wins_though_its_first_token_is_not_the_likeliest() -> None:
    network = Scripted(
        {
            (): {A: 0.6, B: 0.4},
            (A,): {A: 0.1, B: 0.1, C: 0.1, DELETE_ID: 0.1},
            (B,): {C: 1.0},
            (B, C): {DELETE_ID: 1.0},
        }
    )
    (found,) = search(network, [place()], SETTINGS, breaks_line=BREAKS)
    best = found.best()[0]
    assert best.tokens == (B, C)
    assert best.has_ended
    assert best.score == pytest.approx(np.log(0.4) / 3, abs=1e-3)
    (greedy,) = search(network, [place()], replace(SETTINGS, beam=1), breaks_line=BREAKS)
    assert greedy.best()[0].tokens != (B, C)


def test_a_text_that_is_much_less_likely_than_one_that_has_ended_is_given_up() -> None:
    network = Scripted(
        {(): {A: 0.9, B: 0.02}, (A,): {DELETE_ID: 1.0}, (B,): {C: 1.0}, (B, C): {DELETE_ID: 1.0}}
    )
    ended = {}
    for lead in (3.0, 5.0):
        (found,) = search(network, [place()], replace(SETTINGS, lead=lead, beam=2), breaks_line=BREAKS)
        ended[lead] = {line.tokens for line in found.ended}
    assert (A,) in ended[3.0]
    assert (B, C) not in ended[3.0], "ln(0.9 / 0.02) is 3.8"
    assert (B, C) in ended[5.0]


@pytest.mark.parametrize("opening", [(), (DEEPER,)])
def test_nothing_at_all_is_no_reason_to_give_a_text_up(opening: tuple[int, ...]) -> None:
    network = Scripted(
        {
            (): {DEEPER: 1.0},
            opening: {DELETE_ID: 0.99, A: 0.01},
            (*opening, A): {B: 1.0},
            (*opening, A, B): {DELETE_ID: 1.0},
        }
    )
    here = place(7, openings=np.array([DEEPER], np.int32) if opening else None)
    (found,) = search(network, [here], replace(SETTINGS, lead=3.0), breaks_line=BREAKS)
    assert {opening, (*opening, A, B)} <= {line.tokens for line in found.ended}


def test_a_line_stays_one_line() -> None:
    network = Scripted({(): {BREAK: 0.7, A: 0.3}, (A,): {DEEPER: 0.6, DELETE_ID: 0.4}})
    (found,) = search(network, [place()], SETTINGS, breaks_line=BREAKS)
    assert texts(found)[0] == (A,)
    assert not any(token in (BREAK, DEEPER) for tokens in texts(found) for token in tokens)


def test_an_opening_is_one_of_those_that_are_offered() -> None:
    network = Scripted({(): {BREAK: 0.9, DEEPER: 0.1}, (DEEPER,): {A: 1.0}, (DEEPER, A): {DELETE_ID: 1.0}})
    deeper = place(7, openings=np.array([DEEPER], np.int32))
    (found,) = search(network, [deeper], SETTINGS, breaks_line=BREAKS)
    assert texts(found)[0] == (DEEPER, A)
    assert {tokens[0] for tokens in texts(found)} == {DEEPER}
    # Nothing else was possible there, so the opening costs nothing.
    assert found.best()[0].score == pytest.approx(0.0, abs=1e-3)


def test_only_some_tokens_can_follow_where_that_is_known() -> None:
    network = Scripted(
        {
            (): {DEEPER: 1.0},
            (DEEPER,): {A: 0.8, B: 0.15, C: 0.05},
            (DEEPER, B): {A: 0.5, DELETE_ID: 0.5},
            (DEEPER, C): {DELETE_ID: 1.0},
        }
    )
    can_follow = np.isin(np.arange(VOCABULARY), [B, C])
    known = place(7, openings=np.array([DEEPER], np.int32), next_tokens={(DEEPER,): can_follow})
    (found,) = search(network, [known], replace(SETTINGS, lead=99.0), breaks_line=BREAKS)
    assert {tokens[1] for tokens in texts(found)} <= {B, C}
    # Behind B as well A was possible.
    assert (DEEPER, B, A) in {tokens[:3] for tokens in texts(found)} | {
        line.tokens[:3] for line in found.lines
    }
    # That it is one of the two is known, so it is not less likely for that.
    scores = {line.tokens: line.log_p for line in found.best()}
    assert scores[DEEPER, C] == pytest.approx(np.log(0.25), abs=1e-3)


@pytest.mark.parametrize("opening", [(), (DEEPER,)])
def test_a_prefix_is_written_however_unlikely_and_not_for_nothing(opening: tuple[int, ...]) -> None:
    network = Scripted(
        {
            (): {DEEPER: 1.0} if opening else {A: 0.9, B: 0.1},
            opening: {A: 0.9, B: 0.1},
            (*opening, B): {A: 0.75, C: 0.25},
            (*opening, B, C): {A: 0.5, DELETE_ID: 0.5},
            (*opening, B, C, A): {DELETE_ID: 1.0},
        }
    )
    openings = np.array([DEEPER], np.int32) if opening else None
    known = place(7, openings=openings, forced_prefix=(B, C), beam=2)
    (found,) = search(network, [known], SETTINGS, breaks_line=BREAKS)
    scores = {line.tokens: line.log_p for line in found.best()}
    # It costs what the network thinks of it, and never less than the floor.
    for text in ((*opening, B, C), (*opening, B, C, A)):
        assert scores[text] == pytest.approx(SETTINGS.score_floor + np.log(0.25 * 0.5), abs=1e-3)
    assert np.log(0.1) < SETTINGS.score_floor < np.log(0.25)
    assert all(tokens[: len(opening) + 2] == (*opening, B, C) for tokens in scores)


def test_a_prefix_that_says_where_it_ends_is_all_of_the_text() -> None:
    network = Scripted({(): {A: 0.9, B: 0.1}, (B,): {C: 0.9, DELETE_ID: 0.1}})
    (found,) = search(network, [place(7, forced_prefix=(B, DELETE_ID))], SETTINGS, breaks_line=BREAKS)
    assert [line.tokens for line in found.ended] == [(B,)]
    assert found.ended[0].log_p == pytest.approx(2 * SETTINGS.score_floor)
    assert found.lines == []


class Remembers:
    """A file of which it is written down what follows which text."""

    def __init__(self, says: dict[tuple[int, ...], dict[int, int]]) -> None:
        self._says = says

    def after(self, tokens: tuple[int, ...]) -> RetrievedTokens | None:
        return RetrievedTokens(self._says[tokens], 1) if tokens in self._says else None


def test_what_is_retrieved_counts_as_much_as_its_weight() -> None:
    network = Scripted(
        {(): {A: 0.8, B: 0.2}, (A,): {DELETE_ID: 1.0}, (B,): {DELETE_ID: 1.0}, (C,): {DELETE_ID: 1.0}}
    )
    asked: list[Sequence[float]] = []

    def interpolation(features: Sequence[float]) -> float:
        asked.append(features)
        return 0.75

    here = place(retrieval=Remembers({(): {C: 2, B: 1, BREAK: 5}}))
    (found,) = search(network, [here], SETTINGS, breaks_line=BREAKS, interpolation=interpolation)
    p = {line.tokens: np.exp(line.log_p) for line in found.best()}
    # Of a line break that cannot be there nothing is retrieved.
    assert p[(C,)] == pytest.approx(0.75 * 2 / 3, abs=1e-3)
    assert p[(B,)] == pytest.approx(0.75 / 3 + 0.25 * 0.2, abs=1e-3)
    assert p[(A,)] == pytest.approx(0.25 * 0.8, abs=1e-3)
    assert asked == [pytest.approx((0.0, np.log(3), 2 / 3, 0.0, 0.8), abs=1e-3)]
    (found,) = search(network, [here], SETTINGS, breaks_line=BREAKS)
    assert texts(found)[0] == (A,), "without interpolation the network speaks alone"


@pytest.mark.parametrize("interpolation", [0.0, 1.0])
def test_neither_ever_decides_alone(interpolation: float) -> None:
    log_p_V = torch.tensor([0.5, 0.5, 0.0]).log()
    mixture_V = interpolated(log_p_V, RetrievedTokens({0: 1}, 1), lambda features: interpolation)
    assert mixture_V.exp().sum() == pytest.approx(1.0)
    assert mixture_V[:2].isfinite().all()
    assert mixture_V[2] == -torch.inf
    assert possible(RetrievedTokens({2: 4}, 1), log_p_V) is None
    assert confidence(log_p_V) == pytest.approx(0.5)


def test_a_known_text_is_followed_with_what_the_search_would_see() -> None:
    network = Scripted(
        {(): {DEEPER: 0.6, BREAK: 0.4}, (DEEPER,): {A: 0.9, B: 0.1}, (DEEPER, B): {DELETE_ID: 0.5, A: 0.5}}
    )
    here = place(
        7,
        openings=np.array([DEEPER, BREAK], np.int32),
        next_tokens={(DEEPER,): np.isin(np.arange(VOCABULARY), [B, C])},
        retrieval=Remembers({(DEEPER,): {A: 3}, (DEEPER, B): {DELETE_ID: 1, A: 1}}),
    )
    steps = followed(network, here, [DEEPER, B], breaks_line=BREAKS)
    assert [token for token, _, _ in steps] == [DEEPER, B, DELETE_ID]
    assert [float(log_p_V[token].exp()) for token, log_p_V, _ in steps] == pytest.approx(
        [0.6, 1.0, 0.5], abs=1e-3
    )
    assert [retrieved for _, _, retrieved in steps] == [None, None, RetrievedTokens({DELETE_ID: 1, A: 1}, 1)]


def test_a_prefix_that_cannot_be_there_leads_to_nothing() -> None:
    can_follow = np.arange(VOCABULARY) == A
    known = place(7, forced_prefix=(B,), next_tokens={(): can_follow})
    (found,) = search(Scripted({}), [known], SETTINGS, breaks_line=BREAKS)
    assert found.best() == []
    assert picture(known, found).tolist() == [MASK_ID] * 7


def test_of_searches_together_the_best_end_comes_first() -> None:
    going, ended = Line((A,), -1.0, 1), [Line((B,), -float(n), 2, has_ended=True) for n in (1, 2, 3)]
    found = merged([BeamResult([going], [ended[1]], 5, 7), BeamResult([], [ended[0], ended[2]], 6, 3)])
    assert (found.lines, found.ended) == ([going], ended)
    assert (found.n_forward, found.n_tokens) == (6, 10)


def test_a_text_without_an_end_is_as_long_as_its_canvas() -> None:
    network = Scripted({(A,) * n: {A: 1.0} for n in range(8)})
    (found,) = search(network, [place()], SETTINGS, breaks_line=BREAKS)
    assert max(len(tokens) for tokens in texts(found)) <= SETTINGS.n_masks
    assert found.lines[0].tokens == (A,) * SETTINGS.n_masks


def test_nothing_at_all_is_an_answer() -> None:
    network = Scripted({(): {DELETE_ID: 0.99, A: 0.01}})
    (found,) = search(network, [place()], SETTINGS, breaks_line=BREAKS)
    assert texts(found)[0] == ()


@pytest.mark.parametrize("n_masks", [6, 1])
def test_cached_with_a_refresh_at_every_step_is_the_reference(model: Transformer, n_masks: int) -> None:
    places = [place(n_masks), place(n_masks + 1, openings=np.array([BREAK, DEEPER], np.int32))]
    settings = BeamSettings(beam=3, n_masks=n_masks, refresh_every=1)
    with torch.inference_mode():
        fast = search(Cached(model), places, settings, breaks_line=BREAKS)
        slow = search(Full(model), places, settings, breaks_line=BREAKS)
    for a, b in zip(fast, slow, strict=True):
        assert texts(a) == texts(b)
        assert [x.log_p for x in a.best()] == pytest.approx([x.log_p for x in b.best()], abs=1e-3)


def test_places_of_a_batch_do_not_see_each_other(model: Transformer) -> None:
    places = [place(), place(4), place(seed=3)]
    with torch.inference_mode():
        merged = search(Cached(model), places, SETTINGS, breaks_line=BREAKS)
        alone = [search(Cached(model), [each], SETTINGS, breaks_line=BREAKS)[0] for each in places]
    assert [texts(found) for found in merged] == [texts(found) for found in alone]
    assert [found.n_forward for found in merged] == [found.n_forward for found in alone]


def test_a_seed_repeats_and_another_finds_others(model: Transformer) -> None:
    def found(seed: int) -> list[tuple[int, ...]]:
        with torch.inference_mode():
            return texts(search(Cached(model), [place(seed=seed)], SETTINGS, breaks_line=BREAKS)[0])

    assert found(1) == found(1) != found(2)
    assert found(0) != found(1)


@pytest.mark.parametrize("n_polls", [0, 2])
def test_a_cancelled_search_stops(model: Transformer, n_polls: int) -> None:
    polls = count()
    steps: list[int] = []

    def on_step(step: int, found: Sequence[BeamResult]) -> None:
        del found
        steps.append(step)

    is_cancelled: Callable[[], bool] = lambda: next(polls) >= n_polls  # noqa: E731
    with torch.inference_mode(), pytest.raises(Cancelled):
        search(
            Cached(model),
            [place()],
            SETTINGS,
            breaks_line=BREAKS,
            is_cancelled=is_cancelled,
            on_step=on_step,
        )
    assert len(steps) == max(0, n_polls - 1)


def test_the_picture_has_masks_until_the_text_has_ended(model: Transformer) -> None:
    pictures: list[int] = []
    here = place()

    def on_step(step: int, found: Sequence[BeamResult]) -> None:
        del step
        pictures.append(int((picture(here, found[0]) == MASK_ID).sum()))

    with torch.inference_mode():
        search(Cached(model), [here], SETTINGS, breaks_line=BREAKS, on_step=on_step)
    assert pictures == sorted(pictures, reverse=True)
    assert pictures[0] == SETTINGS.n_masks - 1
