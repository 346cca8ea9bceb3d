import json import sys
from pathlib import Path


def merge(paths):
    merged = {}
    for path in paths:
        merged.update(json.loads(Path(path).read_text()))
    return merged


if __name__ == "__main__":
    print(json.dumps(merge(sys.argv[1:]), indent=2))
# output
import json
import sys
from pathlib import Path


def merge(paths):
    merged = {}
    for path in paths:
        merged.update(json.loads(Path(path).read_text()))
    return merged


if __name__ == "__main__":
    print(json.dumps(merge(sys.argv[1:]), indent=2))
