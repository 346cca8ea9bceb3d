"""Making a draft fit the text around the cursor. Knows nothing of models or LSP.

A draft is cut, never added to: where it goes on too long, repeats itself or its surroundings, or closes what
nobody opened. What it has in common with the text behind the cursor it replaces.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from redraft_model.passage import Draft, Passage
from redraft_model.text.insertions import Insertions

from redraft_server.nesting import CLOSERS, Nesting, nesting

# Brackets that were opened further away than this are not looked for.
_MAX_LINES_AROUND = 500
_MAX_LINES_NEAR = 50
# Shorter repetitions happen by chance.
_LONG_OVERLAP = 3
_MANY_LINES = 4
_MANY_BLOCKS = 3
_MAX_BLOCK_LINES = 8
# Three characters or more, six times or more, up to the end of a line.
_REPETITIVE_END = re.compile(r"(.{3,}?)\1{5,}\W{0,3}$")
_MAX_REPETITIVE_END = 200

_DEFINITION = re.compile(r"@|(?:async[ \t]+def|def|class)\b")
_BRANCH = re.compile(r"(?:elif|else|except|finally|case)\b")


@dataclass(frozen=True)
class Fit:
    """What to insert at the cursor, and how many of the characters behind it (all on its line) it replaces."""

    text: str
    n_replaced: int = 0

    def whole(self, passage: Passage) -> str:
        """The document with the suggestion in it."""
        return passage.before + self.text + passage.after[self.n_replaced :]


def fits(
    drafts: Sequence[Draft], passage: Passage, *, is_single_line: bool = False
) -> list[tuple[Fit, Draft]]:
    """What is worth suggesting of `drafts` at the place of `passage` and may be inserted there; each text once, with its draft."""
    found: dict[Fit, Draft] = {}
    for draft in drafts:
        fitted = fit(draft.text, passage, is_single_line=is_single_line)
        if fitted is not None and may_insert(fitted, passage):
            found.setdefault(fitted, draft)
    return list(found.items())


def may_insert(found: Fit, passage: Passage) -> bool:
    """Whether `found` leaves what parses and compiles as good as it was, and repeats nothing beside it.

    What it replaces may be needed for the rest to parse, so the rest is judged with it.
    """
    place = Insertions(Passage(passage.before, "", passage.after[found.n_replaced :]))
    return place.allows(found.text) and (
        place.parses_with(found.text) or not Insertions(passage).parses_with("")
    )


def fit(draft: str, passage: Passage, *, is_single_line: bool = False) -> Fit | None:
    """What is worth suggesting of `draft` at the place of `passage`; None if nothing is."""
    place = _Place(passage)
    text = draft
    # Each rule takes something away, and may give another one its turn.
    while (shorter := _shortened(text, place, is_single_line=is_single_line)) != text:
        text = shorter
    found = Fit(text, _n_replaced(text, place))
    return found if _is_worth_showing(found, place) else None


def is_inviting(before: str, after: str, max_suffix: int = 8) -> bool:
    """Whether a suggestion nobody asked for is welcome between `before` and `after`.

    Not in the middle of a word, nor before more than `max_suffix` characters that would have to move (closing
    brackets do not count, the editor may have put them there), nor where the user's next key is probably Tab:
    at the beginning of a line that has to be indented first.
    """
    head, rest = _last_line(before), _first_line(after)
    if _is_word(head[-1:]) and _is_word(rest[:1]):
        return False
    if not head.strip() and _has_to_be_indented(head, before):
        return False
    n_following = sum(not character.isspace() and character not in CLOSERS.values() for character in rest)
    return n_following <= max_suffix


def word_before(before: str) -> str:
    """The part of a word that ends `before`."""
    n_word = 0
    while n_word < len(before) and _is_word(before[-1 - n_word]):
        n_word += 1
    return before[len(before) - n_word :]


@dataclass(frozen=True)
class _Place:
    """The surroundings of a suggestion, worked out when they are asked for."""

    passage: Passage

    @cached_property
    def head(self) -> str:
        """The cursor's line, before the cursor."""
        return _last_line(self.passage.before)

    @cached_property
    def rest(self) -> str:
        """The cursor's line, behind the cursor."""
        return _first_line(self.passage.after)

    @cached_property
    def below(self) -> list[str]:
        """The next lines that are not blank, stripped."""
        lines = self.passage.after.split("\n", _MAX_LINES_NEAR)[1:]
        return [line.strip() for line in lines if line.strip()]

    @cached_property
    def above(self) -> str:
        """The last line above the cursor's that is not blank."""
        return _line_above(self.passage.before)

    @cached_property
    def nearby(self) -> str:
        """The text before the cursor in which openings are looked for."""
        pieces = self.passage.before.rsplit("\n", _MAX_LINES_AROUND)
        if len(pieces) <= _MAX_LINES_AROUND:
            return self.passage.before
        # A line in the middle of a string would turn code into strings and strings into code.
        start = next((n for n, line in enumerate(pieces) if n > 0 and _DEFINITION.match(line)), 1)
        return "\n".join(pieces[start:])

    @cached_property
    def around(self) -> Nesting:
        """What is open at the cursor."""
        return nesting(self.nearby)

    @cached_property
    def is_in_comment(self) -> bool:
        """Whether the rest of the line would be a comment."""
        # Only strings and comments swallow a bracket.
        return not self.around.is_in_string and nesting(f"{self.nearby}(").open == self.around.open

    @cached_property
    def n_closed_behind(self) -> int:
        """How many of the openings around the cursor are closed behind it."""
        lines = self.passage.after.split("\n", _MAX_LINES_AROUND)[:_MAX_LINES_AROUND]
        return len(nesting("\n".join(lines), self.around.open).closed)

    @cached_property
    def is_in_sight(self) -> bool:
        """Whether everything that is open at the cursor has been looked for."""
        return len(self.nearby) == len(self.passage.before) or _DEFINITION.match(self.nearby) is not None

    def then(self, text: str) -> Nesting:
        """The nesting after `text` at the cursor."""
        if not self.is_in_comment:
            return nesting(text, self.around.open)
        found = nesting(f"#{text}", self.around.open)
        return found if found.stray is None else replace(found, stray=found.stray - 1)

    def open_at(self, lines: Sequence[str]) -> list[tuple[str, ...]]:
        """What is open where each of `lines`, which begin at the cursor, begins, and behind the last of them."""
        around = [self.around.open, self.then(lines[0] + "\n").open]
        for line in lines[1:]:
            around.append(nesting(line + "\n", around[-1]).open)
        return around


