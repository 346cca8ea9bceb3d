def flatten(data, prefix=""):
    """Nested dictionaries as one with dotted keys."""
    flat = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(flatten(value, name + "."))
        else:
            flat[name] = █
    return flat
# output
value
