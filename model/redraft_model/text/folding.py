"""A long construct that is left open, shown short: what repeats in it is left out, so that both its ends are near each other.

A network sees a few dozen lines. Of a table whose bracket is missing it has to see where the table begins and where it may end;
hundreds of rows between them say nothing more than the first and the last ones do. A text that is folded is repaired like any
other; then what was left out comes back. Knows nothing of the model.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from redraft_model.passage import Span
from redraft_model.text.diff import LONGEST_CHANGE, changed_lines
from redraft_model.text.parser import Problem, problem

KEPT = 2  # lines at either end of a run of units that are alike, and what goes on of the last unit
LONGEST_RUN = 8  # lines of a run that is shown as a whole
LONGEST_LINE = 4_000  # characters; of a longer one the elements in a bracket are left out
_N_ELEMENTS = 8  # elements that stay on either side of what was left out
_LONGEST_CHUNK = 12  # lines that are looked at to see whether code begins
_N_PARSES = 40  # whole texts that are parsed to find the first place where a string can end
_ELLIPSIS = "..."  # an expression that stands for what is left out at the end

_SIGN = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?P<triple> (?P<quotes> \"\"\"|''') (?: [^"'\\]+ | \\[\s\S] | (?!(?P=quotes))["'] )* (?P<end> (?P=quotes) )? )
    | (?P<string> " (?: \\[\s\S] | [^"\\\n] )* "? | ' (?: \\[\s\S] | [^'\\\n] )* '? )
    | (?P<bracket> [()\[\]{}] )
    | (?P<comma> , )
    """,
    re.VERBOSE,
)
_PREFIX = re.compile(r"\b[rbfuRBFU]{1,2}\Z")  # of a string
_PAIRS = {")": "(", "]": "[", "}": "{"}
_INDENTATION = re.compile(r"[ \t]*")
_ON_LINE = re.compile(r"on line (\d+)")
_IS_OPEN = ("never closed", "unterminated triple", "expected an indented block", "expected 'except'")


@dataclass(frozen=True)
class Cut:
    """What was left out, and where in the folded text something shorter, or nothing, stands for it."""

    span: Span
    text: str


@dataclass(frozen=True)
class Folded:
    """A text without what its cuts left out; without cuts it is the whole text.

    `end` is the first place in it, behind a line, where what is open may end.
    """

    text: str
    cuts: tuple[Cut, ...] = ()
    end: int | None = None

    def unfolded(self, text: str) -> str | None:
        """A text made from the folded one by edits, with everything that was left out; None if an edit touched a cut."""
        if not self.cuts:
            return text
        changes = _changes(self.text, text)
        pieces: list[str] = []
        end = 0
        for cut in self.cuts:
            moved = 0
            for span, n_now in changes:
                if span.start < cut.span.end and cut.span.start < span.end:
                    return None
                if span.start < cut.span.start < span.end:
                    return None
                if span.end <= cut.span.start:
                    moved += n_now - (span.end - span.start)
            pieces += [text[end : cut.span.start + moved], cut.text]
            end = cut.span.end + moved
        return "".join([*pieces, text[end:]])

    def is_within(self, span: Span, source: str) -> bool:
        """Whether everything that was left out of `source` lies inside `span` of it."""
        if not self.cuts:
            return True
        behind = len(self.text) - self.cuts[-1].span.end
        return span.start <= self.cuts[0].span.start and len(source) - behind <= span.end


def folded(source: str, found: Problem) -> tuple[Folded, Problem] | None:
    """`source` folded around the open bracket or string that the problem `found` is about, and the first problem of `source`.

    None where nothing is open, or nothing is to be left out. The first problem is another one than `found` where a string without
    an end has swapped what is inside and what is outside of all strings below: then Python names the last quotes of the text.
    """
    signs = list(_SIGN.finditer(source))
    last = signs[-1] if signs else None
    has_no_end = last is not None and last["triple"] is not None and last["end"] is None
    if has_no_end or "unterminated" in found.message:
        in_string = _folded_string(source, found, signs)
        if has_no_end or in_string is not None:
            return in_string
    short = _folded_rows(source, found, signs) or _folded_elements(source, found, signs)
    if short is None:
        return None
    now = problem(short.text)
    is_same = now is not None and now.kind == found.kind
    return (short, found) if is_same else None


