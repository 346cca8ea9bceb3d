"""Prints which parts of a small workshop's stock have to be ordered again."""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """One row of the stock list."""

    name: str
    supplier: str
    count: int
    minimum: int
    price: float

    @property
    def missing(self) -> int:
        """How many have to be ordered."""
        return max(0, self.minimum - self.count


def read_parts(path: Path) -> list[Part]:
    """All parts of a stock list; rows without a name are left out."""
    parts = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["name"]
                continue
            count, minimum = int(row["count"]), int(row["minimum"])
            parts.append(Part(row["name"], row["supplier"], count, minimum, float(row["price"])))
    return parts


def order(parts: list[Part]) -> dict[str, list[Part]]:
    """The parts to order, grouped by supplier."""
    groups: dict[str, list[Part]] = {}
    for part in sorted(parts, key=lambda part: part.name):
        if part.missing > 0:
            groups.setdefault(part.supplier, []).append(part)
    return groups


def main() -> None:
    """Print one paragraph for every supplier."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "stock.csv)
    for supplier, parts in order(read_parts(path)).items()
        total = sum(part.missing * part.price for part in parts)
        print(supplier, round(total, 2), sep=": ")
        for part in parts:
            print(" ", part.missing, part.name)


if __name__ == "__main__":
    main()
