def to_fahrenheit(celsius):
    return celsius * 9 / 5 + 32


def to_celsius(fahrenheit):
    return (fahrenheit - 32) * 5 / 9


def describe(celsius):
    if celsius < 0:
        return "freezing"
    if celsius < 15:
        return "cold"
    return "warm"


def main():
    value = float(input("Temperature in °F: "))
    celsius = to_celsius(celsius)
    print(f"{celsius:.1f} °C is {describe(celsius)}")


main()
# output
def to_fahrenheit(celsius):
    return celsius * 9 / 5 + 32


def to_celsius(fahrenheit):
    return (fahrenheit - 32) * 5 / 9


def describe(celsius):
    if celsius < 0:
        return "freezing"
    if celsius < 15:
        return "cold"
    return "warm"


def main():
    value = float(input("Temperature in °F: "))
    celsius = to_celsius(value)
    print(f"{celsius:.1f} °C is {describe(celsius)}")


main()
