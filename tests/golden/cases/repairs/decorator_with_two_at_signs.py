class Temperature:
    def __init__(self, celsius):
        self._celsius = celsius

    @@property
    def fahrenheit(self):
        return self._celsius * 9 / 5 + 32

    @staticmethod
    def parse(text):
        return Temperature(float(text.rstrip("°C")))
# output
class Temperature:
    def __init__(self, celsius):
        self._celsius = celsius

    @property
    def fahrenheit(self):
        return self._celsius * 9 / 5 + 32

    @staticmethod
    def parse(text):
        return Temperature(float(text.rstrip("°C")))
