"""Comments and strings of code that need not parse: what an edit may do to them, and brackets in them that close nothing."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from redraft_model.text.comments import closers_quoted, is_faithful, n_unpaired


@pytest.mark.parametrize(
    ("before", "after", "n"),
    [
        ('f(sep=": )', 'f(sep=": )")', 1),
        ('f(sep=": )', 'f(sep=": ")', 0),
        ("f(g('a)))", "f(g('a))'))", 2),
        ('f("(a)', 'f("(a)")', 0),
        ('f("a])', 'f("a])")', 2),
        # What was in a string before, and what is in a comment or in code, does not count.
        ('f(")", "a', 'f(")", "a")', 0),
        ("f(1  # )", "f(1)  # )", 0),
        ("f(1", "f(1))", 0),
        ('f(""" )\n', 'f(""" )\n""")', 1),
        ("", "", 0),
    ],
)
def test_brackets_that_close_nothing_and_came_into_a_string_are_counted(
    before: str, after: str, n: int
) -> None:
    assert closers_quoted(before, after) == n


@pytest.mark.parametrize(
    ("text", "n"), [("", 0), ("f(a[0])", 0), ("f((a[0", 3), ("f(')')", 1), (")(", 0), ("{}}]", 2), ("# (", 1)]
)
def test_brackets_that_are_not_one_of_a_pair_are_counted_wherever_they_stand(text: str, n: int) -> None:
    assert n_unpaired(text) == n


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("say('It's late')\n", 'say("It\'s late")\n'),
        ("say('It's late')\n", "say('It\\'s late')\n"),
        ('at = "C:\\\\logs\\"\n', 'at = "C:\\\\logs\\\\"\n'),
        ('at = r"C:\\logs\\"\n', 'at = "C:\\\\logs\\\\"\n'),
        ('say("sum " n)\n', 'say("sum ", n)\n'),
        ('say("sum, n)\n', 'say("sum", n)\n'),
        ('name = world"\n', 'name = "world"\n'),
        ('say(sum: " + n)\n', 'say("sum: " + n)\n'),
        ("ask(how many?)\n", 'ask("how many?")\n'),
        ('x = "left\nright"\n', 'x = "left right"\n'),
        ('x = f"{a b"\n', 'x = f"{a} b"\n'),
        ('x = f"{self.a} b\n', 'x = f"{a} b"\n'),
        ('x = "abc  # why\n', 'x = "abc"  # why\n'),
        ('""Says it."""\nx = 1\n', '"""Says it."""\nx = 1\n'),
        # Comments behind a string that is not closed, or is only by the quotes that open the next one.
        ('x = """\nleft\ny = 1  # why\nz = 2\n', 'x = """\nleft\n"""\ny = 1  # why\nz = 2\n'),
        (
            'def f():\n    """One.\n    # why\n    return 1\n\n\ndef g():\n    """Two."""\n',
            'def f():\n    """One."""\n    # why\n    return 1\n\n\ndef g():\n    """Two."""\n',
        ),
        ("x = '''\nleft\ny = 'a'  # why\n", "x = '''\nleft\n'''\ny = 'a'  # why\n"),
        (
            'def f():\n    """One\n\n    of two.\n    x = 1\n',
            'def f():\n    """One\n\n    of two.\n    """\n    x = 1\n',
        ),
        (
            'def f():\n    """One\n    say("it ", 1)\n    """Two"""\n',
            'def f():\n    """One\n    """\n    say("it ", 1)\n    """Two"""\n',
        ),
        (
            'x = """\nleft\ny = "a\\n" + \\\n    "b"\nz = """right"""\n',
            'x = """\nleft\n"""\ny = "a\\n" + \\\n    "b"\nz = """right"""\n',
        ),
        ('say(text and more")\n', 'say("text and more")\n'),
        ('say("text \n', 'say("text ")\n'),
        ('x = "left \n  right"\n', 'x = "left right"\n'),
    ],
)
def test_a_repair_may_open_and_close_strings(before: str, after: str) -> None:
    assert is_faithful(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("say 'done'\n", "say('-done')\n"),
        ("say 'done'\n", "say('\\done')\n"),
        ('name = world"\n', 'name = " world"\n'),
        ("say('It's late')\n", "say('Its late')\n"),
        ('at = r"C:\\logs\\"\n', 'at = r"C:\\logs"\n'),
        ('at = r"C:\\logs\\"\n', 'at = r"C:\\logs!"\n'),
        ('say("sum " n)\n', 'say("sum n")\n'),
        ('x = ["red" "green"]]\n', 'x = ["red"]\n'),
        ('say(n" # "+m))\n', 'say(n) # "+m))\n'),
        ("x = 1  # why\ny = (\n", "x = 1\ny = ()\n"),
        ("x = 1 +\ny = 2\n", "x = 1 #+\ny = 2\n"),
        ('x = """a # b"""\ny = (1\n', 'x = """a""" # b"""\ny = (1)\n'),
        ('return "text\n', 'return " text"\n'),
        ('return "text\n', 'return "text "\n'),
        ('say("text)\n', 'say("\ttext")\n'),
    ],
)
def test_a_repair_neither_writes_in_strings_nor_makes_comments(before: str, after: str) -> None:
    assert not is_faithful(before, after)


WORDS = st.text("abc xyz", min_size=1, max_size=12)


@given(content=WORDS, other=WORDS, quote=st.sampled_from(["'", '"', '"""']), data=st.data())
def test_no_character_is_written_into_a_string(
    content: str, other: str, quote: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(content)))
    written = content[:at] + data.draw(st.sampled_from("qrs-+")) + content[at:]
    before = f"say({quote}{content}{quote}, {other!r}\n"
    assert not is_faithful(before, f"say({quote}{written}{quote}, {other!r})\n")
    assert is_faithful(before, f"say({quote}{content}{quote}, {other!r})\n")


@given(content=WORDS, quote=st.sampled_from(["'", '"']), data=st.data())
def test_no_word_of_a_closed_string_is_lost(content: str, quote: str, data: st.DataObject) -> None:
    words = content.split()
    assume(len(set(words)) > 1)
    gone = data.draw(st.sampled_from(words))
    left = " ".join(word for word in words if word != gone)
    before = f"say({quote}{content}{quote}\n"
    assert not is_faithful(before, f"say({quote}{left}{quote})\n")
