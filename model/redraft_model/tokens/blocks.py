"""Blocks: the pieces of a region that are denoised one after another, cut where syntax ends or at a fixed size."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import tree_sitter
import tree_sitter_python

from redraft_model.tokens.tokenizer import Tokenizer

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))

SMALLEST, LARGEST = 8, 64


def fixed_blocks(n_tokens: int, block_size: int) -> list[tuple[int, int]]:
    """Blocks of `block_size` tokens, the last one shorter; one empty block for an empty region."""
    borders = [*range(0, n_tokens, block_size), n_tokens]
    return list(pairwise(borders)) or [(0, 0)]


def syntax_blocks(
    tokenizer: Tokenizer, region: np.ndarray, smallest: int = SMALLEST, largest: int = LARGEST
) -> list[tuple[int, int]]:
    """Blocks of `smallest` to `largest` tokens whose borders are borders of syntax nodes where there are any.

    Nodes are split while they are too long and merged with their neighbours while they are too short; a long stretch without a
    node border (a broken text, a long string) is cut at `largest`.
    """
    if len(region) <= largest:
        return [(0, len(region))]
    borders = tokenizer.borders(region)
    source = tokenizer.decode_bytes(region)
    # The space before a word belongs to the word's token, so a node may start inside a token: the cut is before it.
    nodes = _node_borders(source, borders, largest)
    cuts = sorted({int(np.searchsorted(borders, byte, side="right")) - 1 for byte in nodes})
    return _merged([0, *(cut for cut in cuts if 0 < cut < len(region)), len(region)], smallest, largest)


def _node_borders(source: bytes, borders: np.ndarray, largest: int) -> list[int]:
    """Start bytes of the nodes one gets by opening every node of more than `largest` tokens."""
    found: list[int] = []
    waiting = [_PARSER.parse(source).root_node]
    while waiting:
        node = waiting.pop()
        n_tokens = np.searchsorted(borders, node.end_byte) - np.searchsorted(borders, node.start_byte)
        if n_tokens > largest and node.child_count:
            waiting.extend(node.children)
        else:
            found.append(node.start_byte)
    return found


def _merged(cuts: Sequence[int], smallest: int, largest: int) -> list[tuple[int, int]]:
    """Join pieces from the left until each has `smallest` tokens, and cut those of more than `largest`."""
    blocks: list[tuple[int, int]] = []
    start = cuts[0]
    for cut, following in zip(cuts[1:], [*cuts[2:], None], strict=True):
        while cut - start > largest:
            blocks.append((start, start + largest))
            start += largest
        if following is None or (cut - start >= smallest and following - start > largest):
            if following is None and blocks and cut - start < smallest and cut - blocks[-1][0] <= largest:
                start = blocks.pop()[0]
            blocks.append((start, cut))
            start = cut
    return blocks
