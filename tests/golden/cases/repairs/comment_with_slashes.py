import time


class Cache:
    def __init__(self, seconds):
        self.seconds = seconds
        self.entries = {}

    def get(self, key):
        if key not in self.entries:
            return None
        value, stored = self.entries[key]
        // too old to be of use
        if time.monotonic() - stored > self.seconds:
            del self.entries[key]
            return None
        return value

    def put(self, key, value):
        self.entries[key] = (value, time.monotonic())
# output
import time


class Cache:
    def __init__(self, seconds):
        self.seconds = seconds
        self.entries = {}

    def get(self, key):
        if key not in self.entries:
            return None
        value, stored = self.entries[key]
        # too old to be of use
        if time.monotonic() - stored > self.seconds:
            del self.entries[key]
            return None
        return value

    def put(self, key, value):
        self.entries[key] = (value, time.monotonic())
