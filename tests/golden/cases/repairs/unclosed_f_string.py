import sys


class ProgressBar:
    def __init__(self, total, width=40):
        self.total = total
        self.width = width
        self.count = 0

    def advance(self, n=1):
        self.count += n
        self.draw()

    def draw(self):
        share = self.count / self.total
        filled = int(share * self.width)
        bar = "#" * filled + "." * (self.width - filled)
        sys.stdout.write(f"\r[{bar}] {share:.0%})
        sys.stdout.flush()
# output
import sys


class ProgressBar:
    def __init__(self, total, width=40):
        self.total = total
        self.width = width
        self.count = 0

    def advance(self, n=1):
        self.count += n
        self.draw()

    def draw(self):
        share = self.count / self.total
        filled = int(share * self.width)
        bar = "#" * filled + "." * (self.width - filled)
        sys.stdout.write(f"\r[{bar}] {share:.0%}")
        sys.stdout.flush()
