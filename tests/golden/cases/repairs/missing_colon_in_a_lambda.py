from dataclasses import dataclass


@dataclass
class Player:
    name: str
    score: int = 0
    games: int = 0


def ranking(players):
    return sorted(players, key=lambda player (-player.score, player.name))


def print_ranking(players):
    for place, player in enumerate(ranking(players), 1):
        average = player.score / player.games if player.games else 0.0
        print(f"{place}. {player.name}: {player.score} ({average:.1f})")
# output
from dataclasses import dataclass


@dataclass
class Player:
    name: str
    score: int = 0
    games: int = 0


def ranking(players):
    return sorted(players, key=lambda player: (-player.score, player.name))


def print_ranking(players):
    for place, player in enumerate(ranking(players), 1):
        average = player.score / player.games if player.games else 0.0
        print(f"{place}. {player.name}: {player.score} ({average:.1f})")
