from dataclasses import dataclass


@dataclass
class Robot:
    x: int = 0
    y: int = 0

    def obey(self, command: str) -> None:
        match command.split():
            case ["go", "north"]:
                self.y += 1
            case ["go", "south"]
                self.y -= 1
            case ["go", "east"]:
                self.x += 1
            case ["go", "west"]:
                self.x -= 1
            case _:
                raise ValueError(f"what is {command!r}?")
# output
from dataclasses import dataclass


@dataclass
class Robot:
    x: int = 0
    y: int = 0

    def obey(self, command: str) -> None:
        match command.split():
            case ["go", "north"]:
                self.y += 1
            case ["go", "south"]:
                self.y -= 1
            case ["go", "east"]:
                self.x += 1
            case ["go", "west"]:
                self.x -= 1
            case _:
                raise ValueError(f"what is {command!r}?")
