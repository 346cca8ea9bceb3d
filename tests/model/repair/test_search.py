"""The repair search with a network that knows the clean text, and with one that knows nothing."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from redraft_model.decode.proposer import Proposer
from redraft_model.errors import Cancelled
from redraft_model.network.checkpoint import load_checkpoint
from redraft_model.network.checkpoint_info import BUNDLED
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.passage import DenoiseStep, Span, Watch
from redraft_model.repair.search import Bounds, Repaired, repair
from redraft_model.repair.settings import Search
from redraft_model.repair.solutions import Solution
from redraft_model.text.parser import Problem, parses, problem
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.tokens.window import Window

CLEAN = """import math


def area(width, height):
    if width < 0:
        raise ValueError("negative: 名前")
    return (width + 1) * height


def total(values):
    result = 0  # 😀
    for value in values:
        result = result + value
    return [result, len(values)]


def root(x):
    return math.sqrt(x)
"""
DEFAULT = Search()
SMALL = Search(n_rounds=3, beam=3, n_candidates=8, n_opened=8, n_problems=3)
Fixing = Callable[..., Repaired]


@pytest.fixture(scope="module")
def fixed(tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]) -> Fixing:
    """Repairs a text with a network that knows which text it should be."""

    def fix(source: str, clean: str = CLEAN, search: Search = DEFAULT, **options: object) -> Repaired:
        return repair(Proposer(oracle_of(clean), tokenizer), source, search, **options)  # type: ignore[arg-type]

    return fix


@pytest.fixture(scope="module")
def wild(tokenizer: Tokenizer) -> Transformer:
    """A network with random weights: it doubts everything and proposes anything."""
    network = Transformer(ModelConfig.named("nano", tokenizer.n_vocabulary, MASK_ID))
    generator = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        if parameter.ndim == 2:
            parameter.data.normal_(0, 0.25, generator=generator)
    return network.requires_grad_(False)


def broken(*breaks: tuple[str, str]) -> str:
    """CLEAN with some pieces of text replaced."""
    text = CLEAN
    for good, bad in breaks:
        assert text.count(good) == 1, good
        text = text.replace(good, bad)
    assert not parses(text)
    return text


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("area(width, height):", "area(width, height)"),
        ("area(width, height):", "area(width, height:"),
        ("(width + 1) * height", "(width + 1 * height"),
        ("(width + 1) * height", "(width + 1)) * height"),
        ("for value in values", "for value values"),
        ("result + value", "result + + * value"),
        ("if width < 0:", "if width < :"),
        ("    result = 0", "  result = 0"),
        ("    result = 0", "result = 0"),
        ('名前")', "名前)"),
        ("[result, len(values)]", "[result, len(values)"),
        ("def root(x):", "def root x):"),
        ("math.sqrt(x)", "math.sqrt(x"),
        ("return math", "return return math"),
        ("import math", "import import math"),
    ],
)
def test_one_problem_is_solved(fixed: Fixing, good: str, bad: str) -> None:
    found = fixed(broken((good, bad)))
    assert found.source == CLEAN
    assert found.trouble is None
    assert found.n_edits >= 1


@pytest.mark.parametrize(
    ("source", "clean"),
    [
        (
            "x = (((1\ny = 2\n",
            "x = (((1)))\ny = 2\n",
        ),  # three tokens are missing in one place: a mask too many
        ("x = [(1\n", "x = [(1)]\n"),
        ("for in y:\n    pass\n", "for (x) in y:\n    pass\n"),
        ("def f(x):\n", "def f(x):\n    return 1\n"),
        ("x = (1", "x = (1)"),  # at the very end
        (")", ""),
        ("x = = 1\r\ny = 2\r\n", "x = 1\r\ny = 2\r\n"),
    ],
)
def test_texts_become_the_text_the_network_knows(fixed: Fixing, source: str, clean: str) -> None:
    assert fixed(source, clean).source == clean


@pytest.mark.parametrize(
    ("source", "clean"),
    [
        ("def f(x):\n    zqxzqx x\n", "def f(x):\n    return x\n"),  # a word of many tokens
        ("print x\ny = 2\n", "print(x)\ny = 2\n"),  # two masks in one line
        ("if x\n    y = (1\nz = 2\n", "if x:\n    y = (1)\nz = 2\n"),  # in two lines
    ],
)
def test_what_the_network_is_sure_of_is_changed_at_once(fixed: Fixing, source: str, clean: str) -> None:
    assert fixed(source, clean, Search(n_rounds=1)).source == clean
    # Where nothing is sure enough for that, one round is one label.
    assert fixed(source, clean, Search(n_rounds=1, n_problems=1, sure=1.0)).source != clean


def test_no_gap_is_left_behind_a_bracket_of_an_earlier_step(fixed: Fixing) -> None:
    one_by_one = Search(sure=1.0)
    assert fixed("g,, 'no'\n", "g( 'no')\n", one_by_one).source == "g('no')\n"


def test_words_of_comments_and_strings_are_not_tried(fixed: Fixing) -> None:
    source = "x = [\n    1,  # won\n    'too',\ny = 3\n"
    clean = "x = [\n    1,  # one\n    'two',\n]\ny = 3\n"
    found = fixed(source, clean, Search(n_candidates=1, n_rounds=1))
    assert found.source == "x = [\n    1,  # won\n    'too',\n]\ny = 3\n"


def test_a_string_that_swallows_code_is_ended_inside_it(fixed: Fixing) -> None:
    source = 'def f():\n    """A.\n    return 1\n\n\ndef g():\n    """B."""\n'
    clean = source.replace("A.", 'A."""')
    assert fixed(source, clean).source == clean


