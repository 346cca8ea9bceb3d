def add(lines, what, price):
    if price < 0:
        raise ValueError(f"negative price: {price!r")
    lines.append((what, price))
# output
def add(lines, what, price):
    if price < 0:
        raise ValueError(f"negative price: {price!r}")
    lines.append((what, price))
