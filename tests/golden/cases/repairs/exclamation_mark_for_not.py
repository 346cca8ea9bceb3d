class EventBus:
    def __init__(self):
        self._listeners = {}

    def on(self, event, listener):
        self._listeners.setdefault(event, []).append(listener)

    def off(self, event, listener):
        self._listeners[event].remove(listener)
        if !self._listeners[event]:
            del self._listeners[event]

    def emit(self, event, *args):
        for listener in list(self._listeners.get(event, ())):
            listener(*args)
# output
class EventBus:
    def __init__(self):
        self._listeners = {}

    def on(self, event, listener):
        self._listeners.setdefault(event, []).append(listener)

    def off(self, event, listener):
        self._listeners[event].remove(listener)
        if not self._listeners[event]:
            del self._listeners[event]

    def emit(self, event, *args):
        for listener in list(self._listeners.get(event, ())):
            listener(*args)
