"""Whole numbers with leading zeros: octal to Python 2, decimal to many people, nothing to Python 3."""

import re
from collections import defaultdict

import tree_sitter

from redraft_model.text.parser import LANGUAGE, PARSER

_INTEGERS = tree_sitter.Query(LANGUAGE, '((integer) @integer (#match? @integer "^0[0-9]"))')
_ZEROS = re.compile(rb"0+([0-9]+)[lL]?\Z")
_GROUPS = ("argument_list", "list", "tuple", "set", "dictionary")


def without_leading_zeros(source: str) -> str:
    """`source` with its numbers as Python 3 writes them: `0755` is `0o755`, and `date(2021, 08, 01)` is `date(2021, 8, 1)`.

    What has an 8 or a 9 cannot be octal, and what stands beside it in one call or list is not, either. Up to 7 both are the same.
    """
    encoded = source.encode("utf-8", "replace")
    root = PARSER.parse(encoded).root_node
    groups: dict[int, list[tuple[tree_sitter.Node, bytes]]] = defaultdict(list)
    for node in tree_sitter.QueryCursor(_INTEGERS).captures(root).get("integer", []):
        digits = _ZEROS.match(node.text or b"")
        if digits is not None and digits[1].strip(b"0"):
            groups[_group(node).id].append((node, digits[1].lstrip(b"0")))
    found = [
        (node.start_byte, node.end_byte, digits if _is_decimal(group) else b"0o" + digits)
        for group in groups.values()
        for node, digits in group
    ]
    for start, end, written in sorted(found, reverse=True):
        encoded = encoded[:start] + written + encoded[end:]
    return encoded.decode() if found else source


def _group(node: tree_sitter.Node) -> tree_sitter.Node:
    """The call, list or the like around a number; the number itself where there is none."""
    around = node.parent
    while around is not None and around.type.endswith(("argument", "operator", "pair")):
        around = around.parent
    return around if around is not None and around.type in _GROUPS else node


def _is_decimal(group: list[tuple[tree_sitter.Node, bytes]]) -> bool:
    """Whether numbers that stand together are decimal, or the same in both ways."""
    is_octal = all(digits.isdigit() and max(digits) < ord("8") for _, digits in group)
    return not is_octal or all(len(digits) == 1 for _, digits in group)
