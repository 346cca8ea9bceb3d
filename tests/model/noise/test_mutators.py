"""Every mutator of the table, shown once: code that parses, and one of the ways this mutator breaks it."""

from random import Random

import pytest
from redraft_model.noise.mutators import GROUPS, MUTATORS, lex
from redraft_model.noise.mutators.lexer import lines, pairs
from redraft_model.noise.syntax import parses

EXAMPLES = {
    "drop_line_end_bracket": ("print(int(x))\n", "print(int(x)\n"),
    "drop_closing_bracket": ("f(a)[0]\n", "f(a[0]\n"),
    "drop_opening_bracket": ("print(x)\n", "print x)\n"),
    "double_closing_bracket": ("print(x)\n", "print(x))\n"),
    "double_opening_bracket": ("print(x)\n", "print((x)\n"),
    "stray_closing_bracket": ("x = 1\n", "x = 1)\n"),
    "stray_opening_bracket": ("x = a + b\n", "(x = a + b\n"),
    "swap_bracket_kind": ("a[0]\n", "a[0)\n"),
    "move_closing_bracket": ("f(a, b)\n", "f()a, b\n"),
    "drop_call_brackets": ("n = len(x)\n", "n = len x\n"),
    "drop_bracket_line": ("x = [\n    1,\n]\ny = 2\n", "x = [\n    1,\ny = 2\n"),
    "drop_closing_quote": ('print("a", x)\n', 'print("a, x)\n'),
    "drop_opening_quote": ('print("a", x)\n', 'print(a", x)\n'),
    "drop_both_quotes": ('input("how old?")\n', "input(how old?)\n"),
    "swap_closing_quote": ('x = "a"\n', "x = \"a'\n"),
    "swap_opening_quote": ('x = "a"\n', "x = 'a\"\n"),
    "unescaped_inner_quote": ('x = "don\'t"\n', "x = 'don't'\n"),
    "double_quote": ('print("a")\n', 'print("a"")\n'),
    "stray_quote": ("print(x)\n", 'print(x")\n'),
    "typographic_quotes": ('x = "a"\n', "x = “a”\n"),
    "escaped_closing_quote": ('x = "a\\\\"\n', 'x = "a\\"\n'),
    "quote_instead_of_triple": ('"""Doc."""\nx = 1\n', '"""Doc.\nx = 1\n'),
    "fstring_brace": ('x = f"{a}"\n', 'x = f"{a"\n'),
    "break_string_over_lines": ('x = "a b"\n', 'x = "a\nb"\n'),
    "drop_header_colon": ("for i in range(3):\n    use(i)\n", "for i in range(3)\n    use(i)\n"),
    "wrong_header_colon": ("for i in range(3):\n    use(i)\n", "for i in range(3);\n    use(i)\n"),
    "early_header_colon": ("for i in range(3):\n    use(i)\n", "for: i in range(3)\n    use(i)\n"),
    "drop_colon": ('d = {"a": 1}\n', 'd = {"a" 1}\n'),
    "wrong_colon": ('d = {"a": 1}\n', 'd = {"a" => 1}\n'),
    "stray_colon": ("x = 1\n", "x = 1:\n"),
    "drop_comma": ("f(a, b)\n", "f(a b)\n"),
    "drop_comma_at_string": ('print("a", x)\n', 'print("a" x)\n'),
    "comma_into_string": ('print("a", x)\n', 'print("a," x)\n'),
    "wrong_comma": ("f(a, b)\n", "f(a; b)\n"),
    "double_comma": ("f(a, b)\n", "f(a,, b)\n"),
    "stray_comma": ("f(x)\n", "f(,x)\n"),
    "add_comma_before_bracket": ('x = "{}".format(y)\n', 'x = "{}",.format(y)\n'),
    "drop_keyword_of_argument": ("f(a=1, b=2)\n", "f(a=1, 2)\n"),
    "wrong_dot": ("x.append(1)\n", "x append(1)\n"),
    "stray_dot": ("print(x)\n", "print(x.)\n"),
    "semicolon_in_brackets": ("print(x)\n", "print(x;)\n"),
    "glue_statements": ("a = 1; b = 2\n", "a = 1: b = 2\n"),
    "trailing_separator": ("import os\n", "import os,\n"),
    "space_in_slice": ("a[1:2]\n", "a[1::::2]\n"),
    "drop_operator": ("x = a + b\n", "x = a  b\n"),
    "drop_operator_at_string": ('x = "a" + str(b)\n', 'x = "a"  str(b)\n'),
    "drop_operand": ("x = a + b\n", "x = a + \n"),
    "double_operator": ("x = a == b\n", "x = a ==== b\n"),
    "trailing_operator": ("x = a\n", "x = a +\n"),
    "leading_operator": ("print(x)\n", "print(= x)\n"),
    "space_inside_operator": ("x = a >= b\n", "x = a > = b\n"),
    "reverse_operator": ("x = a <= b\n", "x = a =< b\n"),
    "wrong_comparison": ("x = a == b\n", "x = a === b\n"),
    "assign_in_condition": (
        "if x == 1:\n    y = 2\nelse:\n    y = 3\n",
        "if x = 1:\n    y = 2\nelse:\n    y = 3\n",
    ),
    "assign_for_equality": ("x = [y for y in z if y == 1]\n", "x = [y for y in z if y = 1]\n"),
    "equality_for_assign": ("def f(x=1):\n    return x\n", "def f(x===1):\n    return x\n"),
    "wrong_assign": ("x = 1\n", "x := 1\n"),
    "wrong_augmented": ("x += 1\n", "x = + = 1\n"),
    "flip_assignment": ("x = a + 1\n", "a + 1 = x\n"),
    "assign_to_expression": ("x = 1\n", "x == 0 = 1\n"),
    "number_glued_to_name": ("y = 2 * x\n", "y = 2x\n"),
    "wrong_not": ("x = a not in b\n", "x = a notin b\n"),
    "unexpected_indent": ("x = 1\ny = 2\n", "x = 1\n    y = 2\n"),
    "missing_indent": ("for i in range(3):\n    use(i)\n", "for i in range(3):\nuse(i)\n"),
    "uneven_indent": ("if x:\n    y = 1\n    z = 2\n", "if x:\n   y = 1\n    z = 2\n"),
    "uneven_rest": ("if x:\n    y = 1\n    z = 2\n", "if x:\n    y = 1\n      z = 2\n"),
    "misplaced_else": (
        "if x == 1:\n    y = 2\nelse:\n    y = 3\n",
        "if x == 1:\n    y = 2\n    else:\n        y = 3\n",
    ),
    "dedent_line": ("if x:\n    y = 1\nelse:\n    y = 2\n", "if x:\ny = 1\nelse:\n    y = 2\n"),
    "missing_body": ("for i in range(3):\n    use(i)\n", "for i in range(3):\n"),
    "missing_header": ("for i in range(3):\n    use(i)\n", "    use(i)\n"),
    "tab_among_spaces": ("if x:\n    y = 1\n    z = 2\n", "if x:\n\ty = 1\n    z = 2\n"),
    "join_body_to_header": ("if x:\n    y = 1\n    z = 2\n", "if x: y = 1\n    z = 2\n"),
    "misspell_keyword": ("while x:\n    pass\n", "whlie x:\n    pass\n"),
    "capitalise_keyword": (
        "if x == 1:\n    y = 2\nelse:\n    y = 3\n",
        "If x == 1:\n    y = 2\nelse:\n    y = 3\n",
    ),
    "drop_keyword": ("def f():\n    pass\n", "f():\n    pass\n"),
    "drop_in": ("for i in range(3):\n    use(i)\n", "for i range(3):\n    use(i)\n"),
    "glue_keyword": ("for i in range(3):\n    use(i)\n", "fori in range(3):\n    use(i)\n"),
    "split_keyword": ("import os\n", "im port os\n"),
    "foreign_keyword": ("try:\n    f()\nexcept E:\n    g()\n", "try:\n    f()\nexpect E:\n    g()\n"),
    "condition_after_else": (
        "if x == 1:\n    y = 2\nelse:\n    y = 3\n",
        "if x == 1:\n    y = 2\nelse x == 1:\n    y = 3\n",
    ),
    "bare_elif": ("if x == 1:\n    y = 2\nelse:\n    y = 3\n", "if x == 1:\n    y = 2\nelif:\n    y = 3\n"),
    "keyword_as_name": ("x = 1\n", "global = 1\n"),
    "double_keyword": ("return x\n", "return return x\n"),
    "wrong_for": ("for i in range(3):\n    use(i)\n", "for (i in range(3)):\n    use(i)\n"),
    "wrong_import": ("from a import b\n", "import b from a\n"),
    "mistype_character": ("x = (a)\n", "x = (a))\n"),
    "insert_character": ("x = a\n", "x = a`\n"),
    "rubbish_character": ("x = a\n", "x` = a\n"),
    "look_alike": ("x = a - b\n", "x = a – b\n"),
    "foreign_blank": ("x = 1\n", "x\u00a0= 1\n"),
    "name_with_gap": ("my_name = 1\n", "my name = 1\n"),
    "name_with_leading_digit": ("num1 = 2\n", "1num = 2\n"),
    "extra_name": ("x = f(y)\n", "x x = f(y)\n"),
    "double_token": ("x = y\n", "x = = y\n"),
    "drop_token": ("x = y\n", " = y\n"),
    "swap_tokens": ("x = f(y)\n", "= x f(y)\n"),
    "cut_line_short": ("x = f(a, b)\n", "x = f(a\n"),
    "join_lines": ("x = 1\ny = 2\n", "x = 1 y = 2\n"),
    "split_line": ("x = 1\n", "x = \n    1\n"),
    "duplicate_fragment": ("x = f(y)\n", "x = f(y) y)\n"),
    "pasted_prompt": ("x = 1\n", ">>> x = 1\n"),
    "pasted_line": ("x = 1\n", "do it again\nx = 1\n"),
    "bare_comment": ("# read the input\nx = 1\n", "read the input\nx = 1\n"),
    "stray_backslash": ("x = 1\n", "x = 1\\\n"),
    "drop_line_head": ("total = f(x)\n", "= f(x)\n"),
    "print_statement": ('print("a", b)\n', 'print"a", b\n'),
    "c_logic": ("x = a and b\n", "x = a && b\n"),
    "increment": ("x += 1\n", "x++\n"),
    "brace_block": ("for i in range(3):\n    use(i)\n", "for i in range(3) {\n    use(i)\n"),
    "slash_comment": ("x = 1  # why not\n", "x = 1  // why not\n"),
    "then_after_condition": (
        "if x == 1:\n    y = 2\nelse:\n    y = 3\n",
        "if x == 1 then:\n    y = 2\nelse:\n    y = 3\n",
    ),
    "typed_declaration": ("x = 1\n", "int x = 1\n"),
    "bare_declaration": ("x = 1\n", "var x\nx = 1\n"),
    "new_object": ("x = Foo()\n", "x = new Foo()\n"),
    "foreign_function": ("def f(x):\n    return x\n", "function f(x):\n    return x\n"),
    "function_without_brackets": ("def f():\n    pass\n", "def f:\n    pass\n"),
    "expression_parameter": ("def f(x):\n    return x\n", "def f(int x):\n    return x\n"),
    "old_except": ("try:\n    f()\nexcept E as e:\n    g()\n", "try:\n    f()\nexcept E, e:\n    g()\n"),
    "old_raise": ('raise E("m")\n', 'raise E, "m"\n'),
    "old_exec": ("exec(x)\n", "exec x\n"),
    "backticks": ("x = repr(y)\n", "x = `y`\n"),
    "diamond": ("x = a != b\n", "x = a <> b\n"),
    "old_number": ("mode = 755\n", "mode = 0755\n"),
    "c_for": ("for i in range(3):\n    use(i)\n", "for (i = 0; i < 3; i++):\n    use(i)\n"),
    "switch": ("if x == 1:\n    y = 2\nelse:\n    y = 3\n", "switch (x):\n    y = 2\nelse:\n    y = 3\n"),
    "arrow_function": ("f = lambda x: x + 1\n", "f = x => x + 1\n"),
    "ternary": ("x = a if c else b\n", "x = c ? a : b\n"),
    "semicolon_at_header": ("for i in range(3):\n    use(i)\n", "for i in range(3);\n    use(i)\n"),
    "dollar_name": ("x = 1\n", "$x = 1\n"),
    "concatenate_with_dot": ('x = y + "a"\n', 'x = y . "a"\n'),
}

