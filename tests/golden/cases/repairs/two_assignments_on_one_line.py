class Particle:
    """A point that moves with a constant speed."""

    def __init__(self, x, y, dx, dy):
        self.x = x
        self.y = y self.dx = dx
        self.dy = dy

    def step(self, seconds):
        self.x += self.dx * seconds
        self.y += self.dy * seconds
# output
class Particle:
    """A point that moves with a constant speed."""

    def __init__(self, x, y, dx, dy):
        self.x = x
        self.y = y
        self.dx = dx
        self.dy = dy

    def step(self, seconds):
        self.x += self.dx * seconds
        self.y += self.dy * seconds
