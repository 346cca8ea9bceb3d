"""Characters that look like ASCII and are none: dashes, quotes, full-width forms, blanks that no keyboard types.

Python refuses them in code. What each stands for comes from Unicode itself: its category, its name, its compatibility
decomposition, and last the table of confusable characters (Unicode Technical Standard 39).
"""

import re
import unicodedata
from functools import lru_cache

from redraft_model.text.parser import Problem, compile_problem, problem

# Signs whose names say what they mean; none of them looks like what a programmer would type for it.
_BY_NAME = {
    "MULTIPLICATION SIGN": "*",
    "DIVISION SIGN": "/",
    "LESS-THAN OR EQUAL TO": "<=",
    "GREATER-THAN OR EQUAL TO": ">=",
    "NOT EQUAL TO": "!=",
    "RIGHTWARDS ARROW": "->",
    "IDEOGRAPHIC COMMA": ",",
}
_DOUBLE = "“”„‟″〝〞＂«»"
_SINGLE = "‘’‚‛′＇"
_MEANS_MORE = ("<super>", "<sub>", "<circle>", "<square>", "<fraction>")
# A text in typographic quotes, where a quote is not taken for its end if a letter follows: that is an apostrophe.
_TYPOGRAPHIC = rf"""
      ["{_DOUBLE}] (?P<double> [^\n]*? ) [{_DOUBLE}] (?!\w)
    | ['{_SINGLE}] (?P<single> [^\n]*? ) [{_SINGLE}] (?!\w)
    | [{_DOUBLE}] (?P<half_double> [^\n"]*? ) "
    | [{_SINGLE}] (?P<half_single> [^\n']*? ) '
"""
_QUOTES = {"double": '"', "single": "'", "half_double": '"', "half_single": "'"}
_FROZEN = r"""
      (?P<frozen> \#[^\n]*
        | (?s: \"\"\" (?: \\. | (?!\"\"\"). )* \"\"\" )
        | (?s: ''' (?: \\. | (?!'''). )* ''' )
        | " (?: \\. | [^"{in_double}\\\n] )* "
        | ' (?: \\. | [^'{in_single}\\\n] )* '
      )
"""
_PLAIN = _FROZEN.format(in_double="", in_single="")
_STRICT = _FROZEN.format(in_double=_DOUBLE, in_single=_SINGLE)
_ALONE = r"(?P<alone> [^\x00-\x7f] )"
# What may be taken for a string, in the order in which it is tried: a quote in ASCII goes with another one if it can.
_READINGS = tuple(
    re.compile(" | ".join(parts), re.VERBOSE)
    for parts in ((_PLAIN, _TYPOGRAPHIC, _ALONE), (_STRICT, _TYPOGRAPHIC, _ALONE), (_PLAIN, _ALONE))
)


def respelt(source: str, trouble: Problem) -> str | None:
    """`source`, at which the parser has `trouble`, with every look-alike in its code in ASCII; None if that does not help.

    Comments and strings in ASCII quotes stay as they are, and so does what typographic quotes hold.
    """
    if source.isascii():
        return None
    best, reached = None, _reached(source, trouble)
    for reading in _READINGS:
        text = reading.sub(_in_ascii, source)
        left = problem(text) or compile_problem(text)
        if text != source and left is None:
            return text
        if text != source and left is not None and _reached(text, left) > reached:
            best, reached = text, _reached(text, left)
    return best


def _reached(text: str, trouble: Problem) -> tuple[int, int]:
    """How far the parser came: the line, and how little of it is left."""
    end = text.find("\n", trouble.span.start)
    return trouble.line, trouble.span.start - (end if end >= 0 else len(text))


@lru_cache(maxsize=1024)
def ascii_for(character: str) -> str:
    """What a character that is not ASCII stands for in code; the character itself when nothing says so."""
    if character in _DOUBLE or character in _SINGLE:
        return '"' if character in _DOUBLE else "'"
    if character.isidentifier() or ("a" + character).isidentifier():
        return character
    kind = unicodedata.category(character)
    if kind in ("Zl", "Zp"):
        return "\n"
    if kind in ("Zs", "Cf", "Pd"):
        return {"Zs": " ", "Cf": "", "Pd": "-"}[kind]
    by_name = _BY_NAME.get(unicodedata.name(character, ""))
    if by_name is not None:
        return by_name
    # Raised, lowered or encircled characters mean more than the plain ones.
    if unicodedata.decomposition(character).startswith(_MEANS_MORE):
        return character
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if compatible.isascii() else _confusable(character)


def _confusable(character: str) -> str:
    # The table takes a tenth of a second to load, and is seldom needed.
    from confusable_homoglyphs import confusables  # type: ignore[import-untyped]

    found = confusables.is_confusable(character, greedy=True) or [{"homoglyphs": []}]
    alike = (each["c"] for each in found[0]["homoglyphs"])
    return next((str(each) for each in alike if each.isascii()), character)


def _in_ascii(match: re.Match[str]) -> str:
    for name, quote in _QUOTES.items():
        content = match.groupdict().get(name)
        if content is not None:
            return _quoted(content, quote)
    if match["alone"] is None:
        return match.group()
    text = ascii_for(match["alone"])
    is_at_end = match.string[match.end() : match.end() + 1] in ("", "\n")
    return "" if text == " " and is_at_end else text


def _quoted(content: str, quote: str) -> str:
    """A string literal of `content`, which is not changed, in quotes that it does not hold."""
    if quote in content.replace(f"\\{quote}", ""):
        other = "'" if quote == '"' else '"'
        if other in content:
            return quote + content.replace(quote, f"\\{quote}") + quote
        quote = other
    return quote + content + quote
