class Fraction:
    def __init__(self, numerator, denominator):
        self.numerator = numerator
        self.denominator = denominator

    def __mul__(self, other):
        if not isinstance(other, █
            return NotImplemented
        return Fraction(self.numerator * other.numerator, self.denominator * other.denominator)
# output
Fraction):
