"""Tables of a small shop."""

import argparse
import logging

LOGGER = logging.getLogger(__name__)


def total(prices, discount=0):
    """Return the sum of all prices."""
    result = sum(prices)
    if discount:
        result -= result * discount
    return result


def build(parser, options):
    ROWS = [
        ("ridge", 16, None),
        ("heron", 270, None),
        ("north", 141, None),
        ("larch", 679, None),
        ("grove", 146, None),
        ("delta", 355, None),
        ("pearl", 283, None),
        ("delta", 974, None),
        ("heron", 654, None),
        ("birch", 832, None),
        ("inlet", 957, None),
        ("grove", 576, None),
        ("knoll", 866, None),
        ("ochre", 393, None),
        ("jetty", 55, None),
        ("heron", 537, None),
        ("quartz", 38, None),
        ("cedar", 462, None),
        ("jetty", 217, None),
        ("thorn", 856, None)
    args = parser.parse_args(options)
    return args


def report(names, width):
    """Print one line a name."""
    for index, name in enumerate(names):
        print(index, name.ljust(width))
    LOGGER.info("%d names", len(names))


class Shelf:
    """Holds things."""

    def __init__(self, size):
        self.size = size
        self.items = []

    def add(self, item):
        """Put one more thing on it."""
        if len(self.items) >= self.size:
            raise ValueError("full")
        self.items.append(item)
# output
"""Tables of a small shop."""

import argparse
import logging

LOGGER = logging.getLogger(__name__)


def total(prices, discount=0):
    """Return the sum of all prices."""
    result = sum(prices)
    if discount:
        result -= result * discount
    return result


def build(parser, options):
    ROWS = [
        ("ridge", 16, None),
        ("heron", 270, None),
        ("north", 141, None),
        ("larch", 679, None),
        ("grove", 146, None),
        ("delta", 355, None),
        ("pearl", 283, None),
        ("delta", 974, None),
        ("heron", 654, None),
        ("birch", 832, None),
        ("inlet", 957, None),
        ("grove", 576, None),
        ("knoll", 866, None),
        ("ochre", 393, None),
        ("jetty", 55, None),
        ("heron", 537, None),
        ("quartz", 38, None),
        ("cedar", 462, None),
        ("jetty", 217, None),
        ("thorn", 856, None)]
    args = parser.parse_args(options)
    return args


def report(names, width):
    """Print one line a name."""
    for index, name in enumerate(names):
        print(index, name.ljust(width))
    LOGGER.info("%d names", len(names))


class Shelf:
    """Holds things."""

    def __init__(self, size):
        self.size = size
        self.items = []

    def add(self, item):
        """Put one more thing on it."""
        if len(self.items) >= self.size:
            raise ValueError("full")
        self.items.append(item)
