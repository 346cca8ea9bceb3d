import random


def roll(n_dice, sides=6):
    return [random.randint(1 sides) for _ in range(n_dice)]


def play(n_rounds):
    totals = [sum(roll(2)) for _ in range(n_rounds)]
    return max(totals), min(totals)
# output
import random


def roll(n_dice, sides=6):
    return [random.randint(1, sides) for _ in range(n_dice)]


def play(n_rounds):
    totals = [sum(roll(2)) for _ in range(n_rounds)]
    return max(totals), min(totals)
