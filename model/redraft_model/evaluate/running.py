"""Running a benchmark's programs against its tests, each in a process of its own with limits (POSIX only).

This is no security sandbox. A program gets a time limit, an address-space limit, an output limit, an empty
working folder, a cleared environment, and no sockets or child processes; it still runs as the user and can
read the user's files. The limits are for loops that do not end and students' accidents. Run code that may
be hostile in a container.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """Wall seconds, bytes of address space, bytes of output of one program run."""

    seconds: float = 10.0
    address_space: int = 2 << 30
    output: int = 16 << 20


LIMITS = Limits()


@dataclass(frozen=True)
class Run:
    """How a program ended: its exit code (None: killed at the time limit) and what it printed."""

    exit_code: int | None
    stdout: str
    stderr: str


def run_program(program: str, stdin: str = "", limits: Limits = LIMITS) -> Run:
    """Run `program` as `__main__` with `stdin` at its standard input."""
    with tempfile.TemporaryDirectory(prefix="redraft-run-") as name:
        folder = Path(name)
        # The program's working folder is empty: what it is and what it prints lie beside it.
        (folder / "cwd").mkdir()
        # A lone surrogate is not UTF-8; passed on, it is the program's syntax error rather than ours.
        (folder / "program.py").write_bytes(program.encode("utf-8", "surrogatepass"))
        (folder / "stdin").write_bytes(stdin.encode("utf-8", "surrogatepass"))
        exit_code = _run(folder, limits)
        stdout = (folder / "stdout").read_bytes().decode("utf-8", "replace")
        stderr = (folder / "stderr").read_bytes().decode("utf-8", "replace")
        return Run(exit_code, stdout, stderr)


def prints_expected(program: str, tests: Sequence[tuple[str, str]], limits: Limits = LIMITS) -> bool:
    """Whether `program` prints what each (stdin, stdout) test expects and exits with 0.

    White space at the end of a line and of the output does not count; everything else does.
    """
    return all(_prints(program, stdin, stdout, limits) for stdin, stdout in tests)


def holds(program: str, asserts: Sequence[str], limits: Limits = LIMITS) -> bool:
    """Whether `program` runs and then each line of `asserts`, in the same module, without an exception.

    A word nobody knows is printed after the last one, so a program that exits early does not pass.
    """
    word = secrets.token_hex(16)
    run = run_program("\n".join([program, *asserts, f"print('\\n{word}')", ""]), limits=limits)
    return run.exit_code == 0 and run.stdout.rstrip().endswith(word)


# Audit hooks cannot be taken off again, and the events come from the C functions that do the work.
_HARNESS = """
import resource, sys, types
path, seconds, address_space, output = sys.argv[1], *map(int, sys.argv[2:])
for kind, limit in (
    (resource.RLIMIT_AS, address_space),
    (resource.RLIMIT_CPU, seconds),
    (resource.RLIMIT_FSIZE, output),
    (resource.RLIMIT_CORE, 0),
):
    allowed = resource.getrlimit(kind)[1]
    if allowed != resource.RLIM_INFINITY:
        limit = min(limit, allowed)
    resource.setrlimit(kind, (limit, limit))
refused = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn")
def refuse(event, arguments):
    if event.startswith(refused):
        raise PermissionError(event + " is not allowed here")
sys.addaudithook(refuse)
with open(path, "rb") as file:
    program = file.read()
main = sys.modules["__main__"] = types.ModuleType("__main__")
sys.argv = ["program.py"]
exec(compile(program, "program.py", "exec"), main.__dict__)
"""


def _run(folder: Path, limits: Limits) -> int | None:
    # -P and -s with this environment are what -I means, but -I would also ignore the fixed hash seed,
    # and a program that prints a set has to print the same each time.
    environment = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-s", "-W", "ignore", "-c", _HARNESS, str(folder / "program.py")]
    command += [str(number) for number in (ceil(limits.seconds) + 1, limits.address_space, limits.output)]
    with (
        (folder / "stdin").open("rb") as stdin,
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
        subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=folder / "cwd",
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            # A whole session is ended, on Ctrl+C too, so that nothing is left behind.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _prints(program: str, stdin: str, stdout: str, limits: Limits) -> bool:
    run = run_program(program, stdin, limits)
    return run.exit_code == 0 and _without_trailing_space(run.stdout) == _without_trailing_space(stdout)


def _without_trailing_space(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]
