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
    """Build everything from its options.

    North ridge maple heron delta knoll heron ridge north.
    Knoll slate cedar inlet larch grove amber pearl ember amber.
    Slate larch ember birch delta.
    Amber delta inlet ridge inlet fjord inlet grove.
    Knoll birch inlet grove grove larch.
    Inlet larch maple inlet knoll maple inlet jetty.
    Ember cedar pearl ridge amber north jetty.
    Ridge quartz larch cedar maple ember ember delta fjord fjord.
    Larch knoll birch maple amber ridge pearl ochre ochre thorn.
    Delta knoll ochre ember ember cedar ochre maple.
    Cedar heron knoll inlet cedar amber heron maple quartz jetty.
    Knoll fjord knoll delta cedar grove.
    Larch larch quartz heron grove north delta delta maple.

    Pearl pearl amber grove jetty larch ember.
    Cedar jetty thorn thorn fjord maple pearl birch.
    Jetty north larch ridge quartz.
    North pearl jetty jetty ridge ridge pearl birch.
    Quartz jetty north quartz ochre delta slate north ridge thorn.
    Maple north pearl cedar north ochre.
    Larch thorn ochre slate inlet heron larch maple.
    Knoll fjord pearl maple maple north.
    Ember jetty maple birch north knoll.
    Ridge cedar maple cedar slate pearl amber grove.
    Amber pearl slate amber quartz.

    Ridge ochre ridge birch fjord knoll cedar heron fjord birch.
    Ochre pearl pearl ridge ridge jetty ember ochre inlet.
    Maple inlet knoll north maple quartz ember knoll birch.
    Fjord slate pearl ridge grove ochre cedar maple knoll cedar.
    Ember larch north ochre larch quartz.
    Quartz pearl ridge north larch ember.

    Fjord slate knoll slate fjord amber grove north cedar amber.
    Inlet quartz inlet north quartz maple.
    Maple quartz grove north slate delta.
    Ochre grove knoll slate amber knoll inlet grove heron birch.
    Grove delta north pearl fjord ochre thorn pearl.
    Inlet heron maple amber knoll slate ember cedar north.
    Knoll amber north grove larch larch north ridge.
    Amber larch delta heron amber maple slate.
    Inlet ember fjord grove larch thorn ridge fjord heron north.
    Grove pearl quartz ridge ridge quartz heron grove cedar.

    Delta ember larch fjord maple fjord fjord grove.
    Cedar cedar pearl fjord birch inlet jetty ember north quartz.
    Fjord heron birch inlet fjord delta fjord.
    Inlet thorn maple cedar cedar.
    Heron pearl quartz fjord ochre.
    Knoll slate grove grove ridge delta ochre fjord knoll fjord.
    Jetty quartz grove ember thorn birch cedar slate.
    Pearl knoll delta inlet cedar cedar larch.
    Cedar thorn knoll ridge jetty inlet heron delta delta jetty.
    Amber delta ember pearl heron delta maple.


    Delta heron grove maple knoll jetty thorn thorn slate thorn.
    Grove amber cedar amber maple thorn.
    Inlet ember knoll larch pearl slate.
    Maple slate ridge slate ochre.
    result = parser.parse_args(options)
    LOGGER.info('%s', result)
    return result


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
    """Build everything from its options.

    North ridge maple heron delta knoll heron ridge north.
    Knoll slate cedar inlet larch grove amber pearl ember amber.
    Slate larch ember birch delta.
    Amber delta inlet ridge inlet fjord inlet grove.
    Knoll birch inlet grove grove larch.
    Inlet larch maple inlet knoll maple inlet jetty.
    Ember cedar pearl ridge amber north jetty.
    Ridge quartz larch cedar maple ember ember delta fjord fjord.
    Larch knoll birch maple amber ridge pearl ochre ochre thorn.
    Delta knoll ochre ember ember cedar ochre maple.
    Cedar heron knoll inlet cedar amber heron maple quartz jetty.
    Knoll fjord knoll delta cedar grove.
    Larch larch quartz heron grove north delta delta maple.

    Pearl pearl amber grove jetty larch ember.
    Cedar jetty thorn thorn fjord maple pearl birch.
    Jetty north larch ridge quartz.
    North pearl jetty jetty ridge ridge pearl birch.
    Quartz jetty north quartz ochre delta slate north ridge thorn.
    Maple north pearl cedar north ochre.
    Larch thorn ochre slate inlet heron larch maple.
    Knoll fjord pearl maple maple north.
    Ember jetty maple birch north knoll.
    Ridge cedar maple cedar slate pearl amber grove.
    Amber pearl slate amber quartz.

    Ridge ochre ridge birch fjord knoll cedar heron fjord birch.
    Ochre pearl pearl ridge ridge jetty ember ochre inlet.
    Maple inlet knoll north maple quartz ember knoll birch.
    Fjord slate pearl ridge grove ochre cedar maple knoll cedar.
    Ember larch north ochre larch quartz.
    Quartz pearl ridge north larch ember.

    Fjord slate knoll slate fjord amber grove north cedar amber.
    Inlet quartz inlet north quartz maple.
    Maple quartz grove north slate delta.
    Ochre grove knoll slate amber knoll inlet grove heron birch.
    Grove delta north pearl fjord ochre thorn pearl.
    Inlet heron maple amber knoll slate ember cedar north.
    Knoll amber north grove larch larch north ridge.
    Amber larch delta heron amber maple slate.
    Inlet ember fjord grove larch thorn ridge fjord heron north.
    Grove pearl quartz ridge ridge quartz heron grove cedar.

    Delta ember larch fjord maple fjord fjord grove.
    Cedar cedar pearl fjord birch inlet jetty ember north quartz.
    Fjord heron birch inlet fjord delta fjord.
    Inlet thorn maple cedar cedar.
    Heron pearl quartz fjord ochre.
    Knoll slate grove grove ridge delta ochre fjord knoll fjord.
    Jetty quartz grove ember thorn birch cedar slate.
    Pearl knoll delta inlet cedar cedar larch.
    Cedar thorn knoll ridge jetty inlet heron delta delta jetty.
    Amber delta ember pearl heron delta maple.


    Delta heron grove maple knoll jetty thorn thorn slate thorn.
    Grove amber cedar amber maple thorn.
    Inlet ember knoll larch pearl slate.
    Maple slate ridge slate ochre."""
    result = parser.parse_args(options)
    LOGGER.info('%s', result)
    return result


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
