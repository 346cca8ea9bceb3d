"""What a recogniser finds."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Recognised:
    """A text in today's Python, how many lines were changed for it, how likely this is what was meant, and what it was.

    The confidence is the share of held-out texts that come back exactly after they were written down in this way. `what` follows
    the words "read as".
    """

    text: str
    n_lines: int
    confidence: float
    what: str = ""

    def then(self, other: "Recognised") -> "Recognised":
        """Both, if `other` was found in the text of this one."""
        what = " and ".join(filter(None, (self.what, other.what)))
        return Recognised(other.text, self.n_lines + other.n_lines, self.confidence * other.confidence, what)


# A text that does not compile -> what it is in today's Python; None where it is nothing that is known.
Recogniser = Callable[[str], Recognised | None]
