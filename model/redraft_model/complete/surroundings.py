"""What the text around a hole tells of what belongs there, by its names. Without torch."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from redraft_model.complete.line_starts import Kind, depth
from redraft_model.passage import Passage
from redraft_model.text.identifiers import NAME, SIGNATURE, assigned, bound, imported, names, read
from redraft_model.text.insertions import Insertions
from redraft_model.text.scopes import defined_names, parsed, unbound_names

_DEFINITION = re.compile(r"^[ \t]*(?:async def|def|class)\b", re.MULTILINE)
_DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)", re.MULTILINE)
_DEFINES = re.compile(r"(?:async[ \t]+def|def|class)[ \t]+(\w+)[ \t]*[(:\[]")
_RETURNS = re.compile(r"\b(?:return|yield|raise)\b")
_LEAVES = re.compile(r"(?:return|raise|break|continue)\b")
_RETURNS_NAME = re.compile(r"return\b[ \t]*\(?[ \t]*(\w+)[ \t]*\)?[ \t]*;?")
_QUALIFIER = re.compile(r"(?<![\w.])[^\W\d]\w*(?=\.\w)")
_IMPORTING = re.compile(r"[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]+\(?(?:[\w \t]+,)*[ \t]*(\w*)$")
_IMPORTING_MODULE = re.compile(r"[ \t]*import[ \t]+(\w*)$")
_DEFINING = re.compile(r"[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+(\w*)$")
N_RESULTS = 2  # names that a function may return
N_WANTED = 4  # names that are used and bound nowhere, of which one may be meant


@dataclass(frozen=True)
class Surroundings:
    """The function around the target of a passage, as far as its text tells."""

    passage: Passage

    @cached_property
    def known(self) -> frozenset[str]:
        """Python's own names and those of the file."""
        return names(self.passage.replaced("\n"))

    @cached_property
    def lines(self) -> frozenset[str]:
        """The other lines of the file, without their indentation; none that is empty."""
        above, below = self.passage.before.rpartition("\n")[0], self.passage.after.partition("\n")[2]
        return frozenset(line.strip() for line in f"{above}\n{below}".split("\n")) - {""}

    def line_with(self, text: str) -> str:
        """The line of the target when `text` is in its place, without its indentation."""
        before, after = self.passage.before.rpartition("\n")[2], self.passage.after.partition("\n")[0]
        return f"{before}{text}{after}".strip()

    @cached_property
    def unbound(self) -> list[str]:
        """Names that are read below in the function, in their order, and have a value neither there nor above nor below it."""
        defined = {name for found in _DEFINED.findall(self.passage.after) for name in found}
        known = bound(self._after) | names(self.passage.before) | defined
        return [name for name in dict.fromkeys(read(self._after)) if name not in known]

    @cached_property
    def unbound_in_file(self) -> list[str]:
        """Names that the file reads and nothing in it binds, in their order, while another line is in the target's place.

        None where the file does not parse then.
        """
        return [] if self._tree is None else unbound_names(self._tree)

    @cached_property
    def defined_in_file(self) -> set[str]:
        """Names that the file imports or defines at its outermost level, while another line is in the target's place."""
        return set() if self._tree is None else defined_names(self._tree)

    @cached_property
    def _tree(self) -> ast.Module | None:
        around = Insertions(self.passage).around
        return None if around is None else parsed(around)

    def binds(self, text: str) -> int:
        """To how many names that have none `text` gives a value, by itself or together with the line that it is put in."""
        is_indented = f"{self._head}{text}"[:1].isspace()
        wanted = {*self.unbound, *self.unimported, *([] if is_indented else self.unbound_in_file)}
        return len((bound(text) | self._new_in_line(text, bound)) & wanted)

    def binds_again(self, text: str) -> int:
        """How many names `text`, in its line, imports, or defines at the outermost level, that the file has there already."""
        own = self._new_in_line(text, imported)
        if (found := _DEFINES.match(f"{self._head}{text}")) is not None and not _DEFINES.match(self._head):
            own.add(found[1])
        return len(own & self.defined_in_file)

    def _new_in_line(self, text: str, names_of: Callable[[str], set[str]]) -> set[str]:
        """The names that `names_of` finds in the target's line with `text` and not without it."""
        return names_of(self.line_with(text)) - names_of(self.line_with(""))

    @cached_property
    def unread(self) -> set[str]:
        """Names that have got a value above in the function and are nowhere else in it."""
        counts = Counter(NAME.findall(f"{self._before}\n{self._after}"))
        return {name for name in bound(self._before) if counts[name] == 1 and not name.startswith("_")}

    @cached_property
    def lacks_return(self) -> bool:
        """Whether the function ends here and nothing in it returns, raises or yields."""
        return self._ends_function and not _RETURNS.search(self._before)

    @cached_property
    def results(self) -> list[str]:
        """Names that a function which ends here gave a value to, those it dealt with last first; none where it has left already.

        Its parameters where there is no such name.
        """
        text = self._before.rpartition("\n")[0].rstrip()
        body = _body(text)
        has_left = body and _LEAVES.match(body[-1].strip()) and depth(body[-1]) <= min(map(depth, body))
        if not self._ends_function or has_left:
            return []
        last = {found.group(): found.start() for found in NAME.finditer(text)}
        known = assigned("\n".join(body)) or bound(text.partition("\n")[0]) - {"self", "cls"}
        return sorted(known & last.keys(), key=lambda name: -last[name])

    def returns_result(self, text: str) -> bool:
        """Whether `text` returns one of the results and nothing else."""
        found = _RETURNS_NAME.fullmatch(text.strip())
        return found is not None and found[1] in self.results

    @cached_property
    def unimported(self) -> list[str]:
        """Modules of Python's own library whose attributes the file uses, in their order, while nothing in it has their name.

        Only between lines that have no indentation, where imports stand.
        """
        above, below = self.passage.before.rpartition("\n")[0].rstrip(), self.passage.after
        neighbours = above.rpartition("\n")[2], below.lstrip("\n").partition("\n")[0]
        if any(line[:1].isspace() for line in neighbours):
            return []
        text = f"{above}\n{below}"
        defined = {name for found in _DEFINED.findall(text) for name in found}
        used = [name for name in dict.fromkeys(_QUALIFIER.findall(text)) if name in sys.stdlib_module_names]
        known = bound(text) | defined
        return [name for name in used if name not in known]

    def beginnings(self, kinds: frozenset[Kind]) -> list[str]:
        """How a line is likely to begin where one of `kinds` can: with a name that needs a value, or with what is returned."""
        found = []
        if Kind.BLOCK in kinds:
            found += [f"for {name} in" for name in self.unbound[:1]]
        if Kind.STATEMENT in kinds:
            found += [f"{name} =" for name in self.unbound[:2]]
            found += [f"return {name}" for name in self.results[:N_RESULTS]]
            found += ["return"] * self.lacks_return
        return found

    def whole_lines(self, kinds: frozenset[Kind]) -> list[str]:
        """What a line where one of `kinds` can begin is likely to be: an import that is missing."""
        return [f"import {name}" for name in self.unimported[:1] if Kind.STATEMENT in kinds]

    @property
    def _unbound_here(self) -> list[str]:
        """Names that nothing binds: of the function that an indented line is in, of the whole file for another."""
        return self.unbound if self._head[:1].isspace() else self.unbound_in_file

    def names_to_bind(self) -> list[str]:
        """The rest of a wanted name where the line so far imports one, as the whole rest of the line."""
        head = self._head
        if (found := _IMPORTING.match(head)) is not None:
            names = [name for name in self._unbound_here if name not in self.unimported]
        elif (found := _IMPORTING_MODULE.match(head)) is not None:
            names = self.unimported
        return [] if found is None else _rests(names, found[1])

    def names_to_define(self) -> list[str]:
        """The rest of a wanted name where the line so far defines a function or class, as the beginning of the rest."""
        found = _DEFINING.match(self._head)
        return [] if found is None else _rests(self._unbound_here, found[1])

    @cached_property
    def _head(self) -> str:
        return self.passage.before.rpartition("\n")[2]

    @cached_property
    def _before(self) -> str:
        starts = [found.start() for found in _DEFINITION.finditer(self.passage.before)]
        return self.passage.before[starts[-1] if starts else 0 :]

    @cached_property
    def _after(self) -> str:
        found = _DEFINITION.search(self.passage.after)
        return self.passage.after[: found.start() if found else None]

    @cached_property
    def _ends_function(self) -> bool:
        """Whether the target is in a function, and no further line of it follows."""
        header = self._before.partition("\n")[0]
        if SIGNATURE.match(header.lstrip()) is None:
            return False
        below = [line for line in self._after.split("\n") if line.strip()][:1]
        is_inside = all(depth(line) > depth(header) for line in _body(self._before))
        return is_inside and all(depth(line) <= depth(header) for line in below)


def _rests(names: Iterable[str], word: str) -> list[str]:
    """What is missing of the first few of `names` that `word` begins."""
    found = [name.removeprefix(word) for name in names if name.startswith(word) and name != word]
    return found[:N_WANTED]


def _body(function: str) -> list[str]:
    """The lines of a function behind its first one, without the bracket that a signature of several lines ends with."""
    return [line for line in function.split("\n")[1:] if line.strip() and line.lstrip()[0] != ")"]
