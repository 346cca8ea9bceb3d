class Turtle:
    def __init__(self):
        self.x = 0
        self.y = 0

    def move(self, direction, distance):
        if direction == "up":
            self.y += distance
        elif direction == "down":
            self.y -= distance
        elif direction == "left":
            self.x -= distance
        elif direction == "right":
            self.x += distance

    def home(█
        self.x = 0
        self.y = 0
# output
self):
