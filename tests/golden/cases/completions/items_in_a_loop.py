def flatten(data, prefix=""):
    """Nested dictionaries as one with dotted keys."""
    flat = {}
    for key, value in data.█
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(flatten(value, name + "."))
        else:
            flat[name] = value
    return flat
# output
items():
