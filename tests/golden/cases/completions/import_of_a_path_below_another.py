import os
from pathlib import █


def sources(folder):
    found = []
    for path in Path(folder).rglob("*.py"):
        if os.access(path, os.R_OK):
            found.append(path)
    return found
# output
Path
