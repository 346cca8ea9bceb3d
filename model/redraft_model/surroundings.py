"""What the text around a hole tells of what belongs there, by its names. Without torch."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from redraft_model.names import NAME, SIGNATURE, bound, names, read
from redraft_model.openings import Kind
from redraft_model.passage import Passage

_DEFINITION = re.compile(r"^[ \t]*(?:async def|def|class)\b", re.MULTILINE)
_DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)", re.MULTILINE)
_RETURNS = re.compile(r"\b(?:return|yield|raise)\b")


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
    def unread(self) -> set[str]:
        """Names that have got a value above in the function and are nowhere else in it."""
        counts = Counter(NAME.findall(f"{self._before}\n{self._after}"))
        return {name for name in bound(self._before) if counts[name] == 1 and not name.startswith("_")}

    @cached_property
    def lacks_return(self) -> bool:
        """Whether the function ends here and nothing in it returns, raises or yields."""
        is_in_function = SIGNATURE.match(self._before.lstrip()) is not None
        return is_in_function and not self._after.strip() and not _RETURNS.search(self._before)

    def beginnings(self, kinds: frozenset[Kind]) -> list[str]:
        """How a line is likely to begin where one of `kinds` can: with a name that needs a value, or with what it returns."""
        found = []
        if Kind.BLOCK in kinds:
            found += [f"for {name} in" for name in self.unbound[:1]]
        if Kind.STATEMENT in kinds:
            found += [f"{name} =" for name in self.unbound[:2]]
            found += ["return"] * self.lacks_return
        return found

    @cached_property
    def _before(self) -> str:
        starts = [found.start() for found in _DEFINITION.finditer(self.passage.before)]
        return self.passage.before[starts[-1] if starts else 0 :]

    @cached_property
    def _after(self) -> str:
        found = _DEFINITION.search(self.passage.after)
        return self.passage.after[: found.start() if found else None]
