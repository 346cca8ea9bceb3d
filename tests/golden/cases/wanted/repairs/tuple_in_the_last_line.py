class Order:
    def __init__(self):
        self.lines = []

    def add(self, what, price):
        if price < 0:
            raise ValueError(f"negative price: {price!r}")
        self.lines.append((what, price)
# output
class Order:
    def __init__(self):
        self.lines = []

    def add(self, what, price):
        if price < 0:
            raise ValueError(f"negative price: {price!r}")
        self.lines.append((what, price))
