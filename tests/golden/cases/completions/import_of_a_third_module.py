import os
import sys
import █


def save(value, path):
    with open(path, "w") as file:
        json.dump(value, file)
    os.chmod(path, 0o600)
    print(path, file=sys.stderr)
# output
json