def test_the_network_is_told_where_the_parser_stopped(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, seen = broken(("math.sqrt(x)", "math.sqrt(x")), []
    proposer = Proposer(oracle_of(CLEAN), tokenizer)
    for name in ("log_p", "log_p_uncached"):
        look = getattr(proposer, name)
        monkeypatch.setattr(proposer, name, lambda windows, look=look: seen.extend(windows) or look(windows))
    repair(proposer, source, DEFAULT)
    trouble = problem(source)
    assert trouble is not None
    first, *others = seen
    assert first.canvas.mark is not None
    index, kind = first.canvas.mark
    assert first.borders()[index] == trouble.span.start
    assert kind == trouble.kind
    assert any(window.canvas.mark is None for window in others), "a text that parses has no mark"


def test_two_and_three_independent_problems_are_solved(fixed: Fixing) -> None:
    breaks = [
        ("area(width, height):", "area(width, height:"),
        ("for value in values", "for value values"),
        ("math.sqrt(x)", "math.sqrt(x"),
    ]
    for n in (2, 3):
        found = fixed(broken(*breaks[:n]))
        assert found.source == CLEAN
        assert found.trouble is None
        assert found.n_edits >= n


def test_problems_far_apart_in_a_long_text_are_solved(fixed: Fixing) -> None:
    names = [f"{a}{b}" for a in "abcdefgh" for b in "klmnop"]
    clean = "\n\n".join(f"def {name}(x, {name}_2):\n    return (x + {name}_2) * 2\n" for name in names)
    source = clean
    for name in ("ak", "em", "hp"):
        source = source.replace(f"(x + {name}_2) * 2", f"(x + {name}_2 * 2")
    found = fixed(source, clean)
    assert found.source == clean
    assert found.trouble is None


def test_a_problem_that_resists_leaves_the_text_as_it_is(fixed: Fixing) -> None:
    source = broken(("math.sqrt(x)", "math.sqrt(x := = 1 := = 2)"))
    found = fixed(source, source, replace(SMALL, n_candidates=2, n_opened=0))
    assert found == Repaired(source, 0.0, 0, problem(source))
    assert found.trouble is not None


def test_when_a_later_problem_resists_the_earlier_ones_are_solved(fixed: Fixing) -> None:
    resists = ("math.sqrt(x)", "math.sqrt(x := = 1 := = 2)")
    source = broken(("area(width, height):", "area(width, height:"), resists)
    found = fixed(source, broken(resists), replace(SMALL, n_candidates=2, n_opened=2))
    assert found.source == broken(resists)
    assert found.trouble == problem(broken(resists))
    assert found.n_edits >= 1


def test_a_text_that_parses_is_not_even_looked_at(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    proposer = Proposer(oracle_of("something else\n"), tokenizer)
    for source in (CLEAN, "", "# only a comment", "\n"):
        assert repair(proposer, source, Search()) == Repaired(source, 0.0, 0, None)
    assert (proposer.effort.n_forward, proposer.effort.n_tokens) == (0, 0)


@pytest.mark.parametrize("search", [SMALL, replace(SMALL, n_rounds=1), replace(SMALL, n_edits=1)])
def test_forward_passes_are_bounded_even_when_nothing_works(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer], wild: Transformer, search: Search
) -> None:
    source = broken(("math.sqrt(x)", "math.sqrt(x := = 1 := = 2)"), ("values)]", "values) + = [}"))
    # A round is one pass over the windows and at most one for every mask that was opened; solutions are compared in one more.
    a_problem = search.n_rounds * (1 + search.n_edits) + 1
    for model in (oracle_of(source), wild):
        proposer = Proposer(model, tokenizer)
        repair(proposer, source, search)
        assert 0 < proposer.effort.n_forward <= search.n_problems * a_problem
        assert proposer.effort.n_tokens > 0


def test_the_first_beams_are_half_as_wide(tokenizer: Tokenizer, wild: Transformer) -> None:
    sizes: list[int] = []

    class Recording(Proposer):
        def log_p(self, windows: Sequence[Window]) -> list[torch.Tensor]:
            sizes.append(len(windows))
            return super().log_p(windows)

    # The bracket is never closed, so no text is a solution and every beam is searched.
    search = replace(SMALL, n_rounds=4, beam=5, n_narrow=2, n_edits=20)
    repair(Recording(wild, tokenizer), broken(("(width + 1) * height", "(((((((width + 1")), search)
    assert sizes == [1, 3, 5, 5]


def test_a_small_edit_budget_is_kept(fixed: Fixing) -> None:
    source, clean = "x = (((1\n", "x = (((1)))\n"
    assert fixed(source, clean, Search(n_edits=2)).source != clean
    assert fixed(source, clean, Search(n_edits=3)).source == clean


def test_what_is_refused_is_never_returned(fixed: Fixing) -> None:
    source = broken(("area(width, height):", "area(width, height:"))
    found = fixed(source, is_allowed=lambda text: text != CLEAN)
    assert found.source != CLEAN
    found = fixed(source, is_allowed=lambda text: False)
    assert found == Repaired(source, 0.0, 0, problem(source))


def test_a_solution_is_not_cut_down_to_one_that_is_refused(fixed: Fixing) -> None:
    source, clean = "x = (1\nz = 2\n", "y = (1)\nz = 2\n"
    assert fixed(source, "x = (1)\nz = 2\n").source == "x = (1)\nz = 2\n"
    found = fixed(source, clean, is_allowed=lambda text: not parses(text) or text.startswith("y"))
    assert found.source.startswith("y") or found.source == source


@pytest.mark.parametrize("confidence", [0.95, 0.4])
def test_a_body_that_lost_its_indentation_gets_all_of_it_back(
    tokenizer: Tokenizer, oracle_of: Callable[..., Transformer], confidence: float
) -> None:
    # Python's parser is content when the first line is indented; the `return` then stands outside of a function. Labels that are
    # sure are executed together, others one after the other.
    clean = "def area(width, height):\n    size = width * height\n    return size\n"
    source = clean.replace("    ", "")
    assert parses(clean.replace("    return", "return"))
    network = oracle_of(clean, confidence=confidence)
    assert repair(Proposer(network, tokenizer), source, DEFAULT).source == clean


@pytest.mark.parametrize(
    "source",
    ["size = area(2, 3\nreturn size\n", "for x in y\n    pass\nprint(x)\nbreak\nz = [a, b, c(1)]\n"],
)
def test_of_a_text_that_does_not_compile_few_edits_are_solutions(source: str) -> None:
    # Almost every further edit leaves a text that parses, and each solution is looked at by the network.
    bundled = load_checkpoint(BUNDLED, torch.device("cpu"))
    shown: list[Sequence[Solution]] = []
    repair(Proposer(bundled.model, bundled.tokenizer), source, DEFAULT, on_solved=shown.append)
    assert 1 <= len(shown[0]) < 40


def test_a_body_is_not_indented_where_that_is_not_asked_for(fixed: Fixing) -> None:
    # A piece of a function: its `return` is outside of one before and after.
    source, clean = "size = area(2, 3\nreturn size\n", "size = area(2, 3)\nreturn size\n"
    assert fixed(source, clean).source == clean


def test_edits_that_are_not_needed_are_taken_back(fixed: Fixing) -> None:
    # The network would also like another name; the parser does not ask for it.
    found = fixed("x = a + (1\nz = 2\n", "y = b + (1)\nz = 2\n")
    assert found.source == "x = a + (1)\nz = 2\n"
    assert found.n_edits == 1


def test_a_problem_outside_what_may_change_stays(fixed: Fixing) -> None:
    source = broken(("math.sqrt(x)", "math.sqrt(x"))
    start = source.index("def total")
    found = fixed(source, search=SMALL, within=Span(start, source.index("def root")))
    assert found.source[:start] == source[:start]
    assert found.trouble is not None


def test_a_problem_inside_what_may_change_is_solved(fixed: Fixing) -> None:
    source = broken(("math.sqrt(x)", "math.sqrt(x"))
    start = source.index("def root")
    assert fixed(source, within=Span(start, len(source))).source == CLEAN
    assert fixed(source, within=Span(len(source) - 1, len(source))).source == CLEAN


offsets = st.integers(0, len(CLEAN))


@settings(max_examples=40, deadline=None)
@given(offsets, offsets)
def test_text_outside_the_span_is_never_touched(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer], a: int, b: int
) -> None:
    source = broken(
        ("area(width, height):", "area(width, height:"),
        ("for value in values", "for value values"),
        ("math.sqrt(x)", "math.sqrt(x"),
    )
    span = Span(min(a, b), max(a, b))
    found = repair(Proposer(oracle_of(CLEAN), tokenizer), source, SMALL, within=span)
    check_outside(source, found.source, span)


