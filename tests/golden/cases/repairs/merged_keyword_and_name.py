def tokenize(text):
    """Numbers, names and operators of a formula."""
    tokens = []
    i = 0
    whilei < len(text):
        char = text[i]
        if char.isspace():
            i += 1
        elif char.isdigit():
            start = i
            while i < len(text) and text[i].isdigit():
                i += 1
            tokens.append(("number", text[start:i]))
        elif char in "+-*/()":
            tokens.append(("operator", char))
            i += 1
        else:
            raise ValueError(f"unexpected {char!r} at {i}")
    return tokens
# output
def tokenize(text):
    """Numbers, names and operators of a formula."""
    tokens = []
    i = 0
    while i < len(text):
        char = text[i]
        if char.isspace():
            i += 1
        elif char.isdigit():
            start = i
            while i < len(text) and text[i].isdigit():
                i += 1
            tokens.append(("number", text[start:i]))
        elif char in "+-*/()":
            tokens.append(("operator", char))
            i += 1
        else:
            raise ValueError(f"unexpected {char!r} at {i}")
    return tokens
