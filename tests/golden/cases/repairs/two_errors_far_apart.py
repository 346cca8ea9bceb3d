"""Collects the headings of Markdown files."""

import re
import sys
from pathlib import Path

HEADING = re.compile(r"^(#{1,6})\s+(.*)$")


def headings(path):
    found = []
    is_code = False
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("```")
            is_code = not is_code
        match = HEADING.match(line)
        if match and not is_code:
            found.append((len(match[1]), match[2]))
    return found


def print_outline(path):
    for level, title in headings(path):
        print("  " * (level - 1) + title


def main():
    for path in sys.argv[1:]:
        print_outline(path)


if __name__ == "__main__":
    main()
# output
"""Collects the headings of Markdown files."""

import re
import sys
from pathlib import Path

HEADING = re.compile(r"^(#{1,6})\s+(.*)$")


def headings(path):
    found = []
    is_code = False
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            is_code = not is_code
        match = HEADING.match(line)
        if match and not is_code:
            found.append((len(match[1]), match[2]))
    return found


def print_outline(path):
    for level, title in headings(path):
        print("  " * (level - 1) + title)


def main():
    for path in sys.argv[1:]:
        print_outline(path)


if __name__ == "__main__":
    main()