SCRAPS = [
    "(",
    ")",
    '"',
    "'''",
    "if",
    ":",
    "\n\n",
    "    x",
    "\\",
    "é = ‘1’\t\n",
    "# only a comment",
    "0",
    "a.",
    "f'{",
]


def results(name: str, code: str) -> set[str | None]:
    return {MUTATORS[name](code, lex(code), Random(seed)) for seed in range(400)}


def test_every_breaker_has_an_example() -> None:
    assert set(EXAMPLES) == set(MUTATORS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_breaker_makes_this_of_that(name: str) -> None:
    before, after = EXAMPLES[name]
    assert parses(before)
    assert not parses(after)
    assert after in results(name, before)


@pytest.mark.parametrize("name", MUTATORS)
def test_breaker_finds_nothing_in_nothing(name: str) -> None:
    assert results(name, "") == {None}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("increment", "x += 2\n"),
        ("increment", "x += y[1]\n"),
        ("increment", "x += 1 + y\n"),
        ("old_except", "try:\n    f()\nexcept E:\n    g()\n"),
    ],
)
def test_nothing_is_broken_that_people_would_mend_otherwise(name: str, code: str) -> None:
    assert results(name, code) == {None}


@pytest.mark.parametrize("code", SCRAPS)
def test_no_breaker_stumbles_over_a_scrap(code: str) -> None:
    for mutator in MUTATORS.values():
        for seed in range(20):
            assert isinstance(mutator(code, lex(code), Random(seed)), str | None)


