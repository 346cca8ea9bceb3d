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
    parser.add_argument(
        "--size",
        fjord_0="amber",
        inlet_1="birch",
        birch_2="cedar",
        heron_3="ochre",
        delta_4="quartz",
        knoll_5="slate",
        amber_6="jetty",
        larch_7="north",
        delta_8="cedar",
        cedar_9="larch",
        larch_10="grove",
        ochre_11="amber",
        ember_12="ember",
        knoll_13="knoll",
        jetty_14="knoll",
        cedar_15="fjord",
        inlet_16="maple",
        grove_17="jetty",
        birch_18="thorn",
        ochre_19="jetty",
        ridge_20="delta",
        amber_21="north",
        ember_22="quartz",
        amber_23="grove",
        larch_24="slate",
        north_25="jetty",
        slate_26="jetty",
        slate_27="ember",
        heron_28="larch",
        jetty_29="larch",
        cedar_30="north",
        jetty_31="larch",
        larch_32="thorn",
        delta_33="maple",
        grove_34="birch",
        heron_35="knoll",
        jetty_36="fjord",
        slate_37="jetty",
        larch_38="delta",
        slate_39="inlet",
        larch_40="slate",
        birch_41="maple",
        maple_42="quartz",
        ridge_43="amber",
        fjord_44="delta",
        pearl_45="larch",
        grove_46="quartz",
        fjord_47="inlet",
        ridge_48="ridge",
        thorn_49="grove",
        maple_50="north",
        ember_51="slate",
        ochre_52="quartz",
        delta_53="maple",
        birch_54="jetty",
        larch_55="ember",
        ridge_56="thorn",
        delta_57="maple",
        fjord_58="inlet",
        slate_59="grove",
        quartz_60="amber",
        fjord_61="delta",
        quartz_62="birch",
        larch_63="inlet",
        grove_64="thorn",
        delta_65="jetty",
        quartz_66="inlet",
        maple_67="amber",
        north_68="delta",
        quartz_69="pearl",
        thorn_70="fjord",
        north_71="ember",
        slate_72="north",
        north_73="north",
        ridge_74="amber",
        maple_75="jetty",
        heron_76="birch",
        heron_77="delta",
        ochre_78="fjord",
        birch_79="ember",
        ochre_80="fjord",
        grove_81="thorn",
        ridge_82="north",
        slate_83="quartz",
        ochre_84="larch",
        inlet_85="jetty",
        pearl_86="heron",
        ember_87="quartz",
        knoll_88="fjord",
        maple_89="delta",
        delta_90="jetty",
        cedar_91="cedar",
        inlet_92="north",
        amber_93="slate",
        pearl_94="cedar",
        ridge_95="knoll",
        ochre_96="ridge",
        fjord_97="birch",
        maple_98="heron",
        larch_99="pearl",
        jetty_100="slate",
        ridge_101="heron",
        north_102="heron",
        thorn_103="inlet",
        fjord_104="ochre",
        birch_105="amber",
        larch_106="pearl",
        fjord_107="quartz",
        heron_108="quartz",
        grove_109="slate",
        north_110="ember",
        fjord_111="quartz",
        heron_112="inlet",
        ridge_113="slate",
        slate_114="ridge",
        pearl_115="delta",
        grove_116="heron",
        ember_117="birch",
        ridge_118="grove",
        grove_119="grove"
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
    parser.add_argument(
        "--size",
        fjord_0="amber",
        inlet_1="birch",
        birch_2="cedar",
        heron_3="ochre",
        delta_4="quartz",
        knoll_5="slate",
        amber_6="jetty",
        larch_7="north",
        delta_8="cedar",
        cedar_9="larch",
        larch_10="grove",
        ochre_11="amber",
        ember_12="ember",
        knoll_13="knoll",
        jetty_14="knoll",
        cedar_15="fjord",
        inlet_16="maple",
        grove_17="jetty",
        birch_18="thorn",
        ochre_19="jetty",
        ridge_20="delta",
        amber_21="north",
        ember_22="quartz",
        amber_23="grove",
        larch_24="slate",
        north_25="jetty",
        slate_26="jetty",
        slate_27="ember",
        heron_28="larch",
        jetty_29="larch",
        cedar_30="north",
        jetty_31="larch",
        larch_32="thorn",
        delta_33="maple",
        grove_34="birch",
        heron_35="knoll",
        jetty_36="fjord",
        slate_37="jetty",
        larch_38="delta",
        slate_39="inlet",
        larch_40="slate",
        birch_41="maple",
        maple_42="quartz",
        ridge_43="amber",
        fjord_44="delta",
        pearl_45="larch",
        grove_46="quartz",
        fjord_47="inlet",
        ridge_48="ridge",
        thorn_49="grove",
        maple_50="north",
        ember_51="slate",
        ochre_52="quartz",
        delta_53="maple",
        birch_54="jetty",
        larch_55="ember",
        ridge_56="thorn",
        delta_57="maple",
        fjord_58="inlet",
        slate_59="grove",
        quartz_60="amber",
        fjord_61="delta",
        quartz_62="birch",
        larch_63="inlet",
        grove_64="thorn",
        delta_65="jetty",
        quartz_66="inlet",
        maple_67="amber",
        north_68="delta",
        quartz_69="pearl",
        thorn_70="fjord",
        north_71="ember",
        slate_72="north",
        north_73="north",
        ridge_74="amber",
        maple_75="jetty",
        heron_76="birch",
        heron_77="delta",
        ochre_78="fjord",
        birch_79="ember",
        ochre_80="fjord",
        grove_81="thorn",
        ridge_82="north",
        slate_83="quartz",
        ochre_84="larch",
        inlet_85="jetty",
        pearl_86="heron",
        ember_87="quartz",
        knoll_88="fjord",
        maple_89="delta",
        delta_90="jetty",
        cedar_91="cedar",
        inlet_92="north",
        amber_93="slate",
        pearl_94="cedar",
        ridge_95="knoll",
        ochre_96="ridge",
        fjord_97="birch",
        maple_98="heron",
        larch_99="pearl",
        jetty_100="slate",
        ridge_101="heron",
        north_102="heron",
        thorn_103="inlet",
        fjord_104="ochre",
        birch_105="amber",
        larch_106="pearl",
        fjord_107="quartz",
        heron_108="quartz",
        grove_109="slate",
        north_110="ember",
        fjord_111="quartz",
        heron_112="inlet",
        ridge_113="slate",
        slate_114="ridge",
        pearl_115="delta",
        grove_116="heron",
        ember_117="birch",
        ridge_118="grove",
        grove_119="grove")
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
