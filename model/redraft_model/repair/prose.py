"""The prose of a program: its comments and the insides of its strings, of which the parser takes no notice."""

# T tokens of a region and its end marker, V vocabulary

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from redraft_model.passage import Span
from redraft_model.text.diff import common_prefix, common_suffix
from redraft_model.text.parser import prose_spans
from redraft_model.tokens.alignment import INSERT_IDS
from redraft_model.tokens.window import Window


@dataclass(frozen=True)
class Prose:
    """Comments and insides of strings of a text: whatever words are there, the parser does not mind.

    The network finds many of them strange, and a search would try to set them right, again and again.
    """

    source: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, source: str) -> "Prose":
        """The prose of `source`."""
        return cls(source, tuple(prose_spans(source)))

    def forbid(self, window: Window, problem: Span, gain_TV: torch.Tensor) -> None:
        """Leave no label there but, where a string goes on over lines, those that can end it. On lines of `problem` all stay.

        The window's text is this one after some edits; `gain_TV` is of its region's tokens and end marker.
        """
        borders = window.borders()
        lines = _lines(window.source, problem)
        ends_none_V = torch.from_numpy(~window.tokenizer.quotes)
        ends_none_V[list(INSERT_IDS)] = False  # what is inserted may be a quote
        for span in self._in(window.source):
            if span.start < lines.end and lines.start < span.end:
                continue
            first = int(np.searchsorted(borders, span.start, side="left"))
            last = int(np.searchsorted(borders, span.end, side="right")) - 1
            rows = gain_TV[first : max(first, last)]
            if "\n" in span.of(window.source):
                rows[:, ends_none_V] = -torch.inf
            else:
                rows[:] = -torch.inf

    def _in(self, text: str) -> Iterator[Span]:
        """Where the spans are in a text made from this one; those that were changed are none any more."""
        n_behind = common_suffix(self.source, text)
        n_before = min(common_prefix(self.source, text), min(len(self.source), len(text)) - n_behind)
        shift = len(text) - len(self.source)
        for span in self.spans:
            if span.end <= n_before:
                yield span
            elif span.start >= len(self.source) - n_behind:
                yield Span(span.start + shift, span.end + shift)


def _lines(source: str, span: Span) -> Span:
    """The whole lines that `span` touches."""
    end = source.find("\n", span.end)
    return Span(source.rfind("\n", 0, span.start) + 1, len(source) if end < 0 else end)
