"""Labels that turn one token sequence into another, and their execution. Knows ids only, no text and no network.

Align `before` and `after` by longest common subsequence. Matched tokens are KEEP (the label is the token itself). In
the gap before each match the i-th old token becomes the i-th new one (SUBSTITUTE), old tokens left over are `<|delete|>`,
and new tokens left over are announced by one `<|insert_k|>` on the token after the gap: k masks open before it, with k the
smallest of 1, 2, 4, 8, 16 that is enough (16 when none is). Surplus masks are deleted in the next round, missing ones
opened in the next round; so every pair of sequences is joined by a bounded number of rounds. Labels as in LLaDA 2.2
(tech report, 2026), with sizes on the insertions.

Within a gap whitespace variants, the same word with and without a blank in front, are matched as well, and the old one becomes the
new one. Otherwise the i-th old token would have to be written again from nothing: of `print x` and `print(x)` the `x` are two
tokens, and `x` would become `(`. A token that announces an insertion becomes its whitespace variant in the next round.

A sequence is followed by one anchor, the region's end, so that a gap at the end has a token to stand on: labels have one
more entry than `before`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq

from redraft_model.tokens.tokenizer import DELETE, INSERT_SIZES, INSERTS, MASK, PAD, REGION_END, SPECIALS

Ids = npt.NDArray[np.int32]

PAD_ID = SPECIALS.index(PAD)
MASK_ID = SPECIALS.index(MASK)
DELETE_ID = SPECIALS.index(DELETE)
ANCHOR_ID = SPECIALS.index(REGION_END)
INSERT_IDS = tuple(SPECIALS.index(insert) for insert in INSERTS)
_SIZE_OF_INSERT = dict(zip(INSERT_IDS, INSERT_SIZES, strict=True))


@dataclass(frozen=True)
class Gap:
    """A maximal stretch without a match: before[start:end] has to become after[new_start:new_end]."""

    start: int
    end: int
    new_start: int
    new_end: int

    @property
    def n_missing(self) -> int:
        """New tokens that have no old token to take the place of."""
        return max(0, (self.new_end - self.new_start) - (self.end - self.start))


def gaps(before: Ids, after: Ids) -> list[Gap]:
    """The gaps between the matches of a longest common subsequence, in order. A mask matches any token of `after`."""
    found: list[Gap] = []
    # The matches to the left are taken as early as possible: of "a a" against "a" the second is the surplus one.
    for operation in _opcodes(before, after):
        start, end, new_start, new_end = operation
        if found and found[-1].end == start and found[-1].new_end == new_start:
            found[-1] = Gap(found[-1].start, end, found[-1].new_start, new_end)
        else:
            found.append(Gap(start, end, new_start, new_end))
    return found


def labels(before: Ids, after: Ids, variants: Ids | None = None) -> Ids:
    """The label of every token of `before` and of the anchor behind it, shape (len(before) + 1,).

    `variants` gives each id of the vocabulary a class; tokens of one class are whitespace variants. None: no tokens are.
    """
    answer = np.append(before, np.int32(ANCHOR_ID)).astype(np.int32)
    masks = before == MASK_ID
    if masks.any():
        return _labels_of_canvas(before, after, variants)
    for gap in gaps(before, after):
        _label_gap(answer, gap, before, after, variants)
    return answer


def apply(before: Ids, answer: Ids) -> Ids:
    """Execute labels: delete, substitute, open masks. `answer` has shape (len(before) + 1,); returns the new canvas."""
    if len(answer) != len(before) + 1:
        raise ValueError(f"{len(before)} tokens need {len(before) + 1} labels, got {len(answer)}")
    n_masks = np.zeros(len(answer), np.int64)
    result = np.where(_is_insert(answer), np.append(before, np.int32(ANCHOR_ID)), answer)
    for id_, size in _SIZE_OF_INSERT.items():
        n_masks[answer == id_] = size
    kept = answer != DELETE_ID
    counts = n_masks + kept
    ends = np.cumsum(counts)
    canvas = np.full(int(ends[-1]), MASK_ID, np.int32)
    canvas[ends[kept] - 1] = result[kept]
    return canvas[:-1]


def rounds(before: Ids, after: Ids, variants: Ids | None = None) -> list[Ids]:
    """The canvases from `before` to `after`, both included, when every label is right.

    One round executes the labels and then fills each mask with its target; there are at most
    2 + ceil(longest gap / 16) of them. With `variants` the next alignment may match other tokens: two more have been seen.
    """
    canvases = [before]
    while not np.array_equal(canvases[-1], after):
        canvas = canvases[-1]
        canvases.append(apply(canvas, labels(canvas, after, variants)))
    return canvases


def insert_id(n_missing: int) -> int:
    """The insertion label that opens at least `n_missing` masks, or the largest one."""
    for id_, size in _SIZE_OF_INSERT.items():
        if size >= n_missing:
            return id_
    return INSERT_IDS[-1]


def insert_size(label: int) -> int:
    """How many masks a label opens; 0 for labels that are no insertion."""
    return _SIZE_OF_INSERT.get(label, 0)


def _opcodes(before: Ids, after: Ids) -> list[tuple[int, int, int, int]]:
    """(start, end, new_start, new_end) of everything that is not equal."""
    n_left, n_right = _common_ends(before, after)
    left = before[n_left : len(before) - n_right]
    right = after[n_left : len(after) - n_right]
    if not len(left) or not len(right):
        if not len(left) and not len(right):
            return []
        return [(n_left, n_left + len(left), n_left, n_left + len(right))]
    return [
        (n_left + op.src_start, n_left + op.src_end, n_left + op.dest_start, n_left + op.dest_end)
        for op in LCSseq.opcodes(left.tolist(), right.tolist())
        if op.tag != "equal"
    ]


def _common_ends(before: Ids, after: Ids) -> tuple[int, int]:
    """Lengths of the common prefix and of the common suffix behind it."""
    n = min(len(before), len(after))
    differs = np.flatnonzero(before[:n] != after[:n])
    n_left = int(differs[0]) if len(differs) else n
    n -= n_left
    if not n:
        return n_left, 0
    differs = np.flatnonzero(before[::-1][:n] != after[::-1][:n])
    return n_left, int(differs[0]) if len(differs) else n


def _label_gap(answer: Ids, gap: Gap, before: Ids, after: Ids, variants: Ids | None) -> None:
    start, new_start = gap.start, gap.new_start
    for i, j in _variant_pairs(gap, before, after, variants):
        answer[i] = after[j]
        _label_stretch(answer, Gap(start, i, new_start, j), after)
        start, new_start = i + 1, j + 1
    _label_stretch(answer, Gap(start, gap.end, new_start, gap.new_end), after)


def _variant_pairs(gap: Gap, before: Ids, after: Ids, variants: Ids | None) -> list[tuple[int, int]]:
    """Indices of the tokens of a gap that are matched because they are variants, in order."""
    if variants is None or gap.start == gap.end or gap.new_start == gap.new_end:
        return []
    old = variants[before[gap.start : gap.end]].tolist()
    new = variants[after[gap.new_start : gap.new_end]].tolist()
    if set(old).isdisjoint(new):
        return []
    return [
        (gap.start + op.src_start + n, gap.new_start + op.dest_start + n)
        for op in LCSseq.opcodes(old, new)
        if op.tag == "equal"
        for n in range(op.src_end - op.src_start)
    ]


def _label_stretch(answer: Ids, gap: Gap, after: Ids) -> None:
    n_substituted = min(gap.end - gap.start, gap.new_end - gap.new_start)
    answer[gap.start : gap.start + n_substituted] = after[gap.new_start : gap.new_start + n_substituted]
    answer[gap.start + n_substituted : gap.end] = DELETE_ID
    if gap.n_missing:
        answer[gap.end] = insert_id(gap.n_missing)


def _labels_of_canvas(before: Ids, after: Ids, variants: Ids | None) -> Ids:
    """Labels of a canvas with masks: visible tokens are aligned first, then the masks of a gap take its new tokens in order."""
    answer = np.append(before, np.int32(ANCHOR_ID)).astype(np.int32)
    visible = np.flatnonzero(before != MASK_ID)
    borders = np.append(visible, len(before))
    matched = np.ones(len(visible) + 1, bool)
    target_of = np.zeros(len(visible) + 1, np.int64)
    target_of[-1] = len(after)
    # Stretches of visible tokens that match keep their place; between two matches everything else is one gap.
    shown = before[visible]
    position, new_position = 0, 0
    for gap in [*gaps(shown, after), Gap(len(shown), len(shown), len(after), len(after))]:
        n_equal = gap.start - position
        target_of[position : gap.start] = np.arange(new_position, new_position + n_equal)
        matched[gap.start : gap.end] = False
        position, new_position = gap.end, gap.new_end
    start, new_start = 0, 0
    for i in np.flatnonzero(matched):
        end, new_end = int(borders[i]), int(target_of[i])
        _label_gap(answer, Gap(start, end, new_start, new_end), before, after, variants)
        start, new_start = end + 1, new_end + 1
    return answer


def _is_insert(answer: Ids) -> npt.NDArray[np.bool_]:
    return (answer >= INSERT_IDS[0]) & (answer <= INSERT_IDS[-1])
