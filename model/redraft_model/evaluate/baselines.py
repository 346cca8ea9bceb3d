"""Floors for the tables: engines that know no model. They are compared with, never offered to a user."""

from dataclasses import dataclass
from time import perf_counter

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from redraft_model.evaluate.parsing import parses
from redraft_model.evaluate.suite import Candidate
from redraft_model.passage import About, Cost, Draft, Passage

_LEAVE_ALONE = About("leave alone", "", 0, 0, 0, ("repair",), "cpu")
_RECOVERY = About("tree-sitter recovery", "", 0, 0, 0, ("repair",), "cpu")


@dataclass(frozen=True)
class LeaveAlone:
    """Changes nothing, completes nothing."""

    about: About = _LEAVE_ALONE

    def repair(self, source: str, **options: object) -> Draft:  # noqa: ARG002
        """The source as it is."""
        return Draft(source, 0.0, 1.0, 0, parses(source), Cost())

    def complete(self, passage: Passage, **options: object) -> list[Draft]:  # noqa: ARG002
        """No draft."""
        return []


@dataclass(frozen=True)
class TreeSitterRecovery:
    """Does once what tree-sitter's error recovery assumed: inserts MISSING tokens, deletes ERROR nodes.

    A missing name or statement is written as `_`, a missing newline as a newline.
    """

    about: About = _RECOVERY

    def repair(self, source: str, **options: object) -> Draft:  # noqa: ARG002
        """The source as tree-sitter read it; the source itself if it parses."""
        start = perf_counter()
        if parses(source):
            return Draft(source, 0.0, 1.0, 0, True, Cost(seconds=perf_counter() - start))
        text, n_edits = _recovered(source)
        return Draft(text, 0.0, 1.0, n_edits, parses(text), Cost(seconds=perf_counter() - start))

    def complete(self, passage: Passage, **options: object) -> list[Draft]:  # noqa: ARG002
        """No draft: recovery invents no text."""
        return []


BASELINES: tuple[Candidate, ...] = (LeaveAlone(), TreeSitterRecovery())
"""All of them, to be run beside an engine."""


_PARSER = Parser(Language(tree_sitter_python.language()))


def _recovered(source: str) -> tuple[str, int]:
    data = source.encode("utf-8", "surrogatepass")
    edits = sorted(_edits(_PARSER.parse(data).root_node, data))
    pieces: list[bytes] = []
    position = 0
    for start, end, text in edits:
        # A node inside a deleted one is gone with it.
        if start >= position:
            pieces += [data[position:start], text]
            position = end
    pieces.append(data[position:])
    return b"".join(pieces).decode("utf-8", "surrogatepass"), len(edits)


def _edits(root: Node, data: bytes) -> list[tuple[int, int, bytes]]:
    """(start byte, end byte, new bytes) for each MISSING and ERROR node."""
    edits: list[tuple[int, int, bytes]] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_missing:
            edits.append((node.start_byte, node.start_byte, _spaced(_written(node), data, node.start_byte)))
        elif node.is_error:
            # Its newline stays where it ends a line, or the next line would join the one before.
            end = (
                node.end_byte - 1 if data[node.start_byte : node.end_byte].endswith(b"\n") else node.end_byte
            )
            edits.append((node.start_byte, max(end, node.start_byte), b""))
        elif node.has_error:
            waiting += node.children
    return edits


def _written(missing: Node) -> bytes:
    if missing.type == "_newline":
        return b"\n"
    if missing.type == "string_end":
        opening = missing.parent.children[0].text if missing.parent is not None else None
        return (opening or b'"').lstrip(b"rRbBuUfFtT")
    if missing.is_named or missing.type.startswith("_"):
        return b"_"
    return missing.type.encode()


def _spaced(text: bytes, data: bytes, position: int) -> bytes:
    """`text` with the spaces that keep it a word of its own at `position`."""
    if not text.isalpha() and text != b"_":
        return text
    left = b" " if data[max(position - 1, 0) : position].isalnum() else b""
    right = b" " if data[position : position + 1].isalnum() else b""
    return left + text + right
