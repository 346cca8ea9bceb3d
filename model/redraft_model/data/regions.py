"""Samples for the adapter of a pretrained base: a region of a file, what stands around it, and several corrupted copies of it.

Shards hold the text of their files to the byte, whatever tokenizer they were built with. A window of it is tokenized anew, as a
whole, with the base's tokenizer. The region begins and ends at borders of these tokens: before the white space in front of a
statement, as line break and indentation may be one token, or share one with a word. All copies of a region share one context.
No torch here.
"""

import random
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from redraft_model.data import pair_window
from redraft_model.data.pairs import Pair
from redraft_model.data.samples.kinds import Drawing, SampleSource, kind_named
from redraft_model.data.samples.maker import Mixture
from redraft_model.data.samples.repair import repair_sample
from redraft_model.data.samples.sample import IGNORED, Context, Corrupted, Ids, Weights
from redraft_model.data.samples.unit import Shown, Unit, dedented, draw_statements
from redraft_model.data.shards import Shards
from redraft_model.noise import MaskNoise
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, Tokenizer

# Kinds that need no statements, only tokens.
OF_TOKENS = frozenset({"mask", "edit"})
# Of the mask rate; near its ends little is asked or little is shown.
LOWEST, HIGHEST = 0.05, 0.95
SHORTEST = 8  # tokens of a region that is no statement
N_TRIES = 3
_BLANKS = b" \t\r\n\f"
_CONTINUATIONS = bytes(range(0x80, 0xC0))  # bytes of a character behind its first
_NOTHING = np.empty(0, np.int32)
_NO_UNIT = Unit("", "", _NOTHING, _NOTHING, _NOTHING)


@dataclass(frozen=True)
class RegionShape:
    """The most tokens of a prefix, a suffix and a region. Batches have one shape each, so that little is padding."""

    prefix: int
    suffix: int
    region: int

    def n_tokens(self, n_copies: int) -> int:
        """Tokens of one sample; a row has the last prefix token in front of its region and a marker behind it."""
        return self.prefix + self.suffix + n_copies * (self.region + 2)


# With their shares of the batches.
SHAPES = (
    (RegionShape(96, 64, 16), 0.2),
    (RegionShape(128, 64, 32), 0.4),
    (RegionShape(256, 96, 32), 0.2),
    (RegionShape(256, 128, 64), 0.2),
)


@dataclass(frozen=True)
class RegionCopy:
    """A region after one forward process; targets and weights have one more entry, for the anchor."""

    process: str
    tokens: Ids
    targets: Ids  # IGNORED where nothing is asked
    weights: Weights


@dataclass(frozen=True)
class RegionSample:
    """A context and the copies of its region."""

    prefix: Ids  # at least one token
    suffix: Ids
    clean: Ids
    copies: tuple[RegionCopy, ...]


