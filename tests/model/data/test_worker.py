"""A worker ends when the process it works for is killed."""

import subprocess
import sys

import pytest

PROGRAM = """
import multiprocessing, os, time
from redraft_model.data.worker import end_with_parent

def work():
    end_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(300)
    print("still there", flush=True)

if __name__ == "__main__":
    multiprocessing.get_context("fork").Process(target=work).start()
    time.sleep(300)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked there")
def test_a_worker_does_not_outlive_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) != parent.pid
        parent.kill()
        # The last of the two closes the pipe.
        assert parent.stdout.read() == ""
