"""Runs a script by a clock that moves a little whenever it is looked at: with_counted_clock.py SCRIPT ARGUMENTS

What the script does within a given time then depends on no machine.
"""

import itertools
import runpy
import sys
import time

SECONDS_A_LOOK = 0.25

# Its worker processes import the script again, but not this file.
if __name__ == "__main__":
    looks = itertools.count(1)
    time.perf_counter = lambda: next(looks) * SECONDS_A_LOOK
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
