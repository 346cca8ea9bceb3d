import random


def read_names(path):
    with open(path) as file:
        return [line.strip() for line in file if line.strip()]


def draw_teams(names, n_teams, seed=None):
    >>> names = list(names)
    random.Random(seed).shuffle(names)
    return [names[i::n_teams] for i in range(n_teams)]
# output
import random


def read_names(path):
    with open(path) as file:
        return [line.strip() for line in file if line.strip()]


def draw_teams(names, n_teams, seed=None):
    names = list(names)
    random.Random(seed).shuffle(names)
    return [names[i::n_teams] for i in range(n_teams)]
