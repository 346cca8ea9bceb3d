import threading


class Counter:
    def __init__(self):
        self._lock = threading.Lock()
        self._value = 0

    def increase(self):
        with self._lock:
            self._value += 1

    def value(self):
        with self.█
            return self._value
# output
_lock:
