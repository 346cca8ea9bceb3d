def get(values, path, default=None):
    for key in path.split("."):
        if key not in values:
            return default
        else if key:
            values = values[key]
    return values
# output
def get(values, path, default=None):
    for key in path.split("."):
        if key not in values:
            return default
        elif key:
            values = values[key]
    return values
