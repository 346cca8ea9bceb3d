"""Windows: the piece of a text that fits the network, cut where lines begin, as a canvas; and the way back to text."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from redraft_model.canvas import Canvas
from redraft_model.passage import Span
from redraft_model.tokenizer import FILE_END, FILE_START, Tokenizer

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Limits:
    """Sizes in tokens: the part that may change, and what is shown on either side of it."""

    region: int = 200
    before: int = 80
    after: int = 60


@dataclass(frozen=True, eq=False)
class Window:
    """`source` with the characters of `span` as the region of a canvas."""

    source: str
    span: Span
    canvas: Canvas
    tokenizer: Tokenizer

    def source_with(self, region: Ids) -> str:
        """The whole text with other tokens in the region."""
        return self.source[: self.span.start] + self.tokenizer.decode(region) + self.source[self.span.end :]

    def borders(self) -> npt.NDArray[np.int64]:
        """Character offsets in `source` of the borders of the region's tokens, shape (n + 1,)."""
        text = self.span.of(self.source)
        borders = self.tokenizer.borders(self.canvas.region)
        if len(text) == int(borders[-1]):
            return borders + self.span.start
        # A character of several bytes may be several tokens: a border inside it counts as its start.
        ends = np.cumsum([len(character.encode()) for character in text])
        return np.searchsorted(ends, borders, side="right") + self.span.start

    def tokens_of(self, span: Span) -> tuple[int, int]:
        """First and last (exclusive) token of the region that touch `span`; at least one token if there are any."""
        borders = self.borders()
        n_tokens = len(self.canvas.region)
        start = int(np.clip(np.searchsorted(borders, span.start, side="right") - 1, 0, max(0, n_tokens - 1)))
        end = int(
            np.clip(np.searchsorted(borders, span.end, side="left"), start + 1, max(start + 1, n_tokens))
        )
        return start, min(end, n_tokens)


