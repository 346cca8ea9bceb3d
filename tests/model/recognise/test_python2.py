"""Python 2: what is translated, what reads the same in both, and what is no Python 2."""

import subprocess
import sys

import pytest
from redraft_model.recognise.numbers import without_leading_zeros
from redraft_model.recognise.python2 import leading_zeros, python2
from redraft_model.recognise.recogniser import recognised
from redraft_model.text.bounds import Bounds

OLD = '''\
import os, sys  # nothing happens to a library

def report((name, size), verbose):
    """Print one line: print name."""
    print >>sys.stderr, name, `size`,
    print
    if size <> 0L and verbose:
        exec verbose in {}
    try:
        os.chmod(name, 0755)
    except OSError, error:  # the usual one
        raise ValueError, "no file"
    print("%s" % name)
    print (size)
    return ur"\\d", unicode(name), has_key
'''
NEW = '''\
import os, sys  # nothing happens to a library

def report(item, verbose):
    """Print one line: print name."""
    (name, size) = item
    print(name, repr(size), end=" ", file=sys.stderr)
    print()
    if size != 0 and verbose:
        exec(verbose, {})
    try:
        os.chmod(name, 0o755)
    except OSError as error:  # the usual one
        raise ValueError("no file")
    print("%s" % name)
    print (size)
    return r"\\d", unicode(name), has_key
'''


def check(before: str, after: str | None) -> None:
    found = python2(before)
    assert (found.text if found else None) == after


def test_a_file_is_translated_in_all_places() -> None:
    check(OLD, NEW)
    found = recognised(OLD)
    assert found is not None
    assert (found.text, found.n_lines, found.what) == (NEW, 10, "Python 2")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print name", "print(name)"),
        ("print 'a',\n", "print('a', end=' ')\n"),
        ('print "a",\n', 'print("a", end=" ")\n'),
        ("print a,\n", 'print(a, end=" ")\n'),
        ("print a\nprint\n", "print(a)\nprint()\n"),
        ("print a\nprint(a, b)\nprint (a)\n", "print(a)\nprint(a, b)\nprint (a)\n"),
        ("print a\nprint (a),\n", 'print(a)\nprint(a, end=" ")\n'),
        ("print (a) % b\n", "print((a) % b)\n"),
        ("print a; print b\n", "print(a); print(b)\n"),
        ("if a: print a\nelse: print b, c\n", "if a: print(a)\nelse: print(b, c)\n"),
        ("print >>f, a\nprint b\nprint >>f\n", "print(a, file=f)\nprint(b)\nprint(file=f)\n"),
        ('print a\nprint >>sys.stderr, "x"\n', 'print(a)\nprint("x", file=sys.stderr)\n'),
        ("exec code\n", "exec(code)\n"),
        ("exec code in scope\n", "exec(code, scope)\n"),
        ("exec (code) in scope, more\n", "exec(code, scope, more)\n"),
        ("x = `a` + `b, c`\n", "x = repr(a) + repr((b, c))\n"),
        ("raise E, m\n", "raise E(m)\n"),
        ("raise E, (a, b)\n", "raise E(a, b)\n"),
        ("raise E, m, t\n", "raise E(m).with_traceback(t)\n"),
        ("try: f()\nexcept (A, B), e: pass\n", "try: f()\nexcept (A, B) as e: pass\n"),
        ("x = a <> b\n", "x = a != b\n"),
        ("x = 0xFFL + 12l\n", "x = 0xFF + 12\n"),
        ("x = 0755 + 10L\n", "x = 0o755 + 10\n"),
        ("f = lambda (a, b): a + b\n", "f = lambda a_b: a_b[0] + a_b[1]\n"),
        ("from __future__ import print_function\nx = `y`\nprint(1, end='')\n",
         "from __future__ import print_function\nx = repr(y)\nprint(1, end='')\n"),
    ],
)  # fmt: skip
def test_each_place_has_its_right_value(before: str, after: str) -> None:
    check(before, after)
    compile(after, "", "exec")


@pytest.mark.parametrize(
    "source",
    [
        "print x\nprint(f'{x}')\n",
        'print x\nprint("a", end="")\n',
        "print x\ny: int = 1\n",
        "def f(x) -> int:\n    print x\n",
        "async def f():\n    print x\n",
        "def f():\n    nonlocal y\n    print y\n",
        "try: f()\nexcept A, e: raise B from e\n",
    ],
)
def test_what_has_something_of_python_3_is_no_python_2(source: str) -> None:
    check(source, None)


