import ast
import inspect
import textwrap
from random import Random

import pytest
from redraft_model.noise import SpanNoise
from redraft_model.passage import Span

NOISE = SpanNoise()
CODE = textwrap.dedent(inspect.getsource(textwrap.TextWrapper.wrap)) + textwrap.dedent(
    inspect.getsource(textwrap.shorten)
)
RESTS_OF_LINES = SpanNoise(1.0, 0.0, 0.0, 0.0)
WHOLE_LINES = SpanNoise(0.0, 1.0, 0.0, 0.0)
NODES = SpanNoise(0.0, 0.0, 1.0, 0.0)


def cuts(noise: SpanNoise, code: str, n: int = 300) -> list[Span]:
    return [noise.cut(code, Random(seed)) for seed in range(n)]


@pytest.mark.parametrize(
    "code", [CODE, "x", "xy", "x = 1\n", "é = '→'\n" * 30, "\n \n\t\n", "if (", "a" * 5000, "💥 = (\n"]
)
def test_a_span_is_never_empty_and_never_too_long(code: str) -> None:
    for span in cuts(NOISE, code, 100):
        assert 0 <= span.start < span.end <= len(code)
        assert span.end - span.start <= max(1, min(400, 0.4 * len(code)))


def test_half_of_the_spans_end_where_a_line_ends() -> None:
    ends = [CODE[span.end] == "\n" for span in cuts(NOISE, CODE, 1000)]
    assert sum(ends) / 1000 > 0.5


def test_the_rest_of_a_line_ends_with_it() -> None:
    for span in cuts(RESTS_OF_LINES, CODE):
        text = span.of(CODE)
        assert text.strip()
        assert "\n" not in text
        assert CODE[span.end] == "\n"


def test_half_of_the_whole_lines_leave_their_indentation_and_half_take_it() -> None:
    lines = CODE.splitlines()
    stripped = {line.strip() for line in lines}
    texts = [(span, span.of(CODE)) for span in cuts(WHOLE_LINES, CODE)]
    taken = [text for _, text in texts if text.startswith("\n")]
    assert 0.4 < len(taken) / len(texts) < 0.6
    assert {text[1:] for text in taken} <= set(lines)
    for span, text in texts:
        if not text.startswith("\n"):
            assert text in stripped
            assert CODE[: span.start].rpartition("\n")[2].strip() == ""


def test_syntax_nodes_of_code_beyond_ascii_keep_their_place() -> None:
    code = "größe = '→→→' + 'ß'  # ✓\nmaß = größe + größe\n" * 4
    nodes = {
        node_text(code, node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.expr | ast.stmt)
    }
    pieces = nodes | {"→→→", "ß", "# ✓"}
    assert {span.of(code) for span in cuts(NODES, code)} <= pieces


def node_text(code: str, node: ast.expr | ast.stmt) -> str:
    return ast.get_source_segment(code, node) or ""


def test_bigger_nodes_are_cut_more_often() -> None:
    code = "a = 1\nresult = some_function(first_argument, second_argument)\n" + "b = 2\n" * 20
    texts = [span.of(code) for span in cuts(NODES, code, 1000)]
    assert texts.count("result = some_function(first_argument, second_argument)") > 3 * texts.count("a = 1")


def test_code_that_does_not_parse_is_cut_too() -> None:
    code = "def f(:\n    return ((x\nfor in y\n" * 3
    assert len({span.of(code) for span in cuts(NOISE, code)}) > 20


def test_equal_seeds_cut_equally() -> None:
    assert cuts(NOISE, CODE, 50) == cuts(NOISE, CODE, 50)


def test_there_is_nothing_to_cut_out_of_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        NOISE.cut("", Random(0))
