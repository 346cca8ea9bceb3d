"""Places where something is missing: masks between what stands around them, and what can be written there."""

# V vocabulary

from dataclasses import replace
from functools import cached_property
from itertools import combinations

import numpy as np

from redraft_model.complete.line_starts import BLOCK_WORDS, CLAUSE_WORDS, Kind, deeper, fitting
from redraft_model.complete.retrieval import Retrieval
from redraft_model.complete.surroundings import Surroundings
from redraft_model.decode.beam import Hole, Mask
from redraft_model.decode.sampler import Draw
from redraft_model.passage import Completion, Passage, Span
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.tokens.window import Limits, cut


class Holes:
    """Places in texts, as the network with this tokenizer sees them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def canvas(self, passage: Passage, n_masks: int) -> Canvas:
        """`n_masks` masks in place of a passage's target."""
        source = passage.before + passage.after
        at = Span(len(passage.before), len(passage.before))
        window = cut(self._tokenizer, source, at, action="complete", limits=Limits(0, 180, 100))
        return window.canvas.with_region(np.full(n_masks, MASK_ID, np.int32))

    def begins_line(self, canvas: Canvas) -> bool:
        """Whether the text before the region ends with a line break that has no indentation behind it."""
        return bool(len(canvas.head)) and self._tokenizer.decode(canvas.head[-1:]) == "\n"

    def of_line(self, completion: Completion, n_masks: int) -> list[Hole]:
        """Where the rest of a line is written: `n_masks` masks, at the start of a line and one for its line break.

        Behind it the same with what the surroundings tell of how the line begins.
        """
        passage = completion.passage
        canvas = self.canvas(passage, n_masks)
        begins_line = self.begins_line(canvas)
        retrieval = Retrieval(completion, self._tokenizer, is_break_missing=begins_line)
        hole = Hole(canvas, draw=Draw(completion.seed), retrieval=retrieval)
        around = Surroundings(passage)
        beginnings, wholes = around.names_to_define(), around.names_to_bind()
        if begins_line:
            hole, kinds = self._with_line_break(hole, passage)
        else:
            kinds = frozenset()
        if not begins_line and not passage.before.rpartition("\n")[2].strip():
            kinds = fitting(passage, [""]).get("", frozenset())
            hole = replace(hole, next_tokens={(): self._first_tokens[kinds]} if kinds else {})
        if kinds:
            beginnings, wholes = around.beginnings(kinds), around.whole_lines(kinds)
        prefixes = [tuple(self._tokenizer.encode(text).tolist()) for text in beginnings]
        prefixes += [(*self._tokenizer.encode(text).tolist(), DELETE_ID) for text in wholes]
        # Room for something behind it.
        forced = [
            replace(hole, forced_prefix=prefix, beam=2)
            for prefix in prefixes
            if 2 * len(prefix) < len(canvas.region)
        ]
        return [hole, *forced]

    def _with_line_break(self, hole: Hole, passage: Passage) -> tuple[Hole, frozenset[Kind]]:
        """The hole with the line break before it as its first mask, and what can begin behind one."""
        canvas = hole.canvas
        # Of all line breaks those that are near: how deep lines are is the file's own habit.
        near = np.unique(np.concatenate([canvas.head, canvas.tail]))
        near = near[self._tokenizer.line_feeds[near]]
        breaks = {self._tokenizer.decode([id_]).removeprefix("\n"): int(id_) for id_ in near}
        for indent in deeper(passage):
            # Deeper than any token is deep no line begins.
            if len(tokens := self._tokenizer.encode(f"\n{indent}")) == 1:
                breaks.setdefault(indent, int(tokens[0]))
        known = fitting(passage, breaks)
        wider = replace(
            hole,
            canvas=replace(canvas, head=canvas.head[:-1], region=np.append(canvas.region, np.int32(MASK_ID))),
            openings=np.array([breaks[indent] for indent in known or breaks], np.int32),
            next_tokens={(breaks[indent],): self._first_tokens[kinds] for indent, kinds in known.items()},
        )
        return wider, frozenset().union(*known.values())

    @cached_property
    def _first_tokens(self) -> dict[frozenset[Kind], Mask]:
        """Which ids a line can begin with when so much is known of it, shape (V,)."""
        block, clause = self._tokenizer.words(BLOCK_WORDS), self._tokenizer.words(CLAUSE_WORDS)
        of = {
            Kind.STATEMENT: ~(block | clause | self._tokenizer.breaks_line),
            Kind.BLOCK: block,
            Kind.CLAUSE: clause,
        }
        return {
            frozenset(kinds): np.logical_or.reduce([of[kind] for kind in kinds])
            for n in range(1, len(Kind) + 1)
            for kinds in combinations(Kind, n)
        }
