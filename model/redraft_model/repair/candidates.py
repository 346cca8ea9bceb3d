"""Which of the network's labels a repair search tries on a text: the best single ones, and the sure ones together."""

# T tokens of a region and its end marker, V vocabulary, L labels of a token that may be tried

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.proposer import forbid_controls, shown_labels
from redraft_model.passage import Span
from redraft_model.repair.settings import Search
from redraft_model.text.comments import CommentsAndStrings
from redraft_model.text.parser import error_spans
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, insert_size
from redraft_model.tokens.window import Window, with_masks


@dataclass(frozen=True)
class LabelEdit:
    """Labels for some tokens of a region, by their index in it, and what they gain in nats over keeping these."""

    places: tuple[int, ...]
    labels: tuple[int, ...]
    gain: float

    @property
    def n_replaced(self) -> int:
        """Tokens that are substituted or deleted."""
        return sum(not insert_size(label) for label in self.labels)

    @property
    def n_tokens(self) -> int:
        """Tokens that are substituted or deleted, and masks that are opened."""
        return sum(insert_size(label) or 1 for label in self.labels)

    def applied(self, window: Window) -> Window:
        """The window with the labels executed; masks where they insert."""
        answer = np.append(window.canvas.region, np.int32(ANCHOR_ID))
        answer[list(self.places)] = self.labels
        return with_masks(window, window.canvas.edited(0, len(answer) - 1, answer).region)


