"""Code that parses and that Python refuses all the same: the search goes on from what the compiler says."""

from collections.abc import Callable

import pytest
from redraft_model.decode.proposer import Proposer
from redraft_model.network.transformer import Transformer
from redraft_model.repair.search import repair
from redraft_model.repair.settings import Search
from redraft_model.text.parser import compile_problem, parses
from redraft_model.tokens.tokenizer import Tokenizer

CLEAN = "def area(width, height):\n    size = width * height\n    return size\n"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("    return size", "return size"),
        ("width, height", "width, width"),
        ("size = width", "yield = width"),
    ],
)
def test_who_knows_the_text_repairs_what_the_compiler_refuses(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer], good: str, bad: str
) -> None:
    broken = CLEAN.replace(good, bad)
    assert compile_problem(broken) is not None or not parses(broken)
    assert repair(Proposer(oracle_of(CLEAN), tokenizer), broken, Search()).source == CLEAN


def test_a_repair_of_what_parses_compiles_or_is_none(
    tokenizer: Tokenizer, wild_of: Callable[..., Transformer]
) -> None:
    broken = "class A:\n    return 1\n"
    assert parses(broken)
    found = repair(Proposer(wild_of(tokenizer.n_vocabulary), tokenizer), broken, Search(n_rounds=2))
    assert found.source == broken or (parses(found.source) and compile_problem(found.source) is None)
