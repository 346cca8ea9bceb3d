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
    ROWS = {
        "quartz_0": 794,
        "grove_1": 709,
        "amber_2": 219,
        "pearl_3": 585,
        "fjord_4": 497,
        "jetty_5": 131,
        "slate_6": 401,
        "grove_7": 607,
        "birch_8": 61,
        "heron_9": 554,
        "jetty_10": 336,
        "maple_11": 929,
        "inlet_12": 881,
        "ridge_13": 525,
        "ochre_14": 697,
        "grove_15": 150,
        "fjord_16": 823,
        "delta_17": 832,
        "grove_18": 908,
        "fjord_19": 651,
        "ember_20": 257,
        "heron_21": 474,
        "amber_22": 289,
        "inlet_23": 93,
        "thorn_24": 272,
        "jetty_25": 850,
        "maple_26": 431,
        "pearl_27": 415,
        "inlet_28": 405,
        "cedar_29": 711,
        "ember_30": 121,
        "delta_31": 908,
        "larch_32": 313,
        "maple_33": 721,
        "north_34": 140,
        "cedar_35": 485,
        "amber_36": 862,
        "jetty_37": 303,
        "pearl_38": 284,
        "jetty_39": 562,
        "amber_40": 735,
        "north_41": 513,
        "pearl_42": 924,
        "jetty_43": 380,
        "fjord_44": 748,
        "delta_45": 593,
        "thorn_46": 167,
        "knoll_47": 366,
        "birch_48": 869,
        "cedar_49": 376,
        "birch_50": 184,
        "quartz_51": 89,
        "maple_52": 733,
        "ridge_53": 755,
        "cedar_54": 462,
        "slate_55": 148,
        "inlet_56": 545,
        "amber_57": 695,
        "ridge_58": 459,
        "knoll_59": 151,
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
    ROWS = {
        "quartz_0": 794,
        "grove_1": 709,
        "amber_2": 219,
        "pearl_3": 585,
        "fjord_4": 497,
        "jetty_5": 131,
        "slate_6": 401,
        "grove_7": 607,
        "birch_8": 61,
        "heron_9": 554,
        "jetty_10": 336,
        "maple_11": 929,
        "inlet_12": 881,
        "ridge_13": 525,
        "ochre_14": 697,
        "grove_15": 150,
        "fjord_16": 823,
        "delta_17": 832,
        "grove_18": 908,
        "fjord_19": 651,
        "ember_20": 257,
        "heron_21": 474,
        "amber_22": 289,
        "inlet_23": 93,
        "thorn_24": 272,
        "jetty_25": 850,
        "maple_26": 431,
        "pearl_27": 415,
        "inlet_28": 405,
        "cedar_29": 711,
        "ember_30": 121,
        "delta_31": 908,
        "larch_32": 313,
        "maple_33": 721,
        "north_34": 140,
        "cedar_35": 485,
        "amber_36": 862,
        "jetty_37": 303,
        "pearl_38": 284,
        "jetty_39": 562,
        "amber_40": 735,
        "north_41": 513,
        "pearl_42": 924,
        "jetty_43": 380,
        "fjord_44": 748,
        "delta_45": 593,
        "thorn_46": 167,
        "knoll_47": 366,
        "birch_48": 869,
        "cedar_49": 376,
        "birch_50": 184,
        "quartz_51": 89,
        "maple_52": 733,
        "ridge_53": 755,
        "cedar_54": 462,
        "slate_55": 148,
        "inlet_56": 545,
        "amber_57": 695,
        "ridge_58": 459,
        "knoll_59": 151,
    }
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
