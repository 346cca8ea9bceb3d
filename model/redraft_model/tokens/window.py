"""Windows: the piece of a text that fits the network, cut where lines begin, as a canvas; and the way back to text."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from redraft_model.passage import Span
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, Tokenizer

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

    def picture(self, region: Ids) -> str:
        """As `source_with`, for people: a mask is shown as ░."""
        return self.source[: self.span.start] + self.tokenizer.picture(region) + self.source[self.span.end :]

    def borders(self) -> npt.NDArray[np.int64]:
        """Character offsets in `source` of the borders of the region's tokens, shape (n + 1,)."""
        near, _ = _characters(self.tokenizer, self.canvas.region, self.span.of(self.source))
        return near + self.span.start

    def marked(self, at: int, kind: int) -> "Window":
        """The same window with a mark on the token that holds character `at` of the text, if the region has it."""
        n_tokens = len(self.canvas.region)
        is_in = self.span.start <= at < self.span.end or at == self.span.end == len(self.source)
        if not n_tokens or not is_in:
            return self
        index = min(int(np.searchsorted(self.borders(), at, side="right")) - 1, n_tokens - 1)
        return replace(self, canvas=replace(self.canvas, mark=(index, kind)))

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
    """The window whose region holds the lines around `focus`, or as much of them as fits.

    When `within` is given, the region has no token that lies outside it. A token that reaches across its border is part of the
    region, since the network knows whole tokens only: whoever may not change the part outside has to look (`repair.Bounds`).
    """
    if within is not None:
        focus = Span(_clipped(focus.start, within), _clipped(focus.end, within))
    # Only text near the focus can be seen, so only that is tokenised: ten characters a token is generous.
    reach = 10 * (limits.region + limits.before + limits.after)
    focus = Span(focus.start, min(focus.end, focus.start + reach))
    piece = Span(_line_start(source, focus.start - reach, reach), _line_end(source, focus.end + reach, reach))
    stretch = _stretch(tokenizer, source, piece, within)
    first, last = (int(i) for i in np.searchsorted(stretch.near, [focus.start, focus.end]))
    low, ahead = stretch.open_start, first - limits.region * 3 // 5
    if ahead > low:
        low = _snap_up(stretch.breaks, ahead)
        # A long line may have no break between here and the focus: then it is cut where it must be.
        low = stretch.whole_before(low if low <= first else ahead)
    high = min(low + limits.region, stretch.open_end)
    if high < stretch.open_end:
        snapped = _snap_down(stretch.breaks, high, stretch.open_end)
        high = stretch.whole_before(snapped if last < snapped else high)
    return _window(tokenizer, source, stretch, low, max(low, high), action, limits)


def cut(tokenizer: Tokenizer, source: str, target: Span, *, action: str, limits: Limits = Limits()) -> Window:
    """The window whose region is exactly `target`."""
    reach = 10 * (limits.before + limits.after)
    start = _line_start(source, target.start - reach, reach)
    end = _line_end(source, target.end + reach, reach)
    before = tokenizer.encode(source[start : target.start])
    after = tokenizer.encode(source[target.end : end])
    before_breaks = np.flatnonzero(tokenizer.breaks_line[before])
    after_breaks = np.flatnonzero(tokenizer.breaks_line[after])
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
    """Windows whose regions lie side by side and hold the tokens that touch `within` (all by default).

    Each starts with a line, if lines are short enough.
    """
    stretch = _stretch(tokenizer, source, Span(0, len(source)), within)
    low, stop = stretch.open_start, stretch.open_end
    windows = []
    while low < stop:
        high = min(low + limits.region, stop)
        if high < stop:
            snapped = _snap_down(stretch.breaks, high, stop)
            high = stretch.whole_before(snapped if low < snapped else high)
            # Not even one character fits: it is taken all the same.
            high = high if high > low else stretch.whole_behind(low)
        windows.append(_window(tokenizer, source, stretch, low, high, "repair", limits))
        low = high
    return windows


def with_masks(window: Window, region: Ids) -> Window:
    """The same window with another region on its canvas."""
    return replace(window, canvas=window.canvas.with_region(region))


@dataclass(frozen=True, eq=False)
class _Stretch:
    """A piece of a text as tokens. Character offsets of the borders between them, shape (n + 1,), count from the text's start."""

    tokens: Ids
    near: npt.NDArray[np.int64]
    wholes: npt.NDArray[np.int64]  # the borders, as token indices, that are not inside a character
    breaks: npt.NDArray[np.int64]  # indices of the tokens that start a line
    open_start: int
    open_end: int

    def whole_before(self, token: int) -> int:
        """The last border at or before `token` at which text can be cut."""
        return int(self.wholes[np.searchsorted(self.wholes, token, side="right") - 1])

    def whole_behind(self, token: int) -> int:
        """The first border behind `token` at which text can be cut."""
        return int(self.wholes[np.searchsorted(self.wholes, token, side="right")])


def _stretch(tokenizer: Tokenizer, source: str, piece: Span, within: Span | None) -> _Stretch:
    """The tokens of a piece of `source`; those that touch `within` are open, all of them when it is None."""
    tokens = tokenizer.encode(piece.of(source))
    near, wholes = _characters(tokenizer, tokens, piece.of(source))
    near = near + piece.start
    breaks = np.flatnonzero(tokenizer.breaks_line[tokens])
    if within is None:
        return _Stretch(tokens, near, wholes, breaks, 0, len(tokens))
    first = max(0, int(np.searchsorted(near[wholes], within.start, side="right")) - 1)
    last = min(int(np.searchsorted(near[wholes], within.end)), len(wholes) - 1)
    return _Stretch(tokens, near, wholes, breaks, int(wholes[first]), int(wholes[max(first, last)]))


def _window(
    tokenizer: Tokenizer, source: str, stretch: _Stretch, low: int, high: int, action: str, limits: Limits
) -> Window:
    tokens, near, breaks = stretch.tokens, stretch.near, stretch.breaks
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


def _characters(
    tokenizer: Tokenizer, tokens: Ids, text: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Character offsets of the token borders, shape (n + 1,), and the indices of those that are not inside a character."""
    borders = tokenizer.borders(tokens)
    if int(borders[-1]) == len(text):
        return borders, np.arange(len(borders))
    # A character of several bytes may be several tokens: a border inside it counts as its start.
    starts = np.cumsum([0, *(len(character.encode()) for character in text)])
    near = np.searchsorted(starts, borders, side="right").astype(np.int64) - 1
    return near, np.flatnonzero(starts[near] == borders)


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


def _line_start(source: str, at: int, reach: int) -> int:
    """Start of the last line break before `at`, `at` itself when there is none within `reach`; the text's start near it."""
    found = source.rfind("\n", max(0, at - reach), max(0, at))
    if found >= 0:
        return found
    return at if at > reach else 0


def _line_end(source: str, at: int, reach: int) -> int:
    """The first line break from `at` on, `at` itself when there is none within `reach`; the text's end near it."""
    found = source.find("\n", at, at + reach)
    if found >= 0:
        return found
    return at if at + reach < len(source) else len(source)


def _clipped(offset: int, span: Span) -> int:
    """The place inside `span` (ends included) that is nearest to `offset`."""
    return min(max(offset, span.start), span.end)
