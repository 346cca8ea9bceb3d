"""Which texts may be inserted at a place: the parser, the compiler, the lines around it and comments have a say. Knows no model."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

from redraft_model.passage import Passage, Span
from redraft_model.text.comments import Place, place_behind
from redraft_model.text.frame import Frame
from redraft_model.text.parser import can_begin
from redraft_model.text.scopes import parsed

# What could stand on the line of the place, so that the parser can tell what the other lines are worth.
_STAND_INS = ("", "pass", "if 0:", "else:", "except:", "finally:", "elif 0:", "case _:")
_OPENS_BLOCK = re.compile(r":[ \t]*(?:#.*)?$")
_STATEMENT = re.compile(r"^[^\W\d]", re.MULTILINE)
_INDENT = re.compile(r"[ \t]*")
_QUOTES = re.compile("\"{3}|'{3}")
_DECORATION = " \t#\"'"
_PUNCTUATION = ".,:;"
_SHORTEST = 3  # letters and digits of a line whose repetition is no chance
_N_NEAR = 10  # lines of a comment or docstring on each side of the place
# What words of a sentence do not look like, as a syntax tree.
_CODE = (
    ast.Assign, ast.AugAssign, ast.Call, ast.ClassDef, ast.For, ast.FunctionDef, ast.If, ast.Import, ast.ImportFrom, ast.Lambda,
    ast.NamedExpr, ast.Subscript, ast.Try, ast.While, ast.With, ast.comprehension,
    ast.Eq, ast.FloorDiv, ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.MatMult, ast.Mod, ast.Mult, ast.NotEq, ast.Pow,
)  # fmt: skip


@dataclass(frozen=True)
class Insertions:
    """The texts that may be put in the place of a passage's target."""

    passage: Passage

    def allows(self, text: str) -> bool:
        """Whether `text` leaves what parses and compiles as good as it was, repeats no line beside it, and is no code in prose."""
        return not self.repeats(text) and not self.is_code_in_prose(text) and self.keeps_syntax(text)

    def parses_with(self, text: str) -> bool:
        """Whether the whole parses with `text` in its place."""
        return self._is_accepted(text)[0]

    def keeps_syntax(self, text: str) -> bool:
        """Whether the whole parses and compiles with `text`, where what is around it does.

        Where the line is half typed, `text` need not finish it: a block may follow, or the end of what is open already.
        """
        does_parse, does_compile = self._is_accepted(text)
        if does_parse:
            return does_compile or not self._rest_compiles
        if self.parses_with(""):
            return False
        if self._rest_parses and not self.is_open:
            return self._parses_with_block(text)
        line = f"{text}{self.passage.after.partition(chr(10))[0]}\n"
        return all(can_begin(f"{above}{self._head}{line}") for above in self._above)

    def repeats(self, text: str) -> bool:
        """Whether a line of `text` is the one above or below it, or in prose one that is near."""
        lines = [_plain(line) for line in text.split("\n")]
        whole = [_plain(line) for line in self._with_ends(text).split("\n")]
        neighbours = self._near_in_prose if self.is_in_prose else self._neighbours
        ends = {whole[0], whole[-1], lines[0], lines[-1]}
        pairs = pairwise(whole)
        return any(_is_long(line) for line in ends & neighbours) or any(
            one == other and _is_long(one) for one, other in pairs
        )

    def is_code_in_prose(self, text: str) -> bool:
        """Whether `text` is code in a comment or docstring whose neighbouring lines are none."""
        if not self.is_in_prose or not _is_code(text):
            return False
        is_example = self._head.lstrip(_DECORATION).startswith((">>>", "..."))
        return not is_example and not any(map(_is_code, self._beside_in_prose))

    def _is_accepted(self, text: str) -> tuple[bool, bool]:
        """Whether the whole parses with `text` in its place, and whether it compiles; worked out once."""
        if text not in self._accepted:
            whole = self.passage.replaced(text)
            does_compile = self._frame.compile_problem(whole) is None
            self._accepted[text] = does_compile or self._frame.problem(whole) is None, does_compile
        return self._accepted[text]

    @cached_property
    def _accepted(self) -> dict[str, tuple[bool, bool]]:
        return {}

    @property
    def is_open(self) -> bool:
        """Whether the place is in a bracket or string that begins above it or on its line."""
        return self._place in (Place.BRACKET, Place.STRING, Place.DOCSTRING)

    @property
    def is_in_prose(self) -> bool:
        """Whether the place is in a comment or a docstring."""
        return self._place in (Place.COMMENT, Place.DOCSTRING)

    @cached_property
    def _neighbours(self) -> frozenset[str]:
        """The next lines above and below that are not blank."""
        above = next((plain for line in reversed(self._lines_above) if (plain := _plain(line))), "")
        below = next((plain for line in self._lines_below if (plain := _plain(line))), "")
        return frozenset({above, below})

    @cached_property
    def _near_in_prose(self) -> frozenset[str]:
        """As `_neighbours`, with all near lines of the comment or docstring that the place is in."""
        return self._neighbours.union(
            self._prose(reversed(self._lines_above)), self._prose(self._lines_below)
        )

    @cached_property
    def _beside_in_prose(self) -> list[str]:
        """The lines of the comment or docstring right above and below."""
        found = self._prose(self._lines_above[-1:]), self._prose(self._lines_below[:1])
        return [line for lines in found for line in lines]

    def _prose(self, lines: Iterable[str]) -> list[str]:
        """The first of `lines` that are of the same comment or docstring, which go on until one ends it."""
        found: list[str] = []
        is_comment = self._place is Place.COMMENT
        for line in islice(lines, _N_NEAR):
            if is_comment and not line.lstrip().startswith("#"):
                break
            found.append(_plain(line))
            if not is_comment and _QUOTES.search(line):
                break
        return found

    @cached_property
    def _frame(self) -> Frame:
        at = len(self.passage.before)
        return Frame.around(self.passage.replaced(""), Span(at, at))

    @cached_property
    def _place(self) -> Place:
        return place_behind(self.passage.before[len(self._frame.head) :])

    @cached_property
    def _head(self) -> str:
        return self.passage.before.rpartition("\n")[2]

    @cached_property
    def _lines_above(self) -> list[str]:
        return self.passage.before.rsplit("\n", 2 * _N_NEAR)[:-1]

    @cached_property
    def _lines_below(self) -> list[str]:
        return self.passage.after.split("\n", 2 * _N_NEAR)[1:]

    def _with_ends(self, text: str) -> str:
        """The line or lines that `text` is in."""
        return self._head + text + self.passage.after.partition("\n")[0]

    @cached_property
    def _above(self) -> list[str]:
        """The lines above that are not known to parse, and those of the outermost statement alone, if a program can begin so."""
        lines = self.passage.before[: len(self.passage.before) - len(self._head)]
        starts = [found.start() for found in _STATEMENT.finditer(lines)]
        texts = {lines[len(self._frame.head) :], lines[starts[-1] :] if starts else lines}
        return [text for text in texts if can_begin(text)]

    def _with_line(self, line: str) -> str:
        """The whole with another line for that of the place."""
        before = self.passage.before[: len(self.passage.before) - len(self._head)]
        return before + line + self.passage.after[len(self.passage.after.partition("\n")[0]) :]

    @cached_property
    def around(self) -> str | None:
        """The whole with another line in the place of the cursor's, so that it parses; None where it does with none."""
        indent = _indent(self._head)
        texts = (self._with_line(indent + line if line else "") for line in _STAND_INS)
        return next((text for text in texts if self._frame.problem(text) is None), None)

    @property
    def _rest_parses(self) -> bool:
        return self.around is not None

    @cached_property
    def _rest_compiles(self) -> bool:
        source = self.passage.replaced("") if self.parses_with("") else self.around
        return source is None or self._frame.compile_problem(source) is None

    def _parses_with_block(self, text: str) -> bool:
        """Whether the whole parses when a block follows below `text` that it opens."""
        line = self._with_ends(text)
        body = f"{line}\n{_indent(line.rpartition(chr(10))[2])} pass"
        return _OPENS_BLOCK.search(line) is not None and self._frame.problem(self._with_line(body)) is None


def _plain(line: str) -> str:
    """A line without indentation, the sign of a comment, quotes around it, and the punctuation at its end."""
    return line.strip(_DECORATION).rstrip(_PUNCTUATION)


def _is_long(line: str) -> bool:
    return sum(character.isalnum() or character == "_" for character in line) >= _SHORTEST


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    return found.group() if found else ""


def _is_code(text: str) -> bool:
    """Whether `text` is code rather than words: a statement, the head of one, or what could be in the brackets of one."""
    line = text.strip()
    forms = (
        line,
        f"{line} pass",
        f"def f{line} pass",
        f"def f({line} pass",
        f"x {line}" if line[:1] == "=" else line,
    )
    tree = next((tree for form in forms if line and (tree := parsed(form)) is not None), None)
    return tree is not None and any(isinstance(node, _CODE) for node in ast.walk(tree))