@pytest.mark.parametrize(
    ("source", "clean"),
    [("value value\n", "value = value\n"), ("s = '😀😀\n", "s = '😀😀'\n"), ("语 = (语\n", "语 = (语)\n")],
)
def test_a_span_that_begins_or_ends_inside_a_token_is_kept(fixed: Fixing, source: str, clean: str) -> None:
    assert fixed(source, clean).source == clean
    for start in range(len(source) + 1):
        for end in range(start, len(source) + 1):
            span = Span(start, end)
            check_outside(source, fixed(source, clean, SMALL, within=span).source, span)


WRECK = "é = 'α') + 1  # 😀\nb = 2)\n"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WRECK)), st.integers(0, len(WRECK)))
def test_not_even_a_wild_network_touches_text_outside_the_span(
    tokenizer: Tokenizer, wild: Transformer, a: int, b: int
) -> None:
    span = Span(min(a, b), max(a, b))
    search = replace(SMALL, n_rounds=2, n_candidates=120)
    found = repair(Proposer(wild, tokenizer), WRECK, search, within=span)
    check_outside(WRECK, found.source, span)


def test_the_wild_network_does_change_texts(tokenizer: Tokenizer, wild: Transformer) -> None:
    search = replace(SMALL, n_rounds=2, n_candidates=120)
    assert repair(Proposer(wild, tokenizer), WRECK, search).source != WRECK


