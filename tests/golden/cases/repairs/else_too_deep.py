def luhn(number):
    """Whether the digits of a card number fit together."""
    total = 0
    for i, char in enumerate(reversed(number)):
        digit = int(char)
        if i % 2:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0


def check(number):
    if luhn(number):
        return "valid"
      else:
        return "invalid"
# output
def luhn(number):
    """Whether the digits of a card number fit together."""
    total = 0
    for i, char in enumerate(reversed(number)):
        digit = int(char)
        if i % 2:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0


def check(number):
    if luhn(number):
        return "valid"
    else:
        return "invalid"