def _joined(draft: str, place: _Place) -> str:
    """`draft` with the right amount of blanks where it meets the text before the cursor, indented like it."""
    text = _indented_alike(draft, place)
    if place.around.is_in_string:
        return text
    if place.head.strip():
        # One blank is there already.
        return text.lstrip(" ") if place.head[-1].isspace() else text
    if place.head:
        text = _without_blank_lines(text, place.head)
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    if not indent or place.around.open:
        return text
    is_there = bool(place.head) and _is_level(place.head, place)
    return text[len(indent) :] if is_there or not _is_level(place.head + indent, place) else text


def _without_blank_lines(text: str, head: str) -> str:
    """`text` without blank lines before its first line, which begins behind the indentation `head`."""
    line, newline, more = text.partition("\n")
    if line.strip() or not newline:
        return text
    while newline and not line.strip():
        line, newline, more = more.partition("\n")
    # A line that begins further to the left cannot be put here.
    return line[len(head) :] + newline + more if line.startswith(head) else ""


def _is_level(indent: str, place: _Place) -> bool:
    """Whether a statement may begin behind `indent`: in an open block, or in one that was just opened."""
    width, above = _width(indent), _width(place.above)
    if place.above.rstrip().endswith(":"):
        return width > above and (width - above) % _unit(place.passage.before) == 0
    return width == above or (width < above and any(width == w for w in _outer_widths(place.passage.before)))


def _outer_widths(before: str) -> list[int]:
    """How far the lines above that begin further left than all below them are indented."""
    widths: list[int] = []
    for line in reversed(_lines_above(before, _MAX_LINES_AROUND)):
        if line.strip() and (not widths or _width(line) < widths[-1]):
            widths.append(_width(line))
    return widths


