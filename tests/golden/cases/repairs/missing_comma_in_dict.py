import json
from pathlib import Path

DEFAULTS = {
    "host": "localhost",
    "port": 8080
    "debug": False,
    "workers": 4,
}


def load_config(path: Path) -> dict:
    config = dict(DEFAULTS)
    if path.exists():
        config.update(json.loads(path.read_text()))
    unknown = set(config) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    return config
# output
import json
from pathlib import Path

DEFAULTS = {
    "host": "localhost",
    "port": 8080,
    "debug": False,
    "workers": 4,
}


def load_config(path: Path) -> dict:
    config = dict(DEFAULTS)
    if path.exists():
        config.update(json.loads(path.read_text()))
    unknown = set(config) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    return config