def check_outside(source: str, text: str, span: Span) -> None:
    n_behind = len(source) - span.end
    assert len(text) >= span.start + n_behind
    assert text[: span.start] == source[: span.start]
    assert text[len(text) - n_behind :] == source[span.end :]


def test_bounds_move_with_the_text_between_them() -> None:
    bounds = Bounds.of("abcdef", Span(2, 4))
    assert bounds is not None
    assert bounds.span("abcdef") == Span(2, 4)
    assert bounds.span("abXYZef") == Span(2, 5)
    assert bounds.span("abef") == Span(2, 2)
    assert Bounds.of("abcdef", None) is None
    assert bounds.hold("abcdef", "abXYZef")
    assert bounds.hold("abcdef", "abef")
    assert not bounds.hold("abcdef", "aXcdef")
    assert not bounds.hold("abcdef", "abcdeX")
    assert not Bounds(2, 2).hold("aaaa", "aaa")  # the ends may not overlap
    assert Bounds.of("abc", Span(2, 90)) == Bounds(2, 0)
    assert Bounds.of("abc", Span(80, 90)) == Bounds(3, 0)


TWO_PROBLEMS = (("for value in values", "for value values"), ("math.sqrt(x)", "math.sqrt(x"))


def polls_of(tokenizer: Tokenizer, model: Transformer) -> tuple[int, int]:
    """How often a search for TWO_PROBLEMS asks whether to stop, and how many forward passes it makes."""
    n_asked = itertools.count()
    proposer = Proposer(model, tokenizer, Watch(is_late=lambda: next(n_asked) < 0))
    assert repair(proposer, broken(*TWO_PROBLEMS), SMALL).source == CLEAN
    return next(n_asked), proposer.effort.n_forward