def _changes(before: str, after: str) -> list[tuple[Span, int]]:
    """The spans of `before` that are other ones in `after`, and how long each is there."""
    head, old, new, _ = changed_lines(before, after)
    if max(len(old), len(new)) > LONGEST_CHANGE:
        return [(Span(len(head), len(head) + len(old)), len(new))]
    return [
        (Span(len(head) + change.src_start, len(head) + change.src_end), change.dest_end - change.dest_start)
        for change in Indel.opcodes(old, new)
        if change.tag != "equal"
    ]


def _without(source: str, cuts: Sequence[tuple[Span, str]], place: int | None = None) -> Folded:
    """`source` with other texts in place of some spans of it, in order; `place` in it, outside of them, is where it may end."""
    pieces: list[str] = []
    made: list[Cut] = []
    end = n = 0
    for span, instead in cuts:
        pieces += [source[end : span.start], instead]
        n += span.start - end
        made.append(Cut(Span(n, n + len(instead)), span.of(source)))
        n += len(instead)
        end = span.end
    if place is not None:
        place -= sum(len(span.of(source)) - len(instead) for span, instead in cuts if span.end <= place)
    return Folded("".join([*pieces, source[end:]]), tuple(made), place)


# Brackets


@dataclass(frozen=True)
class _Lines:
    """The lines of a text: where each begins, how deep it is, and whether it begins inside a string."""

    source: str
    starts: tuple[int, ...]
    insides: frozenset[int]
    signs: dict[int, list[re.Match[str]]]  # the brackets, strings and comments that begin on a line

    @classmethod
    def of(cls, source: str, signs: Sequence[re.Match[str]]) -> "_Lines":
        starts = [0, *(match.end() for match in re.finditer("\n", source))]
        by_line: dict[int, list[re.Match[str]]] = {}
        insides: set[int] = set()
        line = 0
        for sign in signs:
            while line + 1 < len(starts) and starts[line + 1] <= sign.start():
                line += 1
            by_line.setdefault(line, []).append(sign)
            insides.update(range(line + 1, line + 1 + sign.group().count("\n")))
        return cls(source, tuple(starts), frozenset(insides), by_line)

    def text(self, line: int) -> str:
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.source)
        return self.source[self.starts[line] : end]

    def code(self, line: int) -> str:
        """A line without blanks and comment at its ends."""
        for sign in reversed(self.signs.get(line, [])):
            if sign["comment"]:
                return self.source[self.starts[line] : sign.start()].strip()
        return self.text(line).strip()

    def indentation(self, line: int) -> int:
        match = _INDENTATION.match(self.source, self.starts[line])
        assert match is not None
        return match.end() - match.start()

    def at(self, offset: int) -> int:
        """The line that holds a character."""
        low, high = 0, len(self.starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self.starts[middle] <= offset:
                low = middle
            else:
                high = middle
        return low

    def is_balanced(self, first: int, end: int) -> bool:
        """Whether every bracket of these lines has its other one among them."""
        is_open: list[str] = []
        for sign in itertools.chain.from_iterable(self.signs.get(line, []) for line in range(first, end)):
            bracket = sign["bracket"]
            if bracket in _PAIRS:
                if not is_open or is_open.pop() != _PAIRS[bracket]:
                    return False
            elif bracket:
                is_open.append(bracket)
        return not is_open


@dataclass(frozen=True)
class _Unit:
    """A line with the deeper ones below it, and what it is alike to."""

    first: int
    end: int
    likeness: object

    def __len__(self) -> int:
        return self.end - self.first


def _folded_rows(source: str, found: Problem, signs: Sequence[re.Match[str]]) -> Folded | None:
    """The fold of what stands in a bracket that is open where the parser stopped and is never closed, if that are many lines."""
    opener = _unclosed(found, signs)
    if opener is None:
        return None
    lines = _Lines.of(source, signs)
    first = lines.at(opener)
    end = _end_of_rows(lines, first)
    special = -1 if "never closed" in found.message else lines.at(found.span.start)
    while end > first + 1 and not lines.code(end - 1):
        end -= 1
    if end - first - 1 <= LONGEST_RUN:
        return None
    spans = _alike(lines, first + 1, end, special)
    cuts = [(Span(lines.starts[low], lines.starts[high]), "") for low, high in spans]
    return _without(source, cuts, lines.starts[end - 1] + len(lines.text(end - 1).rstrip("\n")))


def _unclosed(found: Problem, signs: Sequence[re.Match[str]]) -> int | None:
    """Offset of the outermost bracket that is open where the parser stopped and has no other one in the whole text."""
    is_open: list[re.Match[str]] = []
    before: set[int] | None = None  # offsets of those that are open where the parser stopped
    at = found.span.end if "never closed" in found.message else found.span.start
    for sign in signs:
        if before is None and sign.start() >= at:
            before = {bracket.start() for bracket in is_open}
        bracket = sign["bracket"]
        if bracket in _PAIRS:
            if not is_open or is_open[-1].group() != _PAIRS[bracket]:
                break
            is_open.pop()
        elif bracket:
            is_open.append(sign)
    left = [bracket.start() for bracket in is_open]
    return next((offset for offset in left if before is None or offset in before), None)


def _end_of_rows(lines: _Lines, opener: int) -> int:
    """The first line behind the one of the opener that is not deeper, and is no row either."""
    depth = lines.indentation(opener)
    for line in range(opener + 1, len(lines.starts)):
        code = lines.code(line)
        if line in lines.insides or not code:
            continue
        is_deeper = lines.indentation(line) > depth
        is_row = lines.indentation(line) == depth and code[-1] in ",)]}" and code[0] in "\"'()[]{}0123456789"
        if not (is_deeper or is_row):
            return line
    return len(lines.starts)


def _alike(lines: _Lines, first: int, end: int, special: int) -> Iterator[tuple[int, int]]:
    """Stretches of lines to leave out: of every long run of units that are alike its middle. `special` is in no run."""
    units = list(_units(lines, first, end, special))
    for _, run in itertools.groupby(units, key=lambda unit: unit.likeness):
        row = list(run)
        n_kept = KEPT if len(row[0]) < KEPT else 1
        middle = row[n_kept:-n_kept] if row[-1].end - row[0].first > LONGEST_RUN else []
        if middle:
            yield middle[0].first, middle[-1].end
            continue
        for unit in row:
            if len(unit) > LONGEST_RUN:
                yield from _alike(lines, unit.first + 1, unit.end, special)


def _units(lines: _Lines, first: int, end: int, special: int) -> Iterator[_Unit]:
    line = first
    while line < end:
        low, depth = line, lines.indentation(line)
        line += 1
        while line < end and _goes_on(lines, line, depth):
            line += 1
        yield _Unit(low, line, _likeness(lines, low, line, special))


def _goes_on(lines: _Lines, line: int, depth: int) -> bool:
    """Whether a line belongs to the unit above it: deeper, empty, a comment, inside a string or a bracket that closes."""
    code = lines.code(line)
    if line in lines.insides or not code or lines.indentation(line) > depth:
        return True
    return lines.indentation(line) == depth and code[0] in ")]}"


def _likeness(lines: _Lines, low: int, end: int, special: int) -> object:
    """Units with the same one are alike; whatever is not balanced, and what holds `special`, is like nothing else."""
    last = next((code for line in reversed(range(low, end)) if (code := lines.code(line))), "")
    if not last or low <= special < end or not lines.is_balanced(low, end):
        return low
    sign = last[-1]
    return lines.indentation(low), sign if not sign.isalnum() else "a", lines.code(low)[:1].isalnum()


def _folded_elements(source: str, found: Problem, signs: Sequence[re.Match[str]]) -> Folded | None:
    """The fold of a bracket on the very long line where the parser stopped: elements far from there and from both ends go."""
    start = source.rfind("\n", 0, found.span.start) + 1
    end = source.find("\n", found.span.start)
    end = len(source) if end < 0 else end
    if end - start <= LONGEST_LINE:
        return None
    on_line = [sign for sign in signs if start <= sign.start() and sign.end() <= end]
    borders = _elements(on_line, found.span.end)
    before = [comma for comma in borders if comma <= found.span.start]
    behind = [comma for comma in borders if comma > found.span.end]
    cuts = []
    for commas in (before, behind):
        if len(commas) > 2 * _N_ELEMENTS:
            cuts.append((Span(commas[_N_ELEMENTS], commas[-_N_ELEMENTS]), ""))
    return _without(source, cuts) if cuts else None


def _elements(signs: Sequence[re.Match[str]], at: int) -> list[int]:
    """The offsets behind the commas of the innermost bracket that is open at `at`, among `signs` of one line."""
    levels: list[list[int]] = [[]]
    chosen: list[int] | None = None
    for sign in signs:
        if chosen is None and sign.start() >= at:
            chosen = levels[-1]
        if sign["comma"]:
            levels[-1].append(sign.end())
        elif sign["bracket"] in _PAIRS:
            closed = levels.pop()
            if closed is chosen or not levels:
                return closed
        elif sign["bracket"]:
            levels.append([])
    return levels[-1] if chosen is None else chosen


# Strings


def _folded_string(
    source: str, found: Problem, signs: Sequence[re.Match[str]]
) -> tuple[Folded, Problem] | None:
    """The fold of the string with three quotes that has no end of its own."""
    opened = _first_open(source, signs)
    if opened is None and "unterminated triple" not in found.message:
        return None
    sign, first = opened or (signs[-1], found)
    is_swapped = sign is not signs[-1]
    if signs[-1]["end"] or not signs[-1]["triple"]:
        # An apostrophe below has swapped things back. Then no code may stand where the string ends.
        behind = source[sign.end() : first.span.start].lstrip()
        if "\n" in behind:
            return None
    end = sign.end() - 3 if is_swapped else len(source)
    text = source[:end] + _ELLIPSIS * is_swapped
    lines = text[sign.start() :].split("\n")
    n_prose = _n_prose(text[: sign.start()], lines, sign["quotes"])
    if n_prose is None:
        return None
    starts = [
        sign.start(),
        *(sign.start() + n for n in itertools.accumulate(len(line) + 1 for line in lines)),
    ]
    cuts = []
    if n_prose - 1 > 2 * KEPT + 1:
        # The line of the quotes and the next ones stay, and the last ones before code begins.
        cuts.append((Span(starts[1 + KEPT], starts[n_prose - KEPT]), ""))
    if is_swapped:
        cuts.append((Span(end, len(source)), _ELLIPSIS))
    if not cuts and n_prose <= LONGEST_RUN:
        return None
    return _without(source, cuts, starts[n_prose] - 1), first


def _first_open(source: str, signs: Sequence[re.Match[str]]) -> tuple[re.Match[str], Problem] | None:
    """The first string of several lines between which and the next one with three quotes no code stands, and the problem there.

    From a string without an end on, what should be outside of strings is inside. What Python says of the whole text is about the
    first word of that which cannot even be a token, however far down.
    """
    strings = [sign for sign in signs if sign["triple"]]
    n_parsed = 0
    for sign, next_one in itertools.pairwise(strings):
        if "\n" not in sign.group():
            continue
        n_parsed += 1
        if n_parsed > _N_PARSES:
            return None
        text = _PREFIX.sub("", source[: next_one.start()]) + _ELLIPSIS
        found = problem(text)
        if found is None or any(words in found.message for words in _IS_OPEN):
            continue
        return (sign, found) if found.span.end >= sign.end() else None
    return None


def _n_prose(head: str, lines: Sequence[str], quotes: str) -> int | None:
    """How many `lines`, from the one with the quotes on, can at least not be code: behind them all parses."""
    n, n_parses = 1, 0
    while n < len(lines):
        bad = _first_bad(lines, n)
        if bad is None:
            n_parses += 1
            if n_parses > _N_PARSES:
                return None
            closed = "\n".join(lines[:n]) + quotes + "\n" + "\n".join(lines[n:])
            found = problem(head + closed)
            if found is None or found.line > head.count("\n") + n + _LONGEST_CHUNK:
                return n
            bad = _told_line(found) - head.count("\n")
        n = max(n + 1, bad)
    return len(lines)


def _first_bad(lines: Sequence[str], n: int) -> int | None:
    """The first of `lines`, from number `n` on, that is no code, as far as the next ones tell; None if all of them may be."""
    while n < len(lines) and not lines[n].strip():
        n += 1
    if n == len(lines):
        return None
    depth = _depth(lines[n])
    chunk = list(
        itertools.takewhile(
            lambda line: not line.strip() or _depth(line) >= depth, lines[n : n + _LONGEST_CHUNK]
        )
    )
    found = problem("\n".join([*(["if 1:"] if depth else [""]), *chunk]))
    is_cut = len(chunk) == _LONGEST_CHUNK
    if found is None or (is_cut and found.line >= len(chunk)) or any(w in found.message for w in _IS_OPEN):
        return None
    return n + max(0, _told_line(found) - 1)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _told_line(found: Problem) -> int:
    """The line of a problem, from 0, or the one above it that the message names."""
    named = _ON_LINE.search(found.message)
    return min(found.line, int(named[1]) - 1) if named else found.line
