"""Indentation of tabs and of spaces in one text, where Python cannot tell how deep a line is."""

import ast
import re
import warnings
from collections.abc import Sequence

from redraft_model.recognise.lines import Line, lines_of
from redraft_model.recognise.recognition import Recognised

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.994
WHAT = "code with tabs and spaces"

_WIDTHS = (4, 8)
_INDENT = re.compile(r"[ \t]*")


def tabbed(source: str) -> Recognised | None:
    """The text indented in the way of most of its lines, if all widths of a tab with which it compiles come to the same.

    A tab is as wide as the least indentation of spaces, or as four or eight columns.
    """
    lines = lines_of(source)
    indents = [_indent(line) for line in lines]
    n_tabs = sum("\t" in indent for indent in indents)
    spaces = [len(indent) for indent in indents if indent and "\t" not in indent]
    if not n_tabs or not spaces:
        return None
    texts: dict[str, str] = {}  # by what they mean
    for width in dict.fromkeys((min(spaces), *_WIDTHS)):
        text = _written(lines, indents, width, with_tabs=n_tabs > len(spaces))
        meaning = _meaning(text)
        if meaning:
            texts.setdefault(meaning, text)
    if len(texts) != 1:
        return None
    (text,) = texts.values()
    pairs = zip(source.split("\n"), text.split("\n"), strict=True)
    return Recognised(text, sum(before != after for before, after in pairs), CONFIDENCE, WHAT)


def _indent(line: Line) -> str:
    """What a line is indented by; nothing where that is inside a string, or nothing stands behind it."""
    match = _INDENT.match(line.text)
    return match.group() if match and not line.is_in_string and line.text.strip() else ""


def _written(lines: Sequence[Line], indents: Sequence[str], width: int, *, with_tabs: bool) -> str:
    """The lines with one kind of indentation, a tab being `width` columns."""
    written: list[str] = []
    for line, indent in zip(lines, indents, strict=True):
        n_columns = len(indent.expandtabs(width))
        new = "\t" * (n_columns // width) + " " * (n_columns % width) if with_tabs else " " * n_columns
        written.append(new + line.text[len(indent) :])
    return "\n".join(written)


def _meaning(text: str) -> str:
    """The syntax tree, without places; "" for a text that does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            compile(text, "<text>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return ast.dump(tree)
