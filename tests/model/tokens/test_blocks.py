"""Blocks: a region in pieces, in order, none too long, cut where syntax nodes begin."""

import hypothesis.strategies as st
import numpy as np
import pytest
import tree_sitter
import tree_sitter_python
from hypothesis import given, settings
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.blocks import LARGEST, SMALLEST, fixed_blocks, syntax_blocks
from redraft_model.tokens.tokenizer import Tokenizer

FUNCTION = """def area_{i}(width, height):
    if width < 0 or height < 0:
        raise ValueError(f"a negative size: {{width}} x {{height}}")
    return width * height + {i}


"""
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))
MODULE = "".join(FUNCTION.format(i=i) for i in range(8))


def check(blocks: list[tuple[int, int]], n_tokens: int, smallest: int, largest: int) -> None:
    """In order, side by side, from the first token to the last, and of the right sizes."""
    assert [start for start, _ in blocks] == [0, *(end for _, end in blocks)][: len(blocks)]
    assert blocks[-1][1] == n_tokens
    sizes = [end - start for start, end in blocks]
    assert max(sizes) <= largest
    # Only what is left at the end may be too little for a block.
    assert all(size >= smallest for size in sizes[:-1])


@pytest.mark.parametrize(
    ("n_tokens", "size", "expected"),
    [
        (0, 8, [(0, 0)]),
        (1, 8, [(0, 1)]),
        (8, 8, [(0, 8)]),
        (9, 8, [(0, 8), (8, 9)]),
        (20, 8, [(0, 8), (8, 16), (16, 20)]),
    ],
)
def test_fixed_blocks_have_one_size_but_for_the_last(
    n_tokens: int, size: int, expected: list[tuple[int, int]]
) -> None:
    assert fixed_blocks(n_tokens, size) == expected


@pytest.mark.parametrize("n", [0, 1, 63, 64])
def test_a_region_that_fits_is_one_block(tokenizer: Tokenizer, n: int) -> None:
    assert syntax_blocks(tokenizer, tokenizer.encode(MODULE)[:n]) == [(0, n)]


@pytest.mark.parametrize("n", [65, 111, 200, 1000])
def test_a_module_is_covered_by_blocks_of_the_right_sizes(tokenizer: Tokenizer, n: int) -> None:
    region = tokenizer.encode(MODULE * 3)[:n]
    check(syntax_blocks(tokenizer, region), n, SMALLEST, LARGEST)


def test_blocks_begin_where_syntax_nodes_begin(tokenizer: Tokenizer) -> None:
    region = tokenizer.encode(MODULE)
    borders = tokenizer.borders(region)
    offsets, waiting = set[int](), [PARSER.parse(MODULE.encode()).root_node]
    while waiting:
        node = waiting.pop()
        offsets.add(node.start_byte)
        waiting.extend(node.children)
    blocks = syntax_blocks(tokenizer, region)
    assert len(blocks) > 3
    for start, _ in blocks[1:]:
        at = int(borders[start])
        # The space before a word is part of the word's token.
        assert at + (MODULE[at] == " ") in offsets, MODULE[at - 20 : at + 20]


def test_long_expressions_are_cut_between_their_parts(tokenizer: Tokenizer) -> None:
    source = "x = [" + ", ".join(f"compute(alpha + {i})" for i in range(40)) + "]\n"
    region = tokenizer.encode(source)
    blocks = syntax_blocks(tokenizer, region)
    check(blocks, len(region), SMALLEST, LARGEST)
    for start, _ in blocks[1:]:
        assert tokenizer.decode(region[start:]).lstrip().startswith(("compute", ","))


def test_text_without_nodes_is_cut_at_the_largest_size(tokenizer: Tokenizer) -> None:
    region = tokenizer.encode("'" + "0" * 300 + "'")
    blocks = syntax_blocks(tokenizer, region, smallest=8, largest=32)
    check(blocks, len(region), 8, 32)
    assert blocks[0] == (0, 32)


def test_masks_belong_to_blocks_too(tokenizer: Tokenizer) -> None:
    region = np.insert(tokenizer.encode(MODULE), 40, [MASK_ID] * 100).astype(np.int32)
    check(syntax_blocks(tokenizer, region), len(region), SMALLEST, LARGEST)
    masks = np.full(150, MASK_ID, np.int32)
    check(syntax_blocks(tokenizer, masks), 150, SMALLEST, LARGEST)


words = st.sampled_from(
    ["x", " = ", "(", ")", "\n", "\n    ", "if ", ":", "'", "😀", "def f", '"""', ", ", "return "]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(words, max_size=150).map("".join), st.integers(1, 12), st.integers(0, 30))
def test_any_text_is_covered_by_blocks_of_the_right_sizes(
    tokenizer: Tokenizer, source: str, smallest: int, more: int
) -> None:
    region = tokenizer.encode(source)
    check(syntax_blocks(tokenizer, region, smallest, smallest + more), len(region), smallest, smallest + more)
