"""Transcripts of an interactive session: what was typed stays, prompts and what was printed go.

The parser of the standard library's doctest drops comments that were typed, and refuses a prompt without a blank.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.recognise.recognition import Recognised
from redraft_model.recognise.statements import begins_block

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.998

# What stands above the first prompt when an interpreter is started.
_BANNER = re.compile(r"(?:\$ \S*python|I?Python \d|\[(?:GCC|Clang|MSC|PyPy)|Type [\"'])")


@dataclass(frozen=True)
class _Session:
    """How an interpreter asks for a statement, and for its further lines; what was typed is the last group."""

    what: str
    first: re.Pattern[str]
    further: re.Pattern[str]


_SESSIONS = (
    _Session(
        "a transcript of the interpreter",
        re.compile(r">>>(?!>) ?(.*)$"),
        re.compile(r"\.\.\.(?: (.*))?$"),
    ),
    _Session(
        "a transcript of IPython",
        re.compile(r"In ?\[\d*\]: ?(.*)$"),
        re.compile(r"[ \t]*\.{3,}: ?(.*)$"),
    ),
)


def transcript(source: str) -> Recognised | None:
    """What was typed in a session; None for a text that is none, or in which code stands that was not typed there."""
    lines = textwrap.dedent(source).split("\n")
    for session in _SESSIONS:
        typed = _typed(lines, session)
        if typed is not None:
            text = "\n".join(typed).strip("\n") + "\n" * source.endswith("\n")
            return Recognised(text, len(source.strip("\n").split("\n")), CONFIDENCE, session.what)
    return None


def _typed(lines: Sequence[str], session: _Session) -> list[str] | None:
    start = next((at for at, line in enumerate(lines) if session.first.match(line)), None)
    if start is None or any(line.strip() and not _BANNER.match(line) for line in lines[:start]):
        return None
    typed: list[str] = []
    printed: list[str] = []
    is_typing = False
    for line in lines[start:]:
        match = session.first.match(line) or (session.further.match(line) if is_typing else None)
        is_typing = match is not None
        if match is None:
            printed.append(line)
        else:
            typed.append((match.group(1) or "").rstrip())
    # Whoever copied a transcript into code has not pasted a transcript.
    return None if any(begins_block(line) for line in printed if line[:1].strip()) else typed
