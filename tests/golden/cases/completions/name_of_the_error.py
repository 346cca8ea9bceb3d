import json


class ConfigError(Exception):
    pass


def load(path):
    try:
        with open(path) as file:
            return json.load(file)
    except json.JSONDecodeError as █
        raise ConfigError(f"{path} is not JSON: {error}") from error
# output
error:
