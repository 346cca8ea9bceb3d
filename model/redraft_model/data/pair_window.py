"""A window around the change of a pair: whole lines, some to be worked on and some frozen around them. No torch here."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from redraft_model.data.pairs import Pair
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, Tokenizer

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class PairWindow:
    """The tokens of a region before and after its fix, and the frozen tokens around it."""

    x_t: Ids
    clean: Ids
    before: Ids
    after: Ids
    start: int  # of the region, in the characters of the pair's `before`; of a piece without the line breaks around it


@dataclass(frozen=True)
class _Lines:
    """The lines of a pair: those in front of the change and behind it are the same on both sides."""

    before: list[str]
    after: list[str]
    n_front: int
    n_back: int

    @classmethod
    def of(cls, pair: Pair) -> "_Lines":
        if not pair.is_whole:
            # A piece has no first or last line of the file, so its borders say nothing.
            pair = Pair(
                pair.before.strip("\n"), pair.after.strip("\n"), pair.origin, pair.source, pair.licence
            )
        before, after = pair.before.split("\n"), pair.after.split("\n")
        n = min(len(before), len(after))
        n_front = 0
        while n_front < n and before[n_front] == after[n_front]:
            n_front += 1
        n_back = 0
        while n_back < n - n_front and before[-1 - n_back] == after[-1 - n_back]:
            n_back += 1
        return cls(before, after, n_front, n_back)


def is_usable(tokenizer: Tokenizer, pair: Pair, longest: int) -> bool:
    """Whether the changed lines leave half of `longest` tokens for what stands around them."""
    lines = _Lines.of(pair)
    changed = max(
        _n_tokens(tokenizer, side[lines.n_front : len(side) - lines.n_back])
        for side in (lines.before, lines.after)
    )
    return lines.before != lines.after and changed <= longest // 2


def cut(tokenizer: Tokenizer, pair: Pair, n_region: int, n_context: int, rng: random.Random) -> PairWindow:
    """Lines around the change, about `n_region` tokens or what the change needs, and at most `n_context` frozen ones."""
    lines = _Lines.of(pair)
    start, end = lines.n_front, len(lines.before) - lines.n_back
    if start in (end, len(lines.after) - lines.n_back):
        # Lines that appear or vanish need one beside them: no lines and one empty line read alike.
        start, end = (start, end + 1) if lines.n_back else (start - 1, end)
    size = max(
        _n_tokens(tokenizer, lines.before[start:end]),
        _n_tokens(tokenizer, lines.after[start : len(lines.after) - len(lines.before) + end]),
    )
    start, end = _grow(tokenizer, lines.before, start, end, n_region - size, rng)
    outer_start, outer_end = _grow(tokenizer, lines.before, start, end, n_context, rng)
    # What follows the region is as far from the end of both texts.
    after_end = len(lines.after) - (len(lines.before) - end)
    before, after = lines.before[outer_start:start], lines.before[end:outer_end]
    starts_file = outer_start == 0 and pair.is_whole
    ends_file = outer_end == len(lines.before) and pair.is_whole
    # A line break belongs to the line behind it; the first line of a file has none.
    first_break = "" if pair.is_whole and start == 0 else "\n"
    front = "\n".join(before) if starts_file else "".join(f"\n{line}" for line in before)
    return PairWindow(
        tokenizer.encode(first_break + "\n".join(lines.before[start:end])),
        tokenizer.encode(first_break + "\n".join(lines.after[start:after_end])),
        _joined([tokenizer.id_of(FILE_START)] if starts_file else [], tokenizer.encode(front)),
        _joined(
            tokenizer.encode("".join(f"\n{line}" for line in after)),
            [tokenizer.id_of(FILE_END)] if ends_file else [],
        ),
        sum(len(line) + 1 for line in lines.before[:start]) - len(first_break),
    )


def _grow(
    tokenizer: Tokenizer, lines: Sequence[str], start: int, end: int, room: int, rng: random.Random
) -> tuple[int, int]:
    """Take in lines at either end, at random, until the next one is more than there is room for."""
    share = rng.random()
    while start > 0 or end < len(lines):
        goes_up = end == len(lines) or (start > 0 and rng.random() < share)
        room -= _n_tokens(tokenizer, [lines[start - 1 if goes_up else end]])
        if room < 0:
            break
        start, end = (start - 1, end) if goes_up else (start, end + 1)
    return start, end


def _n_tokens(tokenizer: Tokenizer, lines: Sequence[str]) -> int:
    return len(tokenizer.encode("".join(f"\n{line}" for line in lines)))


def _joined(*parts: Ids | list[int]) -> Ids:
    return np.concatenate([np.asarray(part, np.int32) for part in parts])
