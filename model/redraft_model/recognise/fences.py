"""Python in the fences of a Markdown text: the code stays, the prose around it goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.recognise.recognition import Recognised
from redraft_model.recognise.statements import is_code
from redraft_model.text.comments import string_spans
from redraft_model.text.parser import parses

# Measured, with how many texts: docs/log.md.
ONE_CONFIDENCE = 0.998
SEVERAL_CONFIDENCE = 0.996
WHAT = "Python in a Markdown fence"
WHAT_SEVERAL = "Python in Markdown fences"

_LANGUAGES = ("python", "python3", "py", "py3", "pycon", "ipython", "ipython3", "python-repl", "pyi", "sage")
_SIGNS = ("```", "~~~")


@dataclass(frozen=True)
class Fence:
    """A fenced block: its first and last line, from 0, the language it names, its code."""

    first: int
    last: int
    language: str
    code: str

    @property
    def is_python(self) -> bool:
        """Whether it says so."""
        return self.language in _LANGUAGES


def fenced(source: str) -> Recognised | None:
    """The code in the Python fences of a text that has no code around them, in their order."""
    fences = _fences(source)
    if not fences:
        return None
    chosen = [fence.code for fence in fences if fence.is_python] or _unnamed(fences)
    chosen = [code.strip("\n") for code in chosen if code.strip()]
    if not chosen:
        return None
    n_lines = source.count("\n") + 1 - sum(code.count("\n") + 1 for code in chosen)
    if len(chosen) == 1:
        return Recognised(chosen[0] + "\n", n_lines, ONE_CONFIDENCE, WHAT)
    return Recognised("\n\n\n".join(chosen) + "\n", n_lines, SEVERAL_CONFIDENCE, WHAT_SEVERAL)


def foreign_fence(source: str) -> Fence | None:
    """The first fence of a text that has no code but in fences of other languages."""
    fences = _fences(source)
    is_foreign = fences and all(fence.language and not fence.is_python for fence in fences)
    return fences[0] if is_foreign else None


def _unnamed(fences: Sequence[Fence]) -> list[str]:
    """The code of the fences that name no language; of several those that are Python beyond doubt."""
    codes = [fence.code for fence in fences if not fence.language]
    if len(codes) < 2:
        return codes
    return [code for code in codes if parses(code) or code.lstrip().startswith(">>>")]


def _fences(source: str) -> list[Fence]:
    """The fences of a text; [] where code or an open string stands around them, and they belong to that."""
    if not any(sign in source for sign in _SIGNS):
        return []
    # Few texts have a fence, and an editor does not wait for this import before it can ask for anything.
    from markdown_it import MarkdownIt

    lines = source.split("\n")
    fences: list[Fence] = []
    for token in MarkdownIt("commonmark").parse(source):
        if token.type == "fence" and token.map:
            language = token.info.strip().split(" ")[0].strip("{}.").lower()
            fences.append(Fence(token.map[0], token.map[1] - 1, language, token.content))
    if not fences:
        return []
    if len(fences) == 1 and not fences[0].code.strip():
        return _lone(lines, fences[0])
    inside = {at for fence in fences for at in range(fence.first, fence.last + 1)}
    around = [line for at, line in enumerate(lines) if at not in inside]
    if any(is_code(line) for line in around) or _is_in_string(source, fences):
        return []
    return fences


def _lone(lines: Sequence[str], fence: Fence) -> list[Fence]:
    """Code of which only the closing fence was copied."""
    if any(line.strip() for line in lines[fence.first + 1 :]):
        return []
    return [Fence(0, fence.first, "python", "\n".join(lines[: fence.first]))]


def _is_in_string(source: str, fences: Sequence[Fence]) -> bool:
    """Whether the first fence stands in a string of several lines that is opened before it."""
    start = len("\n".join(source.split("\n")[: fences[0].first]))
    return any(string.start < start < string.end for string in string_spans(source))