def test_cancelling_stops_also_between_two_forward_passes(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    n_polls, n_forward = polls_of(tokenizer, oracle_of(CLEAN))
    # Texts that are parsed between two passes take their time, too.
    assert n_polls > 3 * n_forward > 9, (n_polls, n_forward)
    for n in range(0, n_polls, 7):
        polls = iter([False] * n + [True])
        proposer = Proposer(oracle_of(CLEAN), tokenizer, Watch(is_cancelled=polls.__next__))
        with pytest.raises(Cancelled):
            repair(proposer, broken(*TWO_PROBLEMS), SMALL)
        assert next(polls, None) is None  # it asked no more


def test_when_time_is_up_what_is_solved_stays(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    source = broken(*TWO_PROBLEMS)
    n_polls, _ = polls_of(tokenizer, oracle_of(CLEAN))
    found: dict[str, Problem | None] = {}
    for n in (*range(0, n_polls, 5), n_polls):
        n_asked = itertools.count()
        watch = Watch(is_late=lambda n_asked=n_asked, n=n: next(n_asked) >= n)
        repaired = repair(Proposer(oracle_of(CLEAN), tokenizer, watch), source, SMALL)
        found[repaired.source] = repaired.trouble
    # In this order: nothing, the upper problem, both.
    assert list(found) == [source, broken(TWO_PROBLEMS[1]), CLEAN]
    assert list(found.values()) == [problem(text) for text in found]


def test_steps_are_told_as_they_happen(tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]) -> None:
    steps: list[DenoiseStep] = []
    source = broken(("for value in values", "for value values"), ("math.sqrt(x)", "math.sqrt(x"))
    repair(Proposer(oracle_of(CLEAN), tokenizer, Watch(on_step=steps.append)), source, Search())
    assert steps
    assert steps[0].text == source
    assert all(1 <= step.index <= step.limit for step in steps)


def test_the_same_text_is_repaired_the_same_way_twice(tokenizer: Tokenizer, wild: Transformer) -> None:
    found = [repair(Proposer(wild, tokenizer), WRECK, SMALL) for _ in range(2)]
    assert found[0] == found[1]