def around(
    tokenizer: Tokenizer,
    source: str,
    focus: Span,
    *,
    action: str = "repair",
    limits: Limits = Limits(),
    within: Span | None = None,
) -> Window:
    """The window whose region holds the lines around `focus` (and stays inside `within`, when given)."""
    # Only text near the focus can be seen, so only that is tokenised: ten characters a token is generous.
    reach = 10 * (limits.region + limits.before + limits.after)
    start = _line_start(source, max(0, focus.start - reach))
    end = _line_end(source, min(len(source), focus.end + reach))
    tokens = tokenizer.encode(source[start:end])
    near = _characters(tokenizer, tokens, source[start:end]) + start
    breaks = np.flatnonzero(_starts_line(tokenizer, tokens))
    first, last = np.searchsorted(near, [focus.start, focus.end])
    low = (
        _snap_up(breaks, max(0, int(first) - limits.region * 3 // 5)) if first > limits.region * 3 // 5 else 0
    )
    low = min(low, int(first))
    high = _snap_down(breaks, low + limits.region, len(tokens))
    high = max(high, min(len(tokens), int(last) + 1))
    if within is not None:
        low = max(low, int(np.searchsorted(near, within.start)))
        high = max(low, min(high, int(np.searchsorted(near, within.end, side="right")) - 1))
    return _window(tokenizer, source, tokens, near, low, high, breaks, action, limits)


def cut(tokenizer: Tokenizer, source: str, target: Span, *, action: str, limits: Limits = Limits()) -> Window:
    """The window whose region is exactly `target`."""
    reach = 10 * (limits.before + limits.after)
    start = _line_start(source, max(0, target.start - reach))
    end = _line_end(source, min(len(source), target.end + reach))
    before = tokenizer.encode(source[start : target.start])
    after = tokenizer.encode(source[target.end : end])
    before_breaks = np.flatnonzero(_starts_line(tokenizer, before))
    after_breaks = np.flatnonzero(_starts_line(tokenizer, after))
    cut_before = _snap_up(before_breaks, len(before) - limits.before) if len(before) > limits.before else 0
    cut_after = (
        _snap_down(after_breaks, limits.after, len(after)) if len(after) > limits.after else len(after)
    )
    canvas = Canvas(
        _head(tokenizer, action, before[cut_before:], at_start=start == 0 and cut_before == 0),
        tokenizer.encode(target.of(source)),
        _tail(tokenizer, after[:cut_after], at_end=end == len(source) and cut_after == len(after)),
    )
    return Window(source, target, canvas, tokenizer)


def tiles(
    tokenizer: Tokenizer, source: str, *, limits: Limits = Limits(), within: Span | None = None
) -> list[Window]:
    """Windows whose regions lie side by side and cover `within` (everything by default), each starting with a line."""
    tokens = tokenizer.encode(source)
    near = _characters(tokenizer, tokens, source)
    breaks = np.flatnonzero(_starts_line(tokenizer, tokens))
    low, stop = 0, len(tokens)
    if within is not None:
        low = int(np.searchsorted(near, within.start))
        stop = max(low, int(np.searchsorted(near, within.end, side="right")) - 1)
    windows = []
    while low < stop:
        high = stop if stop - low <= limits.region else _snap_down(breaks, low + limits.region, stop)
        if high <= low:
            high = min(stop, low + limits.region)
        windows.append(_window(tokenizer, source, tokens, near, low, high, breaks, "repair", limits))
        low = high
    return windows


def with_masks(window: Window, region: Ids) -> Window:
    """The same window with another region on its canvas."""
    return replace(window, canvas=window.canvas.with_region(region))


def _window(
    tokenizer: Tokenizer,
    source: str,
    tokens: Ids,
    near: npt.NDArray[np.int64],
    low: int,
    high: int,
    breaks: npt.NDArray[np.int64],
    action: str,
    limits: Limits,
) -> Window:
    before = _snap_up(breaks, low - limits.before) if low > limits.before else 0
    after = (
        _snap_down(breaks, high + limits.after, len(tokens))
        if high + limits.after < len(tokens)
        else len(tokens)
    )
    before, after = min(before, low), max(after, high)
    at_start = before == 0 and int(near[0]) == 0
    at_end = after == len(tokens) and int(near[-1]) == len(source)
    canvas = Canvas(
        _head(tokenizer, action, tokens[before:low], at_start=at_start),
        tokens[low:high],
        _tail(tokenizer, tokens[high:after], at_end=at_end),
    )
    return Window(source, Span(int(near[low]), int(near[high])), canvas, tokenizer)


def _head(tokenizer: Tokenizer, action: str, before: Ids, *, at_start: bool) -> Ids:
    marks = [tokenizer.id_of("<|python|>"), tokenizer.id_of(f"<|{action}|>")]
    if at_start:
        marks.append(tokenizer.id_of(FILE_START))
    return np.concatenate([np.array(marks, np.int32), before]).astype(np.int32)


def _tail(tokenizer: Tokenizer, after: Ids, *, at_end: bool) -> Ids:
    return np.append(after, np.int32(tokenizer.id_of(FILE_END))).astype(np.int32) if at_end else after


def _starts_line(tokenizer: Tokenizer, tokens: Ids) -> npt.NDArray[np.bool_]:
    return tokenizer.breaks_line[tokens]


def _characters(tokenizer: Tokenizer, tokens: Ids, text: str) -> npt.NDArray[np.int64]:
    """Character offsets of the token borders, shape (n + 1,)."""
    borders = tokenizer.borders(tokens)
    if int(borders[-1]) == len(text):
        return borders
    ends = np.cumsum([len(character.encode()) for character in text])
    return np.searchsorted(ends, borders, side="right").astype(np.int64)


def _snap_up(breaks: npt.NDArray[np.int64], token: int) -> int:
    """The first line break at or behind `token`; `token` itself when there is none."""
    i = int(np.searchsorted(breaks, token))
    return int(breaks[i]) if i < len(breaks) else max(0, token)


def _snap_down(breaks: npt.NDArray[np.int64], token: int, n_tokens: int) -> int:
    """The last line break at or before `token`; `token` itself when there is none."""
    if token >= n_tokens:
        return n_tokens
    i = int(np.searchsorted(breaks, token, side="right")) - 1
    return int(breaks[i]) if i >= 0 else token


def _line_start(source: str, at: int) -> int:
    """Start of the line break before `at`, or the start of the text."""
    return max(0, source.rfind("\n", 0, at))


def _line_end(source: str, at: int) -> int:
    found = source.find("\n", at)
    return len(source) if found < 0 else found
