"""Which licence a text grants, told by sentences that only that licence has. Knows nothing of files or of git.

Names are those of https://spdx.org/licenses. What is not recognised for certain is unknown: a text that has much more in it
than the licences found there, or that names a restriction.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

UNKNOWN = "unknown"

SLACK = 120  # words besides those of the licence: names, a heading, an address
SHORT = 60  # words; a text of fewer that is not recognised is no licence, but may point to one


@dataclass(frozen=True)
class Licence:
    """What a text grants; a permissive licence asks for no more than to be named and kept."""

    name: str
    is_permissive: bool


@dataclass(frozen=True)
class _Known:
    """A sentence of a licence, in lower case and without punctuation, and how many words the whole text has."""

    name: str
    sentence: re.Pattern[str]
    n_words: int


def _known(name: str, sentence: str, n_words: int) -> _Known:
    return _Known(name, re.compile(sentence), n_words)


_BSD = "redistribution and use in source and binary forms with or without modification are permitted"
_ISC = r"permission to use copy modify and (?:or )?distribute this software for any purpose with or without fee is hereby granted"

_PERMISSIVE = (
    _known("MIT", "permission is hereby granted free of charge to any person obtaining a copy of this software and", 180),
    _known("BSD-2-Clause", _BSD, 200),
    _known("Apache-2.0", "apache license version 2 0 january 2004", 1650),
    _known("Apache-2.0", "licensed under the apache license version 2 0", 90),
    _known("ISC", f"{_ISC} provided that the above copyright notice", 120),
    _known("0BSD", f"{_ISC} the software is provided as is", 100),
    _known("PSF-2.0", "psf license agreement for python|python software foundation license version 2", 2600),
    _known("Unlicense", "this is free and unencumbered software released into the public domain", 220),
)  # fmt: skip

# The Mozilla licence asks for the changed files back: weak, but no permissive licence.
_COPYLEFT = (
    ("AGPL", r"affero general public licen[cs]e|\bagpl"),
    ("LGPL", r"(?:lesser|library) general public licen[cs]e|\blgpl"),
    ("MPL", r"mozilla public licen[cs]e|\bmpl [12] \d"),
    ("GPL", r"general public licen[cs]e|\bgpl"),
    ("EPL", r"eclipse public licen[cs]e"),
    ("EUPL", r"european union public licen[cs]e"),
    ("CDDL", r"common development and distribution licen[cs]e"),
    ("CC-BY-SA", r"share ?alike"),
)
_RESTRICTION = re.compile(
    r"commons clause|non ?commercial|for good not evil|server side public|business source licen[cs]e|all advertising materials"
)
_CLOSED = re.compile(r"proprietary|confidential|all rights reserved|may not|permission of")
# The licences of Python speak of another one and do not grant it.
_MENTIONED = re.compile(
    r"gpl (?:from )?compatible|(?:under|unlike|with) the gpl\b|previously distributed under the gnu general public license gpl"
)

_FILE = re.compile(r"(?:licen[cs]es?|copying|unlicen[cs]e)(?:[.\-_].*)?", re.I)
_COPYRIGHT = re.compile(r"^\W*(?:copyright|\(c\)|©).*[0-9].*$", re.I | re.M)
_PUNCTUATION = re.compile(r"[\W_]+")
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([^\n]*)", re.I)
_OPERATOR = re.compile(r"\b(?:AND|OR|WITH)\b|[()\s\"'*/]+")
_NO_CODE = re.compile(r"\s*(?:#[^\n]*\n|\"\"\".*?\"\"\"|'''.*?''')", re.S)

# SPDX names that a file of a permissive project may have in its head.
PERMISSIVE = frozenset(known.name for known in _PERMISSIVE) | {
    "BSD-3-Clause",
    "MIT-0",
    "Python-2.0",
    "CC0-1.0",
    "Zlib",
}


def is_licence_file(name: str) -> bool:
    """Whether a file of this name holds a licence: LICENSE.txt, LICENCE, COPYING, UNLICENSE, LICENSE-MIT."""
    return _FILE.fullmatch(name) is not None and not name.endswith(".py")


def recognise(text: str) -> Licence:
    """The licence a text grants; of several at once the names are joined with AND."""
    words = _words(_COPYRIGHT.sub("", text))
    found = [known for known in _PERMISSIVE for _ in known.sentence.findall(words)]
    names = {_exact(known, words) for known in found}
    others = _copyleft(_MENTIONED.sub("", words) if "PSF-2.0" in names else words)
    if others:
        return Licence(others, is_permissive=False)
    n_expected = sum(known.n_words for known in found) + SLACK
    if not names or _RESTRICTION.search(words) or words.count(" ") > n_expected:
        return Licence(UNKNOWN, is_permissive=False)
    return Licence(" AND ".join(sorted(names)), is_permissive=True)


def recognise_all(texts: Iterable[str]) -> Licence:
    """What the licence files of one project grant together: each of them has to be permissive.

    A short file that only says which of the others may be chosen is passed over.
    """
    licences = [recognise(text) for text in texts if is_of_its_own(text)]
    names = sorted({name for licence in licences for name in licence.name.split(" AND ")})
    return Licence(" AND ".join(names) or UNKNOWN, bool(names) and all(one.is_permissive for one in licences))


def is_of_its_own(text: str) -> bool:
    """Whether a text is a licence, known or not, and no note of a few words about another text."""
    is_long = len(text.split()) > SHORT
    return is_long or recognise(text).name != UNKNOWN or _CLOSED.search(_words(text)) is not None


def names_another(source: str) -> bool:
    """Whether the comments and the docstring that a Python file begins with name a licence that is not permissive."""
    head = _head(source)
    names = {name for line in _SPDX.findall(head) for name in _OPERATOR.split(line) if name}
    return not names <= PERMISSIVE or _copyleft(_words(head)) != ""


def _copyleft(words: str) -> str:
    return next((name for name, pattern in _COPYLEFT if re.search(pattern, words)), "")


def _exact(known: _Known, words: str) -> str:
    """The name of a licence; two of the BSD licences differ in one sentence."""
    return "BSD-3-Clause" if known.name == "BSD-2-Clause" and "endorse or promote" in words else known.name


def _words(text: str) -> str:
    return _PUNCTUATION.sub(" ", text.lower())


def _head(source: str) -> str:
    """The comments and strings in front of the code, 5,000 characters of them at most."""
    end = 0
    while (match := _NO_CODE.match(source[:5000], end)) is not None:
        end = match.end()
    return source[:end]