def _indented_alike(text: str, place: _Place) -> str:
    """`text` indented with tabs or spaces as the nearest indented line is."""
    lines = text.split("\n")
    sample = _nearest_indent(place.passage)
    if not sample or not any(line[:1] in (" ", "\t") for line in lines):
        return text
    around = place.open_at(lines)
    alike: list[str] = []
    unit = _unit(place.passage.before + place.passage.after)
    own_unit = _unit(text)
    for number, line in enumerate(lines):
        is_text = number > 0 and _is_quote(around[number])
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if is_text or (number == 0 and place.head.strip()):
            alike.append(line)
        elif sample[0] == "\t" and "\t" not in indent:
            n_levels, n_more = divmod(len(indent), own_unit)
            alike.append("\t" * n_levels + " " * n_more + line[len(indent) :])
        elif sample[0] == " ":
            alike.append(indent.replace("\t", " " * unit) + line[len(indent) :])
        else:
            alike.append(line)
    return "\n".join(alike)


def _nearest_indent(passage: Passage) -> str:
    lines = [
        _last_line(passage.before),
        *reversed(_lines_above(passage.before, _MAX_LINES_NEAR)),
        *passage.after.split("\n", _MAX_LINES_NEAR)[1:],
    ]
    return next((line for line in lines if line[:1] in (" ", "\t")), "")


def _unit(text: str) -> int:
    """How many spaces a level of indentation has in `text`: four, unless some lines have only two."""
    lines = text.split("\n", _MAX_LINES_AROUND)[:_MAX_LINES_AROUND]
    widths = {len(line) - len(line.lstrip(" ")) for line in lines if line.strip()} - {0}
    return 2 if 2 in widths else 4


def _shortened(text: str, place: _Place, *, is_single_line: bool) -> str:
    """`text` after one round of all rules."""
    text = _joined(text, place)
    if is_single_line:
        text = _first_line(text)
    text = _without_repetition(text)
    text = _in_scope(text, place)
    own = place.then(text)
    if own.stray is not None and place.is_in_sight:
        text = text[: own.stray]
    n_replaced = _n_replaced(text, place)
    if "\n" in text and place.rest[n_replaced:].strip():
        # What stands behind the cursor would end up behind the last line.
        text = _first_line(text)
        n_replaced = _n_replaced(text, place)
    text = _without_lines_below(text, place, n_replaced)
    if _repeats_line_above(text, place):
        return ""
    return _without_trailing_blanks(text, place, n_replaced)