@pytest.mark.parametrize(
    "source",
    [
        "raise 'abc', 1\n",
        "x = (1\n",
        "x = 1LL\n",
        "Use `pip install` first.\n",
        "print f'{x}'\nfoo(\n",
        "print x\ny: int = foo(\n",
        "def f(x, y: int):\n    print x\n    foo(\n",
        "print x; foo(\n",
        "print\nprint >>f, x\nfoo(\n",
        'x = ur"\\u0041"\n',
        "\x00print a",
        "",
    ],
)
def test_what_cannot_be_translated_as_a_whole_is_left_alone(source: str) -> None:
    check(source, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print x\nfoo(\n", "print(x)\nfoo(\n"),
        ("print x\nreturn y\n", "print(x)\nreturn y\n"),
        ("try: f()\nexcept E, e:  # why\n    raise E, e\nfoo(\n",
         "try: f()\nexcept E as e:  # why\n    raise E(e)\nfoo(\n"),
        ("if a:\n    print `b`,\nelif a <> 012:\n    c(\n",
         'if a:\n    print(repr(b), end=" ")\nelif a != 0o12:\n    c(\n'),
        ("def f(x):\n    print >>f, x\n    print\n    return `x`\nfoo(\n",
         "def f(x):\n    print(x, file=f)\n    print()\n    return repr(x)\nfoo(\n"),
        ("class C:\n  def f(self, (a, b)):\n     return a\nfoo(\n",
         "class C:\n  def f(self, item):\n     (a, b) = item\n     return a\nfoo(\n"),
        ('"""\nprint x\n"""\nprint x\nfoo(\n', '"""\nprint x\n"""\nprint(x)\nfoo(\n'),
        ("print x,\\\n  y\nprint z\nfoo(\n", "print x,\\\n  y\nprint(z)\nfoo(\n"),
    ],
)  # fmt: skip
def test_beside_another_error_the_lines_are_translated_that_only_python_2_takes(
    before: str, after: str
) -> None:
    check(before, after)
    found = recognised(before)
    assert (found.text if found else before) == (before if before.startswith("print x,") else after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("chmod(p, 0755)\n", "chmod(p, 0o755)\n"),
        ("date(2021, 08, 01)\n", "date(2021, 8, 1)\n"),
        ("date(2021, 08, 010)\n", "date(2021, 8, 10)\n"),
        ("date(year=2021, month=09, day=010)\n", "date(year=2021, month=9, day=10)\n"),
        ("x = [f(012), 09]\n", "x = [f(0o12), 9]\n"),
        ("x = 007\ny = -010\n", "x = 7\ny = -0o10\n"),
        ("é = 01, 02\n", "é = 1, 2\n"),
        ("x = 00 + 09.5 + 0o7 + 0x01\n", "x = 00 + 09.5 + 0o7 + 0x01\n"),
        ("x = '0755' # 0755\n", "x = '0755' # 0755\n"),
    ],
)
def test_leading_zeros_are_octal_unless_what_stands_beside_them_is_not(before: str, after: str) -> None:
    assert without_leading_zeros(before) == after
    compile(after, "", "exec")


def test_zeros_go_only_where_the_compiler_stops_at_them() -> None:
    found = leading_zeros("x: int = 0755\ny = (1\n")
    assert found is not None
    assert (found.text, found.n_lines) == ("x: int = 0o755\ny = (1\n", 1)
    assert leading_zeros("y = )\nx = 0755\n") is None
    assert leading_zeros("x = 1\n") is None


def test_zeros_and_the_rest_are_recognised_together() -> None:
    found = recognised("x = date(2021, 08, 01)\nprint x\n")
    assert found is not None
    assert found.text == "x = date(2021, 8, 1)\nprint(x)\n"


def test_nothing_changes_outside_the_bounds() -> None:
    source = "print a\nprint b\n"
    assert recognised(source, Bounds(8, 0)) is None
    assert recognised(source, Bounds(0, 0)) is not None


def test_the_library_is_loaded_late_and_leaves_no_tables_behind(tmp_path) -> None:
    program = (
        "import sys\n"
        "from redraft_model.recognise.python2 import python2\n"
        "python2('x = (1')\n"
        "assert not any(name.startswith('fissix') for name in sys.modules)\n"
        "assert python2('print x').text == 'print(x)'\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []
