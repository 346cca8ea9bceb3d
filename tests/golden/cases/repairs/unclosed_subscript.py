from pathlib import Path


def tail(path, n=10):
    lines = Path(path).read_text().splitlines()
    return lines[-n:


def errors(path):
    return [line for line in tail(path, 1000) if "ERROR" in line]


def summary(path):
    found = errors(path)
    if not found:
        return "no errors"
    return f"{len(found)} errors, the last one: {found[-1]}"
# output
from pathlib import Path


def tail(path, n=10):
    lines = Path(path).read_text().splitlines()
    return lines[-n:]


def errors(path):
    return [line for line in tail(path, 1000) if "ERROR" in line]


def summary(path):
    found = errors(path)
    if not found:
        return "no errors"
    return f"{len(found)} errors, the last one: {found[-1]}"
