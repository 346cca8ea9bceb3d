class Thermostat:
    def __init__(self, target=20.0):
        self._target = target

    @property
    def target(self):
        return self.█

    @target.setter
    def target(self, value):
        if not 5.0 <= value <= 30.0:
            raise ValueError("the target has to be from 5 to 30 degrees")
        self._target = value
# output
_target
