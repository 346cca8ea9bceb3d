"""Programs run with limits: what passes, what is stopped."""

import pytest
from redraft_model.evaluate.running import Limits, holds, prints_expected, run_program

SHORT = Limits(seconds=1.0)


def test_program_reads_stdin_and_prints() -> None:
    run = run_program("print(int(input()) + 1)\n", stdin="41\n")
    assert (run.exit_code, run.stdout, run.stderr) == (0, "42\n", "")


def test_program_is_main_and_text_is_utf8() -> None:
    assert run_program("if __name__ == '__main__':\n    print('é“')").stdout == "é“\n"


@pytest.mark.parametrize(
    ("printed", "expected", "passes"),
    [
        ("a  \nb\n\n", "a\nb", True),
        (" a", "a", False),
        ("a\n\nb", "a\nb", False),
        ("1.0", "1", False),
    ],
)
def test_only_trailing_white_space_is_forgiven(printed: str, expected: str, passes: bool) -> None:
    assert prints_expected(f"print({printed!r})", [("", expected)]) is passes


def test_each_test_counts() -> None:
    program = "print(int(input()) * 2)"
    assert prints_expected(program, [("1", "2"), ("3", "6")])
    assert not prints_expected(program, [("1", "2"), ("3", "7")])


def test_a_failing_program_fails_even_with_the_right_output() -> None:
    assert not prints_expected("print(1)\nraise SystemExit(3)", [("", "1")])


def test_asserts_hold_or_not() -> None:
    program = "def f(x):\n    return x + 1"
    assert holds(program, ["assert f(1) == 2"])
    assert not holds(program, ["assert f(1) == 3"])
    assert not holds("def f(x)\n    return x + 1", ["assert f(1) == 2"])


def test_leaving_early_is_not_passing() -> None:
    assert not holds("import sys\nsys.exit(0)", ["assert False"])
    assert not holds("import os\nos._exit(0)", ["assert False"])


@pytest.mark.usefixtures("hang_guard")
def test_endless_loop_is_killed_at_the_time_limit() -> None:
    seconds, stdout = 0.25, ""
    # A busy machine may need longer to start it.
    while not stdout:
        seconds *= 2
        run = run_program("print('on', flush=True)\nwhile True:\n    pass", limits=Limits(seconds))
        assert run.exit_code is None
        stdout = run.stdout
    assert stdout == "on\n"


def test_sleeping_is_killed_at_the_time_limit_too() -> None:
    assert run_program("import time\ntime.sleep(3600)", limits=Limits(seconds=0.5)).exit_code is None


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket\nsocket.create_connection(('127.0.0.1', 9))",
        "import socket\nsocket.socket()",
        "import _socket\n_socket.socket()",
        "import socket\nsocket.getaddrinfo('localhost', 80)",
        "import subprocess\nsubprocess.run(['true'])",
        "import os\nos.system('true')",
        "import os\nos.fork()",
    ],
)
def test_sockets_and_processes_are_refused(attempt: str) -> None:
    program = f"try:\n    exec({attempt!r})\nexcept PermissionError as error:\n    print('refused:', error)"
    assert run_program(program).stdout.startswith("refused: ")


def test_memory_is_limited() -> None:
    program = "try:\n    bytearray(1 << 30)\nexcept MemoryError:\n    print('too much')"
    assert run_program(program, limits=Limits(address_space=512 << 20)).stdout == "too much\n"


def test_output_is_limited() -> None:
    run = run_program("while True:\n    print('x' * 1000)", limits=Limits(output=1 << 16))
    assert run.exit_code not in (0, None)
    assert len(run.stdout) <= 1 << 16


def test_environment_is_cleared_and_the_folder_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRAFT_SECRET", "x")
    program = "import os\nprint('REDRAFT_SECRET' in os.environ, 'HOME' in os.environ, os.listdir())"
    assert run_program(program).stdout == "False False []\n"


def test_sets_print_in_the_same_order_each_time() -> None:
    program = "print(set('redraft'))"
    assert len({run_program(program).stdout for _ in range(3)}) == 1


def test_a_lone_surrogate_fails_the_program_not_the_judge() -> None:
    assert run_program("x = '\ud800'").exit_code == 1