def candidates(
    source: str,
    focuses: Sequence[Span],
    window: Window,
    log_p_TV: torch.Tensor,
    untouched: CommentsAndStrings,
    search: Search,
    n_left: int,
) -> list[LabelEdit]:
    """The edits of at most `n_left` tokens to try on the window of a text around `focuses`: where the parser stopped, or
    where what it says is open may end.

    Near problems first: the further away, the more of its gain an edit loses. Labels of which the network is `sure` are tried
    together, too, as Seed Diffusion (arXiv 2508.02193) edits a canvas: all that is to change changes at once.
    """
    shown = torch.from_numpy(shown_labels(window).astype(np.int64))
    log_p_TV = log_p_TV.cpu()
    keep_T = log_p_TV[torch.arange(len(shown)), shown]
    gain_TV = log_p_TV - keep_T[:, None]
    gain_TV[torch.arange(len(shown)), shown] = -torch.inf
    forbid_controls(gain_TV)
    _forbid_in_comments_and_strings(untouched, window, focuses, gain_TV)
    # An insertion of more tokens than may still be edited leads nowhere.
    gain_TV[:, [i for i in INSERT_IDS if insert_size(i) > n_left]] = -torch.inf
    gain_TV = gain_TV - torch.from_numpy(_distance_cost(source, focuses, window, search))[:, None]
    tears_TV = _tearing(window, gain_TV.shape[1])
    whole_TV = gain_TV.masked_fill(tears_TV, -torch.inf)
    # One token that the network finds strange must not fill the list with all that could stand there.
    gain_TL, label_TL = whole_TV.topk(min(search.n_labels, gain_TV.shape[1]))
    best = gain_TL.flatten().topk(min(search.n_candidates, gain_TL.numel()))
    labels = label_TL.flatten()[best.indices].tolist()
    edits = [
        LabelEdit((index // gain_TL.shape[1],), (label,), value)
        for value, index, label in zip(best.values.tolist(), best.indices.tolist(), labels, strict=True)
        if value > -torch.inf
    ]
    # A character of several tokens can only go as a whole.
    tears_TV[:, DELETE_ID] = False
    gain_T, label_T = gain_TV.masked_fill(tears_TV, -torch.inf).max(-1)
    log_p_T = log_p_TV[torch.arange(len(shown)), label_T]
    is_sure_T = (log_p_T >= math.log(search.sure)) & gain_T.isfinite()
    for places in together(is_sure_T.nonzero().flatten().tolist(), _lines(window)):
        edit = LabelEdit(places, tuple(label_T[list(places)].tolist()), float(gain_T[list(places)].sum()))
        if edit.n_tokens <= n_left:
            edits.append(edit)
    return edits


def _tearing(window: Window, n_vocabulary: int) -> torch.Tensor:
    """Which labels of the region's tokens and end marker, each by itself, leave a part of a character, for a token can be one.

    Nor does anything go between two characters that are not ASCII: the network reads such a word byte by byte and finds it odd.
    """
    tokenizer = window.tokenizer
    tokens = shown_labels(window)
    is_part_T = torch.from_numpy(tokenizer.fragments[tokens])
    is_inside_T = torch.from_numpy(tokenizer.begins_beyond_ascii[tokens])
    is_inside_T[1:] &= torch.from_numpy(tokenizer.ends_beyond_ascii[tokens[:-1]])
    inserts_V = torch.zeros(n_vocabulary, dtype=torch.bool)
    inserts_V[list(INSERT_IDS)] = True
    fragments_V = torch.from_numpy(tokenizer.fragments)
    return fragments_V[None, :] | torch.where(inserts_V[None, :], is_inside_T[:, None], is_part_T[:, None])


def _forbid_in_comments_and_strings(
    untouched: CommentsAndStrings, window: Window, problems: Sequence[Span], gain_TV: torch.Tensor
) -> None:
    """Leave no label there but, where a string goes on over lines, those that can end it. On lines of `problems` all stay.

    The window's text is the one of `untouched` after some edits; `gain_TV` is of its region's tokens and end marker.
    """
    borders = window.borders()
    lines = [_whole_lines(window.source, problem) for problem in problems]
    ends_none_V = torch.from_numpy(~window.tokenizer.quotes)
    ends_none_V[list(INSERT_IDS)] = False  # what is inserted may be a quote
    for span in untouched.spans_in(window.source):
        if any(span.start < line.end and line.start < span.end for line in lines):
            continue
        first = int(np.searchsorted(borders, span.start, side="left"))
        last = int(np.searchsorted(borders, span.end, side="right")) - 1
        rows = gain_TV[first : max(first, last)]
        if "\n" in span.of(window.source):
            rows[:, ends_none_V] = -torch.inf
        else:
            rows[:] = -torch.inf


def _whole_lines(source: str, span: Span) -> Span:
    """The whole lines that `span` touches."""
    end = source.find("\n", span.end)
    return Span(source.rfind("\n", 0, span.start) + 1, len(source) if end < 0 else end)


def together(places: Sequence[int], lines: npt.NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Ascending places grouped: neighbours, those of one line, and all of them; groups of two or more, each once.

    One after the other the labels of a group would have to be as sure of the texts between, which nobody writes: of `retrun`,
    three tokens, one becomes `return` and two go, and `returntrun` is no better than what it was.
    """
    runs = [
        tuple(place for _, place in run)
        for _, run in itertools.groupby(enumerate(places), key=lambda entry: entry[1] - entry[0])
    ]
    rows = [tuple(row) for _, row in itertools.groupby(places, key=lambda place: int(lines[place]))]
    return [group for group in dict.fromkeys([*runs, *rows, tuple(places)]) if len(group) > 1]


def _lines(window: Window) -> npt.NDArray[np.int64]:
    """The line of every token of the region and of its end marker, from 0: (T,).

    A line break belongs to the line it ends: that is where a missing bracket or colon goes.
    """
    breaks = window.tokenizer.breaks_line[window.canvas.region].astype(np.int64)
    return np.append(0, np.cumsum(breaks))


def _distance_cost(
    source: str, focuses: Sequence[Span], window: Window, search: Search
) -> npt.NDArray[np.float32]:
    """Nats for every position of the region: the further from where a parser complains, the more."""
    text = window.span.of(source)
    places = list(focuses)
    places += [Span(window.span.start + s.start, window.span.start + s.end) for s in error_spans(text)[:8]]
    n_tokens = len(window.canvas.region) + 1
    at = np.arange(n_tokens)
    line = _lines(window)
    cost = np.full(n_tokens, np.inf, np.float32)
    line_costs = np.array(search.line_costs, np.float32)
    for place in places:
        if not window.span.start <= place.start <= window.span.end:
            continue
        start, end = window.tokens_of(Span(place.start, max(place.start, min(place.end, window.span.end))))
        distance = np.maximum(0, np.maximum(start - at, at - end))
        n_lines = np.maximum(0, np.maximum(line[start] - line, line - line[max(start, end - 1)]))
        nearness = search.token_cost * distance + line_costs[np.minimum(n_lines, len(line_costs) - 1)]
        cost = np.minimum(cost, nearness.astype(np.float32))
    return np.where(np.isfinite(cost), cost, np.float32(0))
