"""Reads a price list and prints what became more expensive."""

import csv
import sys


def read_prices(path):
    prices = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file)
            prices[row["name"]] = float(row["price"])
    return prices


def main():
    old = read_prices(sys.argv[1])
    new = read_prices(sys.argv[2])
    for name, price in new.items():
        if price > old.get(name, price):
            print(name, old[name], "->", price)


if __name__ == "__main__":
    main()
# output
"""Reads a price list and prints what became more expensive."""

import csv
import sys


def read_prices(path):
    prices = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            prices[row["name"]] = float(row["price"])
    return prices


def main():
    old = read_prices(sys.argv[1])
    new = read_prices(sys.argv[2])
    for name, price in new.items():
        if price > old.get(name, price):
            print(name, old[name], "->", price)


if __name__ == "__main__":
    main()
