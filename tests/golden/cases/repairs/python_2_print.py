import os
import signal
import sys


def read_pid(path):
    with open(path) as file:
        return int(file.read())


def stop(path):
    pid = read_pid(path)
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        print "not running:", pid
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(stop(sys.argv[1]))
# output
import os
import signal
import sys


def read_pid(path):
    with open(path) as file:
        return int(file.read())


def stop(path):
    pid = read_pid(path)
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        print("not running:", pid)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(stop(sys.argv[1]))
