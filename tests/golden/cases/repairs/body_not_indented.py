class Cart:
    def __init__(self):
        self.items = []

    def add(self, name, price, count=1):
        self.items.append((name, price, count))

    def total(self):
total = 0
        for _, price, count in self.items:
            total += price * count
        return total

    def is_empty(self):
        return not self.items
# output
class Cart:
    def __init__(self):
        self.items = []

    def add(self, name, price, count=1):
        self.items.append((name, price, count))

    def total(self):
        total = 0
        for _, price, count in self.items:
            total += price * count
        return total

    def is_empty(self):
        return not self.items