@dataclass(frozen=True, kw_only=True)
class RegionMaker:
    """Draws samples of one shape. Same rng, same sample."""

    tokenizer: Tokenizer  # the base's with our control tokens
    shards: Shards
    shard_tokenizer: Tokenizer  # that of the shards
    start_id: int  # the token in front of a file; also stands behind its end
    mixture: Mixture
    n_copies: int = 4
    aligned: float = 0.5  # share of regions that are statements although nothing asks for it
    full_context: float = 0.75  # share of contexts that are as long as can be
    mask_weight: float = 0.3  # of a masked token; that of an edit is 1
    pairs: tuple[Pair, ...] = ()  # what `real` draws from

    def draw(self, rng: random.Random, shape: RegionShape) -> RegionSample:
        """One sample; tries pieces of the corpus until its processes apply."""
        generator = np.random.default_rng(rng.getrandbits(64))
        while True:
            kinds = [self.mixture.draw(rng) for _ in range(self.n_copies)]
            drawn = self._draw_text(kinds, shape, rng)
            if drawn is not None:
                shown, before = drawn
                return self._sample(kinds, shown, before, rng, generator)

    def masked(self, rng: random.Random, shape: RegionShape, rate: float) -> RegionSample:
        """A sample whose copies have each token masked with probability `rate`, for evaluation."""
        generator = np.random.default_rng(rng.getrandbits(64))
        while True:
            shown = self._draw_window(shape, rng, needs_code=False)
            if shown is not None:
                hidden = (generator.random(len(shown.clean)) < rate for _ in range(self.n_copies))
                copies = tuple(self._masked_copy(shown.clean, each) for each in hidden)
                return RegionSample(shown.context.before, shown.context.after, shown.clean, copies)

    def _draw_text(
        self, kinds: list[str], shape: RegionShape, rng: random.Random
    ) -> tuple[Shown, Ids | None] | None:
        """A text for these kinds, and what it was before its fix if it is a real one."""
        if "real" in kinds:
            return self._draw_pair(shape, rng)
        shown = self._draw_window(shape, rng, needs_code=not OF_TOKENS.issuperset(kinds))
        return None if shown is None else (shown, None)

    def _sample(
        self,
        kinds: list[str],
        shown: Shown,
        before: Ids | None,
        rng: random.Random,
        generator: np.random.Generator,
    ) -> RegionSample:
        drawing = Drawing(self._source, rng, generator, self.mixture.kept_share, shown)
        copies: list[RegionCopy] = []
        for kind in kinds:
            if len(copies) == self.n_copies:
                break
            corrupted = self._corrupted(kind, drawing, before)
            if corrupted is not None:
                copies.append(_copy(corrupted))
                continue
            hidden = self._hidden(len(shown.clean), rng, generator)
            copies.append(self._masked_copy(shown.clean, hidden))
            if len(copies) < self.n_copies:
                # With its complement every token is asked once.
                copies.append(self._masked_copy(shown.clean, ~hidden))
        return RegionSample(shown.context.before, shown.context.after, shown.clean, tuple(copies))

    def _corrupted(self, kind: str, drawing: Drawing, before: Ids | None) -> Corrupted | None:
        """The text after one process; None for masks, and where the process does not apply."""
        shown = drawing.shown
        assert shown is not None
        if kind == "mask":
            return None
        if kind == "real":
            assert before is not None
            return repair_sample(drawing, kind, shown.context, before, shown.clean, shown.room)
        if before is not None and kind not in OF_TOKENS:
            return None
        tries = (kind_named(kind)(drawing) for _ in range(N_TRIES))
        return next((corrupted for corrupted in tries if corrupted is not None), None)

    def _hidden(
        self, n_tokens: int, rng: random.Random, generator: np.random.Generator
    ) -> npt.NDArray[np.bool_]:
        x_0 = np.arange(n_tokens, dtype=np.int32) + MASK_ID + 1
        x_t = MaskNoise(MASK_ID).corrupt(x_0, rng.uniform(LOWEST, HIGHEST), generator)
        return np.equal(x_t, MASK_ID)

    def _masked_copy(self, clean: Ids, hidden: npt.NDArray[np.bool_]) -> RegionCopy:
        return RegionCopy(
            "mask",
            np.where(hidden, np.int32(MASK_ID), clean),
            np.append(np.where(hidden, clean, IGNORED), IGNORED).astype(np.int32),
            np.append(np.where(hidden, self.mask_weight, 0.0), 0.0).astype(np.float32),
        )

    def _draw_window(self, shape: RegionShape, rng: random.Random, *, needs_code: bool) -> Shown | None:
        """A region of a file: statements, or just as many tokens as fit."""
        i = self.shards.file_of(rng.randrange(self.shards.n_tokens))
        is_aligned = needs_code or rng.random() < self.aligned
        window = self._draw_aligned(i, shape, rng) if is_aligned else self._draw_anywhere(i, shape, rng)
        if window is None:
            return None
        ids = self.tokenizer.encode(window.data.decode())
        borders = self.tokenizer.borders(ids)
        if is_aligned:
            cut = self._cut_statements(window, borders)
        else:
            at = int(np.searchsorted(borders, window.start, side="right")) - 1
            n = shape.region if rng.random() < 0.7 else rng.randint(SHORTEST, shape.region)
            cut = _Cut(at, at + n, _NO_UNIT)
        if cut is None or cut.end > len(ids) or not 0 < cut.end - cut.start <= shape.region:
            return None
        prefix = self._prefix(ids[: cut.start], shape.prefix, is_start=window.is_start)
        suffix = self._suffix(ids[cut.end :], shape.suffix, is_end=window.is_end)
        if rng.random() >= self.full_context:
            prefix, suffix = prefix[-rng.randint(1, shape.prefix) :], suffix[: rng.randint(0, shape.suffix)]
        if not len(prefix):
            return None
        context = Context(prefix, suffix, tail=cut.tail)
        shown = Shown(cut.unit, context, ids[cut.start : cut.end], shape.region)
        if is_aligned:
            alone = self.tokenizer.encode(shown.text_of(self.tokenizer, cut.unit.code))
            return shown if np.array_equal(alone, shown.clean) else None
        return shown

    def _draw_aligned(self, i: int, shape: RegionShape, rng: random.Random) -> "_Window | None":
        if not len(self.shards.statements(i)):
            return None
        # Tokens of other tokenizers are of about the same length.
        found = draw_statements(self.shards, i, rng, shape.region, shape.region // 2)
        return None if found is None else self._window(i, *found, shape)

    def _draw_anywhere(self, i: int, shape: RegionShape, rng: random.Random) -> "_Window | None":
        at = rng.randrange(len(self.shards.file_tokens(i)))
        return self._window(i, at, at, shape)

    def _window(self, i: int, first: int, end: int, shape: RegionShape) -> "_Window | None":
        """Tokens [first, end) of the shard's file as bytes, with more than enough around them."""
        tokens = self.shards.file_tokens(i)
        low = max(0, first - 2 * shape.prefix)
        high = min(len(tokens), end + 2 * (shape.suffix + shape.region))
        front, middle, back = (
            self.shard_tokenizer.decode_bytes(tokens[a:b])
            for a, b in ((low, first), (first, end), (end, high))
        )
        # The window may begin or end within a character.
        whole = front.lstrip(_CONTINUATIONS) if low else front
        if low and not whole:
            return None
        data = (whole + middle + back).decode("utf-8", "ignore").encode()
        return _Window(data, len(whole), len(whole) + len(middle), low == 0, high == len(tokens))

    def _cut_statements(self, window: "_Window", borders: npt.NDArray[np.int64]) -> "_Cut | None":
        """The tokens that the window's statements have to themselves, with the white space before them."""
        n_before = len(window.data[: window.start].rstrip(_BLANKS))
        at = int(np.searchsorted(borders, n_before, side="right")) - 1
        end = int(np.searchsorted(borders, window.stop))
        if end == len(borders):
            return None
        edges = int(borders[at]), window.start, window.stop, int(borders[end])
        try:
            lead, code, tail = (window.data[a:b].decode() for a, b in pairwise(edges))
        except UnicodeDecodeError:
            return None
        indent = lead.rpartition("\n")[2] if window.start else ""
        flat = dedented(code, indent)
        if not flat:
            return None
        return _Cut(at, end, Unit(flat, indent, _NOTHING, self.tokenizer.encode(lead), _NOTHING), tail)

    def _prefix(self, ids: Ids, longest: int, *, is_start: bool) -> Ids:
        if is_start and len(ids) < longest:
            return np.concatenate([[self.start_id], ids]).astype(np.int32)
        return ids[-longest:]

    def _suffix(self, ids: Ids, longest: int, *, is_end: bool) -> Ids:
        if is_end and len(ids) < longest:
            return np.append(ids, np.int32(self.start_id)).astype(np.int32)
        return ids[:longest]

    def _draw_pair(self, shape: RegionShape, rng: random.Random) -> tuple[Shown, Ids | None] | None:
        """A window around the change of a real fix, and its region as it was before."""
        pair = rng.choice(self.pairs)
        cut = pair_window.cut(
            self.tokenizer, pair, rng.randint(1, shape.region), shape.prefix + shape.suffix, rng
        )
        if max(len(cut.x_t), len(cut.clean)) > shape.region or not len(cut.clean):
            return None
        borders = [self.tokenizer.id_of(name) for name in (FILE_START, FILE_END)]
        before, after = (
            np.where(np.isin(ids, borders), np.int32(self.start_id), ids) for ids in (cut.before, cut.after)
        )
        prefix = before[-shape.prefix :] if len(before) else np.array([self.start_id], np.int32)
        return Shown(_NO_UNIT, Context(prefix, after[: shape.suffix]), cut.clean, shape.region), cut.x_t

    @cached_property
    def _source(self) -> SampleSource:
        """What the kinds of samples look at besides the text that was chosen."""
        return SampleSource(tokenizer=self.tokenizer, shards=self.shards, cuts_at_tokens=True)


@dataclass(frozen=True)
class _Window:
    """A piece of a file, and which bytes of it the region is about."""

    data: bytes
    start: int
    stop: int
    is_start: bool
    is_end: bool


@dataclass(frozen=True)
class _Cut:
    """The tokens of a window that are its region, and their text as statements."""

    start: int
    end: int
    unit: Unit
    tail: str = ""


def _copy(corrupted: Corrupted) -> RegionCopy:
    targets = np.where(corrupted.weights == 0, np.int32(IGNORED), corrupted.answer).astype(np.int32)
    return RegionCopy(corrupted.process, corrupted.tokens, targets, corrupted.weights)