def _without_repetition(text: str) -> str:
    """`text` up to where it begins to go round in circles."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = _REPETITIVE_END.search(line[-_MAX_REPETITIVE_END:])
        if match and any(map(_is_word, match[1])):
            return "\n".join(lines[:number])
    for start in range(len(lines)):
        for size in range(1, min(_MAX_BLOCK_LINES, len(lines) - start) + 1):
            block = lines[start : start + size]
            n_times = _MANY_LINES if size == 1 else _MANY_BLOCKS
            if (
                any(line.strip() for line in block)
                and lines[start : start + n_times * size] == block * n_times
            ):
                return "\n".join(lines[: start + size])
    return text


def _in_scope(text: str, place: _Place) -> str:
    """`text` up to the end of what it began: the statement the cursor is in, one definition, or one block."""
    lines = text.split("\n")
    whole = [place.head + lines[0], *lines[1:]]
    start = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    is_continued = bool(place.around.open) or bool(place.head.strip() and lines[0].strip())
    if is_continued:
        start = 0
    level = _width(whole[start]) if start < len(whole) else 0
    around = place.open_at(lines)
    has_definition = False
    for number, line in enumerate(lines):
        if number < start or not line.strip() or (number > 0 and around[number]):
            continue
        code = whole[number].lstrip()
        if number > start:
            width = _width(line)
            is_over = width < level or (
                width == level and (is_continued or has_definition or _DEFINITION.match(code))
            )
            is_decorated = all(above.lstrip()[:1] in ("", "@") for above in whole[start:number])
            if is_over and not (
                width == level and (_BRANCH.match(code) or (is_decorated and not is_continued))
            ):
                return "\n".join(lines[:number])
        has_definition = has_definition or (_width(whole[number]) == level and bool(_DEFINITION.match(code)))
    return text


def _n_replaced(text: str, place: _Place) -> int:
    """How many characters behind the cursor are in `text` as well, and would be there twice."""
    rest, around = place.rest, place.around.open
    own = place.then(text)
    n_left_open = len(own.open) - own.n_around
    # Where more is open than is closed behind the cursor, the suggestion's closers are wanted.
    n_missing = len(around) - place.n_closed_behind
    n_surplus = max(0, len(own.closed) - n_left_open - n_missing)
    n_closers = _n_characters(own.closed[:n_surplus], rest)
    line = _first_line(text)
    # Behind several lines nothing may be left, so it is all or the brackets alone.
    n_overlaps = [len(rest)] if "\n" in text else range(len(rest), n_closers, -1)
    for n_overlap in n_overlaps:
        overlap = rest[:n_overlap] if n_overlap < len(rest) else rest.rstrip()
        if not (overlap.strip() and line.endswith(overlap) and (n_closers or _is_one_too_many(overlap))):
            continue
        lost = nesting(overlap, around)
        if len(lost.closed) <= n_surplus and len(lost.open) == lost.n_around:
            return n_overlap
    return n_closers


def _n_characters(openings: Sequence[str], rest: str) -> int:
    """The length of the brackets and quotes at the beginning of `rest` that close `openings`."""
    end = index = 0
    for opening in openings:
        closer = CLOSERS.get(opening, opening)
        index = len(rest) - len(rest[index:].lstrip())
        if not rest.startswith(closer, index):
            break
        end = index = index + len(closer)
    return end


def _is_one_too_many(overlap: str) -> bool:
    """Whether something that `text` ends with and the line goes on with was meant once."""
    if sum(map(_is_word, overlap)) >= _LONG_OVERLAP:
        return True
    # Brackets and quotes are counted elsewhere.
    return not any(_is_word(character) or character in "()[]{}'\"" for character in overlap)


def _without_lines_below(text: str, place: _Place, n_replaced: int) -> str:
    """`text` without last lines that repeat the next lines of the file."""
    lines = text.split("\n")
    whole = (place.head + text + place.rest[n_replaced:]).split("\n")[-len(lines) :]
    stripped = [line.strip() for line in whole]
    for n_repeated in range(min(len(lines), len(place.below)), 0, -1):
        if stripped[-n_repeated:] == place.below[:n_repeated]:
            return "\n".join(lines[: len(lines) - n_repeated]).rstrip()
    return text


def _repeats_line_above(text: str, place: _Place) -> bool:
    if not _first_line(text).strip():
        return False
    line = (place.head + _first_line(text)).strip()
    return line == place.above.strip() and sum(map(_is_word, line)) >= _LONG_OVERLAP


def _without_trailing_blanks(text: str, place: _Place, n_replaced: int) -> str:
    *lines, last = text.split("\n")
    around = place.open_at([*lines, last])
    tidy = [
        line if _is_quote(opened) else line.rstrip() for line, opened in zip(lines, around[1:], strict=False)
    ]
    text = "\n".join([*tidy, last])
    return text if place.then(text).is_in_string or place.rest[n_replaced:].strip() else text.rstrip()


def _is_quote(opened: tuple[str, ...]) -> bool:
    """Whether the innermost of `opened` is a quote."""
    return bool(opened) and opened[-1] not in CLOSERS


def _is_worth_showing(found: Fit, place: _Place) -> bool:
    text = found.text.strip()
    if text == place.rest[: found.n_replaced].strip():
        return False
    # One mark of punctuation is typed sooner than read.
    return len(text) > 1 or _is_word(text)


def _has_to_be_indented(head: str, before: str) -> bool:
    above = _line_above(before)
    return above.rstrip().endswith(":") and _width(head) <= _width(above)


def _line_above(before: str) -> str:
    return next((line for line in reversed(_lines_above(before, _MAX_LINES_NEAR)) if line.strip()), "")


def _lines_above(before: str, n_lines: int) -> list[str]:
    """The last `n_lines` whole lines of `before`, or fewer if there are not as many."""
    return before.rsplit("\n", n_lines + 1)[:-1][-n_lines:]


def _width(line: str) -> int:
    """How far `line` is indented; what a tab is worth does not matter as long as it is more than nothing."""
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))


def _last_line(text: str) -> str:
    return text[text.rfind("\n") + 1 :]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
