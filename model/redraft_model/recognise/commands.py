"""Lines for IPython or for a shell: not Python, and nothing that could be stripped safely."""

import re
from dataclasses import dataclass

from redraft_model.recognise.lines import lines_of
from redraft_model.recognise.statements import is_expression, statement

_MAGIC = re.compile(r"[ \t]*%{1,2}[A-Za-z_]\w*(?:[ \t]+\S.*)?$")
_ESCAPED = re.compile(r"[ \t]*!{1,2}[ \t]?(?P<command>[A-Za-z./~][\w./~-]*(?:[ \t]+.*)?)$")
_PROMPT = re.compile(r"[ \t]*[$][ \t]+[A-Za-z./~]")
# What people are told to type, and nothing shorter: `git` may be a name.
_COMMAND = re.compile(
    r"""[ \t]*(?:sudo[ \t]+)?(?:
        (?:python[\d.]*|py)[ \t]+(?:-m[ \t]+\w|-c[ \t]+["']|[\w./~-]+\.py\b)
      | (?:pip|pip3|pipx|conda|mamba|poetry|uv|apt|apt-get|brew|npm)[ \t]+(?:[a-z]+[ \t]+)?
        (?:install|uninstall|update|upgrade|add|create)\b
      | conda[ \t]+activate\b | git[ \t]+(?:clone|pull|push|add|commit|checkout)\b
      | cd[ \t]+[\w./~-]+[ \t]*$ | mkdir[ \t]+(?:-p[ \t]+)?[\w./~-]+[ \t]*$
      | source[ \t]+\S+/activate\b | \.\\\S+\\activate\b
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Command:
    """A line, from 0, with what is no Python, and what it is."""

    line: int
    what: str
    remedy: str


def command(source: str) -> Command | None:
    """The first line of a text that is for IPython or a shell; those in strings and brackets do not count."""
    for number, line in enumerate(lines_of(source)):
        if not line.begins_statement:
            continue
        if _MAGIC.match(line.text):
            return Command(number, "an IPython magic", "remove it, or give the notebook")
        if _is_escaped(line.text) or _PROMPT.match(line.text) or _is_command(line.text):
            return Command(number, "a command for a shell", "remove it")
    return None


def _is_escaped(line: str) -> bool:
    """Whether the line is a command behind IPython's `!`; in other languages that is a negation."""
    match = _ESCAPED.match(line)
    return match is not None and not ("(" in line and is_expression("not " + match["command"]))


def _is_command(line: str) -> bool:
    return _COMMAND.match(line) is not None and statement(line) is None
