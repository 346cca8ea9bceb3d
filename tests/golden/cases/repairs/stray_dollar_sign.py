def parse_env(text):
    """The variables of a .env file."""
    variables = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, _, value = line.partition("=")
        variables[key.strip()] = $value.strip()
    return variables
# output
def parse_env(text):
    """The variables of a .env file."""
    variables = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, _, value = line.partition("=")
        variables[key.strip()] = value.strip()
    return variables
