"""Where a text may change."""

from dataclasses import dataclass

from redraft_model.passage import Span


@dataclass(frozen=True)
class Bounds:
    """Where a text may change: everything but its first `before` and its last `behind` characters."""

    before: int
    behind: int

    @classmethod
    def of(cls, source: str, span: Span | None) -> "Bounds | None":
        """The bounds of a span of a text; None stays None."""
        if span is None:
            return None
        n = len(source)
        return cls(min(span.start, n), n - min(span.end, n))

    def span(self, source: str) -> Span:
        """The same bounds in a text that has changed between them."""
        return Span(self.before, max(self.before, len(source) - self.behind))

    def hold(self, source: str, text: str) -> bool:
        """Whether `text` is `source` with nothing changed outside the bounds."""
        behind = source[len(source) - self.behind :]
        is_long_enough = len(text) >= self.before + self.behind
        return is_long_enough and text.startswith(source[: self.before]) and text.endswith(behind)