def test_shares_add_up_and_no_breaker_is_filed_twice() -> None:
    assert sum(share for share, _ in GROUPS.values()) == pytest.approx(1)
    assert len(MUTATORS) == sum(len(group) for _, group in GROUPS.values())
    assert all(weight > 0 for _, group in GROUPS.values() for weight in group.values())


def check_lexed(code: str, expected: list[tuple[str, str, int]]) -> None:
    tokens = lex(code)
    assert [(token.kind, token.text, token.depth) for token in tokens] == expected
    assert all(code[token.start : token.end] == token.text for token in tokens)


def test_tokens_know_their_kind_and_depth() -> None:
    check_lexed(
        "f(a[1])  # (",
        [
            ("name", "f", 0),
            ("open", "(", 0),
            ("name", "a", 1),
            ("open", "[", 1),
            ("number", "1", 2),
            ("close", "]", 1),
            ("close", ")", 0),
            ("comment", "# (", 0),
        ],
    )


def test_a_string_without_its_end_stops_at_the_line() -> None:
    check_lexed(
        "x = 'a\ny",
        [("name", "x", 0), ("operator", "=", 0), ("string", "'a", 0), ("newline", "\n", 0), ("name", "y", 0)],
    )


def test_a_triple_quoted_string_without_its_end_takes_the_rest() -> None:
    check_lexed('"""a\ny', [("string", '"""a\ny', 0)])


def test_a_stray_closing_bracket_does_not_lower_the_depth_below_zero() -> None:
    check_lexed("x)\ny", [("name", "x", 0), ("close", ")", 0), ("newline", "\n", 0), ("name", "y", 0)])


def test_an_open_bracket_ends_where_a_statement_begins() -> None:
    code = "x = f(1\nreturn x\n"
    assert [line.first.text for line in lines(code, lex(code))] == ["x", "return"]


def test_a_line_goes_on_inside_brackets() -> None:
    code = "x = f(\n    1,  # one\n)\n\n# nothing\nif x:\n    y\n"
    found = lines(code, lex(code))
    assert [(line.first.text, line.is_header) for line in found] == [("x", False), ("if", True), ("y", False)]
    assert [code[line.start : line.first.start] for line in found] == ["", "", "    "]


def test_only_brackets_of_one_kind_are_a_pair() -> None:
    assert [(a.start, b.start) for a, b in pairs(lex("(a[b)]{c}"))] == [(6, 8)]
