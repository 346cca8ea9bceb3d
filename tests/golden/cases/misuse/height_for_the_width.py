class Rectangle:
    """A rectangle whose sides are parallel to the axes."""

    def __init__(self, left, top, width, height):
        self.left = left
        self.top = top
        self.width = height
        self.height = height

    @property
    def area(self):
        return self.width * self.height

    @property
    def center(self):
        return (self.left + self.width / 2, self.top + self.height / 2)

    def contains(self, x, y):
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height
# output
class Rectangle:
    """A rectangle whose sides are parallel to the axes."""

    def __init__(self, left, top, width, height):
        self.left = left
        self.top = top
        self.width = width
        self.height = height

    @property
    def area(self):
        return self.width * self.height

    @property
    def center(self):
        return (self.left + self.width / 2, self.top + self.height / 2)

    def contains(self, x, y):
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height
