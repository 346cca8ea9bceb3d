"""Training samples: a piece of a file, worsened by one forward process, with the labels that undo it. No torch here."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from redraft_model.data import pair_window
from redraft_model.data.hidden_words import hide
from redraft_model.data.pairs import Pair
from redraft_model.data.shards import END, FIRST, PARENT, Shards
from redraft_model.noise import EditNoise, MaskNoise, SemanticNoise, SpanNoise, SyntaxNoise
from redraft_model.passage import Span
from redraft_model.text.parser import problem
from redraft_model.tokens.alignment import (
    DELETE_ID,
    INSERT_IDS,
    MASK_ID,
    apply,
    insert_id,
    insert_size,
    labels,
)
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, INSERT_SIZES, REGION, REGION_END, Tokenizer

Ids = npt.NDArray[np.int32]
Weights = npt.NDArray[np.float32]

CANVAS_SIZES = (8, 16, 24, 32, 48, 64)  # masks offered for a text of unknown length
IGNORED = -1  # label of positions that carry no loss


PROCESSES = ("mask", "edit", "syntax", "semantic", "span", "keep", "real")


@dataclass(frozen=True)
class Mixture:
    """Relative weights of the forward processes a sample is drawn with, and what is asked of tokens that are right."""

    mask: float = 0.0
    edit: float = 0.0
    syntax: float = 0.0
    semantic: float = 0.0
    span: float = 0.0
    keep: float = 0.0  # nothing is wrong: a clean text
    real: float = 0.0  # what somebody had written and what they made of it

    # Share of KEEP positions that carry loss. Only with all of them is p(KEEP) a probability.
    kept_share: float = 0.2

    def draw(self, rng: random.Random) -> str:
        """The name of one process."""
        return rng.choices(PROCESSES, [getattr(self, name) for name in PROCESSES])[0]


@dataclass(frozen=True)
class Sample:
    """What the network sees and what it should answer, all of shape (n,)."""

    process: str
    tokens: Ids
    targets: Ids  # labels, IGNORED where nothing is asked
    weights: Weights
    mark: tuple[int, int] | None = None  # index of the token at which the parser stops, kind of its message

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Unit:
    """Consecutive statements of one file, as dedented text and as the tokens around them."""

    code: str
    indent: str  # indentation that was taken off every line after the first
    before: Ids  # tokens of the file before the unit's own line break
    line_break: Ids  # line break and indentation in front of the unit; empty at the start of a file
    after: Ids
    at_start: bool
    at_end: bool


@dataclass(frozen=True)
class SampleMaker:
    """Draws samples of at most `longest` tokens from a corpus. Same rng, same sample."""

    tokenizer: Tokenizer
    shards: Shards
    mixture: Mixture
    longest: int = 384
    shortest: int = 12
    standalone: float = 0.6  # share of samples shown as a whole file instead of a piece of a larger one
    more_errors: float = 0.35  # chance of one more application for every 80 tokens
    insert_weight: float = 1.5  # omissions are the hardest to notice (LLaDA 2.2)
    mask_scale: float = 0.2  # weight of a masked position at gamma = 1
    hidden_share: float = 0.4  # share of samples in which words are hidden besides what their process does
    hidden_rate: float = 0.6  # of their words, at most
    hidden_weight: float = 0.5  # weight of a hidden token
    pairs: tuple[Pair, ...] = ()  # what `real` draws from, each of them usable
    broken_share: float = 0.5  # of its samples are texts after their fix, with new errors of syntax

    def draw(self, rng: random.Random) -> Sample:
        """One sample; tries pieces of the corpus until a process applies."""
        generator = np.random.default_rng(rng.getrandbits(64))
        while True:
            process = self.mixture.draw(rng)
            if process == "real":
                sample = self._real_sample(rng, generator)
            else:
                unit = self._draw_unit(rng)
                sample = None if unit is None else self._sample(process, unit, rng, generator)
            if sample is not None:
                return self._with_hidden_words(sample, generator)

    def _sample(
        self, process: str, unit: Unit, rng: random.Random, generator: np.random.Generator
    ) -> Sample | None:
        context = self._choose_context(unit, rng)
        clean = self._encode(unit, unit.code + context.tail, context)
        action = "complete" if process == "span" else "repair"
        room = self.longest - 4 - len(context.before) - len(context.after)
        if len(clean) > room:
            return None
        mark = None
        match process:
            case "span":
                return self._span_sample(unit, context, room, rng, generator)
            case "mask":
                t = rng.uniform(0.02, 1.0)
                noise = MaskNoise(MASK_ID, block_size=32)
                x_t = noise.corrupt(clean, t, generator)
                weights = np.where(x_t == MASK_ID, self.mask_scale / noise.gamma(t), 0.0).astype(np.float32)
                return self._assemble(
                    process,
                    action,
                    context,
                    x_t,
                    np.append(clean, IGNORED),
                    np.append(weights, np.float32(0)),
                )
            case "edit":
                x_t = self._edit_noise().corrupt(clean, rng.random(), generator)
            case "keep":
                x_t = clean
            case _:
                text_noise = SyntaxNoise() if process == "syntax" else SemanticNoise()
                worse = text_noise.worsen(unit.code, rng)
                # Longer pieces may be wrong in several places, which is also more to learn from for the same work.
                for _ in range(len(clean) // 80):
                    if rng.random() < self.more_errors:
                        worse = text_noise.worsen(worse, rng)
                if worse == unit.code:
                    return None
                x_t = self._encode(unit, worse + context.tail, context)
                mark = self._mark_of_unit(unit, worse, context, x_t)
        if process != "keep" and np.array_equal(x_t, clean):
            return None
        return self._repair_sample(process, context, x_t, clean, room, rng, generator, mark)

    def _real_sample(self, rng: random.Random, generator: np.random.Generator) -> Sample | None:
        """A window around the change of a pair, with as much of the text around it as a random budget allows."""
        n_context = rng.randrange(self.longest // 2)
        n_region = int(min(self.longest - 4 - n_context, rng.lognormvariate(4.9, 0.7)))
        process, pair = "real", rng.choice(self.pairs)
        if rng.random() < self.broken_share:
            # These are programs of the kind that is repaired, and few: once fixed they are good for more than their fix.
            process = "syntax"
            pair = replace(pair, before=SyntaxNoise().worsen(pair.after, rng))
            if not pair_window.is_usable(self.tokenizer, pair, self.longest):
                return None
        cut = pair_window.cut(self.tokenizer, pair, n_region, n_context, rng)
        room = self.longest - 4 - len(cut.before) - len(cut.after)
        if len(cut.clean) > room:
            return None
        context = Context(cut.before, cut.after)
        # A piece of a program has problems that are none of its own.
        trouble = problem(pair.before) if pair.is_whole else None
        mark = None
        if trouble is not None:
            mark = self._mark(cut.x_t, pair.before[cut.start :], trouble.span.start - cut.start, trouble.kind)
        return self._repair_sample(process, context, cut.x_t, cut.clean, room, rng, generator, mark)

    def _mark_of_unit(self, unit: Unit, worse: str, context: "Context", x_t: Ids) -> tuple[int, int] | None:
        """Where the parser stops in `worse`, which became `x_t`: the index of the token, and the kind of the message."""
        trouble = problem(worse)
        if trouble is None:
            return None
        text, at = worse + context.tail, trouble.span.start
        if not context.standalone:
            line_break = self.tokenizer.decode(unit.line_break)
            text = line_break + self._indented(unit, worse)
            at = len(line_break) + _indented_offset(worse, unit.indent, at)
        return self._mark(x_t, text, at, trouble.kind)

    def _mark_now(
        self, mark: tuple[int, int], before: Ids, x_t: Ids, context: "Context"
    ) -> tuple[int, int] | None:
        """The mark once `before` has become `x_t`; None where it is not known, as where a line break has its own indentation."""
        if (x_t == MASK_ID).any():
            # The search shows open masks with the mark of the text they were opened in.
            n_same = mark[0] + 1
            return mark if np.array_equal(before[:n_same], x_t[:n_same]) else None
        if not context.standalone:
            return None
        text = self.tokenizer.decode(x_t)
        trouble = problem(text)
        return None if trouble is None else self._mark(x_t, text, trouble.span.start, trouble.kind)

    def _mark(self, x_t: Ids, text: str, at: int, kind: int) -> tuple[int, int] | None:
        """The mark at character `at` of the text that begins with `x_t`; None if that is not in it."""
        borders = self.tokenizer.borders(x_t)
        n_bytes = len(text[: max(0, at)].encode())
        is_at_end = at == len(text) and n_bytes == int(borders[-1])
        if not len(x_t) or at < 0 or not (n_bytes < int(borders[-1]) or is_at_end):
            return None
        return min(int(np.searchsorted(borders, n_bytes, side="right")) - 1, len(x_t) - 1), kind

    def _with_hidden_words(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """The sample with some words behind masks, of those that are right as they are; samples full of masks stay."""
        if sample.process == "mask" or generator.random() >= self.hidden_share:
            return sample
        is_right = (sample.targets == IGNORED) | (sample.targets == sample.tokens)
        is_right &= sample.tokens >= self.tokenizer.n_specials
        hidden = hide(
            self.tokenizer, sample.tokens, is_right, self.hidden_rate * generator.random(), generator
        )
        return replace(
            sample,
            tokens=np.where(hidden, np.int32(MASK_ID), sample.tokens),
            targets=np.where(hidden, sample.tokens, sample.targets),
            weights=np.where(hidden, np.float32(self.hidden_weight), sample.weights),
        )

    def _edit_noise(self) -> EditNoise:
        return EditNoise(self.tokenizer.n_specials, self.tokenizer.n_vocabulary)

    def _repair_sample(
        self,
        process: str,
        context: "Context",
        x_t: Ids,
        clean: Ids,
        room: int,
        rng: random.Random,
        generator: np.random.Generator,
        mark: tuple[int, int] | None = None,
    ) -> Sample | None:
        """Labels of x_t; in two samples of five some have been executed already, so that half-repaired canvases are known."""
        answer = labels(x_t, clean, self.tokenizer.kin)
        if process != "keep" and rng.random() < 0.4:
            before, x_t = x_t, _partly_applied(x_t, answer, rng)
            if mark is not None and not np.array_equal(before, x_t):
                mark = self._mark_now(mark, before, x_t, context)
            answer = labels(x_t, clean, self.tokenizer.kin)
        if not 0 < len(x_t) <= room:
            return None
        shown = np.append(x_t, np.int32(self.tokenizer.id_of(REGION_END)))
        changed = answer != shown
        weights = changed.astype(np.float32)
        weights[np.isin(answer, INSERT_IDS)] = self.insert_weight
        weights[answer == DELETE_ID] *= _one_per_run(answer == DELETE_ID)[answer == DELETE_ID]
        kept = ~changed
        weights[kept] = generator.random(int(kept.sum())) < self.mixture.kept_share
        start, end = _choose_region(changed, rng)
        wider = Context(
            np.concatenate([context.before, x_t[:start]]), np.concatenate([x_t[end:], context.after])
        )
        region_answer = answer[start : end + 1].copy()
        region_weights = weights[start : end + 1].copy()
        if end < len(x_t) and not insert_size(int(region_answer[-1])):
            region_answer[-1] = shown[-1]
        sample = self._assemble(process, "repair", wider, x_t[start:end], region_answer, region_weights)
        if mark is None or not start <= mark[0] < end:
            return sample
        return replace(sample, mark=(_region_start(wider) + mark[0] - start, mark[1]))

    def _span_sample(
        self, unit: Unit, context: "Context", room: int, rng: random.Random, generator: np.random.Generator
    ) -> Sample | None:
        """A span to be written: masks for all or part of it, and surplus masks that have to go."""
        if not unit.code:
            return None
        span = SpanNoise().cut(unit.code, rng)
        text = unit.code + context.tail
        if not context.standalone:
            line_break = self.tokenizer.decode(unit.line_break)
            text = line_break + self._indented(unit, unit.code)
            span = Span(
                len(line_break) + _indented_offset(unit.code, unit.indent, span.start),
                len(line_break) + _indented_offset(unit.code, unit.indent, span.end),
            )
        before = self.tokenizer.encode(text[: span.start])
        middle = self.tokenizer.encode(span.of(text))
        after = self.tokenizer.encode(text[span.end :])
        n_surplus = _draw_surplus(len(middle), rng)
        if len(before) + len(middle) + n_surplus + len(after) > room:
            return None
        x_t = _partly_written(middle, n_surplus, rng, generator)
        rate = max(0.1, float((x_t == MASK_ID).mean()))
        weights = np.where(x_t == MASK_ID, min(1.0, 0.3 / rate), 0.0).astype(np.float32)
        tokens = np.concatenate([x_t, np.full(n_surplus, MASK_ID, np.int32)])
        answer = np.concatenate([middle, np.full(n_surplus, DELETE_ID, np.int32), [IGNORED]]).astype(np.int32)
        # Half for the first of them, at which a text that is written from the left ends.
        surplus_weights = np.full(n_surplus, 0.5 / max(1, n_surplus), np.float32)
        surplus_weights[:1] += 0.5
        weights = np.concatenate([weights, surplus_weights, [0.0]]).astype(np.float32)
        wider = Context(np.concatenate([context.before, before]), np.concatenate([after, context.after]))
        return self._assemble("span", "complete", wider, tokens, answer, weights)

    def _assemble(
        self, process: str, action: str, context: "Context", region: Ids, answer: Ids, weights: Weights
    ) -> Sample:
        head = self.tokenizer.id_of("<|python|>"), self.tokenizer.id_of(f"<|{action}|>")
        tokens = np.concatenate(
            [
                head,
                context.before,
                [self.tokenizer.id_of(REGION)],
                region,
                [self.tokenizer.id_of(REGION_END)],
                context.after,
            ]
        ).astype(np.int32)
        start = _region_start(context)
        targets = np.full(len(tokens), IGNORED, np.int32)
        targets[start : start + len(answer)] = answer
        all_weights = np.zeros(len(tokens), np.float32)
        all_weights[start : start + len(answer)] = weights
        targets[all_weights == 0] = IGNORED
        return Sample(process, tokens, targets, all_weights)

    def _draw_unit(self, rng: random.Random) -> Unit | None:
        """Consecutive statements of a random length, dedented."""
        i = self.shards.file_of(rng.randrange(self.shards.n_tokens))
        statements, next_siblings = self.shards.statements(i), self.shards.next_siblings(i)
        if not len(statements):
            return None
        wanted = int(min(self.longest - 8, max(self.shortest, rng.lognormvariate(4.9, 0.7))))
        row = rng.randrange(len(statements))
        while int(statements[row, END] - statements[row, FIRST]) > wanted:
            # Too long: one of the statements inside it, or give up on a long simple statement.
            inside = np.flatnonzero(statements[:, PARENT] == row)
            if not len(inside):
                return None
            row = int(rng.choice(inside.tolist()))
        first, end = int(statements[row, FIRST]), int(statements[row, END])
        row = int(next_siblings[row])
        while row >= 0 and int(statements[row, END]) - first <= wanted:
            end = int(statements[row, END])
            row = int(next_siblings[row])
        if end - first < self.shortest and rng.random() < 0.8:
            return None
        offset = int(self.shards.file_offsets[i])
        return self._cut_unit(self.shards.file_tokens(i).astype(np.int32), first - offset, end - offset)

    def _cut_unit(self, tokens: Ids, first: int, end: int) -> Unit | None:
        line_break = tokens[max(0, first - 1) : first]
        indent = self.tokenizer.decode(line_break).lstrip("\r\n")
        code = self.tokenizer.decode(tokens[first:end])
        if first and self.tokenizer.decode(line_break)[:1] != "\n":
            return None
        head, *rest = code.split("\n")
        if any(line.strip() and not line.startswith(indent) for line in rest):
            return None  # a string that spans lines starts further left than the statement
        code = "\n".join([head, *(line[len(indent) :] for line in rest)])
        return Unit(
            code,
            indent,
            tokens[: max(0, first - 1)],
            line_break,
            tokens[end:],
            at_start=first <= 1,
            at_end=end + 1 >= len(tokens),
        )

    def _choose_context(self, unit: Unit, rng: random.Random) -> "Context":
        """Nothing but file borders, or as much of the file around the unit as a random budget allows."""
        start, end = self.tokenizer.id_of(FILE_START), self.tokenizer.id_of(FILE_END)
        if rng.random() < self.standalone:
            borders = np.array([start], np.int32), np.array([end], np.int32)
            return Context(*borders, standalone=True, tail="\n" if rng.random() < 0.6 else "")
        budget = rng.randrange(16, self.longest)
        n_before = int(budget * rng.random())
        before = _from_line_start(unit.before, n_before, self._starts_line)
        after = _to_line_end(unit.after, budget - n_before, self._starts_line)
        if len(before) == len(unit.before):
            before = np.concatenate([[np.int32(start)], before]).astype(np.int32)
        if len(after) == len(unit.after):
            after = np.append(after, np.int32(end))
        return Context(before, after)

    def _starts_line(self, token: int) -> bool:
        return self.tokenizer.decode([token])[:1] == "\n"

    def _encode(self, unit: Unit, code: str, context: "Context") -> Ids:
        """Tokens of the region whose text is `code`: with its own line break when it stands in a file."""
        if context.standalone:
            return self.tokenizer.encode(code)
        line_break = self.tokenizer.decode(unit.line_break)
        return self.tokenizer.encode(line_break + self._indented(unit, code))

    def _indented(self, unit: Unit, code: str) -> str:
        head, *rest = code.split("\n")
        return "\n".join([head, *(unit.indent + line if line.strip() else line for line in rest)])


def _indented_offset(code: str, indent: str, at: int) -> int:
    """Where offset `at` of dedented code is once every line but the first has its indentation back."""
    lines = code.split("\n")
    n_indented = sum(bool(line.strip()) for line in lines[1 : code.count("\n", 0, at) + 1])
    return at + len(indent) * n_indented


@dataclass(frozen=True)
class Context:
    """Frozen tokens around the region."""

    before: Ids
    after: Ids
    standalone: bool = False
    tail: str = ""  # what follows the unit's last line inside the region


def _partly_applied(x_t: Ids, answer: Ids, rng: random.Random) -> Ids:
    """Execute each change with probability one half; insertions now and then open more masks than they need to."""
    shown = np.append(x_t, answer[-1])
    partial = answer.copy()
    for i in np.flatnonzero(answer != shown).tolist() + ([len(x_t)] if insert_size(int(answer[-1])) else []):
        size = insert_size(int(answer[i]))
        if size:
            if rng.random() < 0.2:
                partial[i] = insert_id(min(size + 1, INSERT_SIZES[-1]))
        elif rng.random() < 0.5 and i < len(x_t):
            partial[i] = x_t[i]
    return apply(x_t, partial)


def _choose_region(changed: npt.NDArray[np.bool_], rng: random.Random) -> tuple[int, int]:
    """Start and end of the target: everything, or a stretch that holds all changes. `changed` includes the anchor."""
    n_tokens = len(changed) - 1
    if rng.random() < 0.6:
        return 0, n_tokens
    places = np.flatnonzero(changed)
    low = int(places[0]) if len(places) else rng.randrange(n_tokens)
    high = int(places[-1]) if len(places) else low
    start = rng.randint(0, min(low, n_tokens - 1))
    return start, rng.randint(min(max(high, start) + 1, n_tokens), n_tokens)


def _region_start(context: "Context") -> int:
    """Where the region begins in a sample: behind the language, the action, the text before it, and its marker."""
    return 2 + len(context.before) + 1


def _partly_written(middle: Ids, n_surplus: int, rng: random.Random, generator: np.random.Generator) -> Ids:
    """`middle` as sampling meets it on its way; with surplus masks it may be all there, and only its end is asked."""
    x_t = middle.copy()
    state = rng.random()
    if state < 0.3:
        x_t[:] = MASK_ID
    elif state < 0.75:
        # Written from the left.
        is_whole = n_surplus > 0 and rng.random() < 0.3
        x_t[len(x_t) if is_whole else rng.randrange(len(x_t)) :] = MASK_ID
    else:
        x_t = MaskNoise(MASK_ID).corrupt(middle, rng.random(), generator)
    return x_t


def _draw_surplus(n_tokens: int, rng: random.Random) -> int:
    """Masks beyond the text's own length.

    Mostly the canvas has one of the usual sizes, whatever the text's length: a canvas must not tell how long its text is.
    """
    sizes = [size for size in CANVAS_SIZES if size >= n_tokens]
    if sizes and rng.random() < 0.8:
        return rng.choice(sizes) - n_tokens
    return rng.randint(0, 8)


def _one_per_run(deleted: npt.NDArray[np.bool_]) -> Weights:
    """Weights that make every run of deletions count about as much as one token."""
    weights = np.ones(len(deleted), np.float32)
    borders = np.flatnonzero(np.diff(np.concatenate([[False], deleted, [False]]).astype(np.int8)))
    for start, end in borders.reshape(-1, 2).tolist():
        weights[start:end] = 1.0 / np.sqrt(end - start)
    return weights


def _from_line_start(tokens: Ids, n: int, starts_line: Callable[[int], bool]) -> Ids:
    """At most the last n tokens, beginning with a line break."""
    if n >= len(tokens):
        return tokens
    for start in range(len(tokens) - n, len(tokens)):
        if starts_line(int(tokens[start])):
            return tokens[start:]
    return tokens[len(tokens) :]


def _to_line_end(tokens: Ids, n: int, starts_line: Callable[[int], bool]) -> Ids:
    """At most the first n tokens, ending before a line break."""
    if n >= len(tokens):
        return tokens
    for end in range(n, 0, -1):
        if starts_line(int(tokens[end])):
            return tokens[:end]
    return tokens[:0]
