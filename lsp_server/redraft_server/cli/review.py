"""`redraft fix --interactive`: the changes of a file, one after the other, each made or not as the user says."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from redraft_model.errors import RedraftError
from redraft_model.passage import Version

from redraft_server import diff, fixing, source_files
from redraft_server.cli.terminal import ask, painted_diff, show, talk
from redraft_server.diff import Section
from redraft_server.fixing import Fix
from redraft_server.report import Status, percent

_HELP = """\
y - make this change
n - do not make it
a - make it, and all that follow in this file
d - make neither it nor any that follows in this file
q - end here: make neither it nor anything that follows
? - say this again"""


class Review:
    """Asks about changes until the user has had enough."""

    def __init__(self) -> None:
        self.is_over = False

    def of(self, fix: Fix, path: Path, encoding: str, target: Version | None) -> Fix:
        """`fix` with the changes that the user takes; it is written as far as they do, whatever its status."""
        if not fix.patch:
            return fix
        result = fix.result
        sections = diff.sections(fix.before, fix.after)
        show(painted_diff(diff.header(diff.patch_name(path)).decode(encoding, "replace")))
        talk(_described(fix))
        taken = self._taken(sections, encoding)
        if not taken:
            return fix.held_back("declined")
        after = diff.applied(fix.before, fix.after, taken)
        left, refusal = _verdict(fix, after, path, target)
        if refusal:
            return fix.held_back(refusal)
        status = Status.PARTLY_FIXED if left else Status.FIXED
        part = "" if len(taken) == len(sections) else f"{len(taken)} of {len(sections)} changes made"
        reason = "; ".join(text for text in (part, left and f"left: {left}") if text)
        accepted = replace(result, status=status, reason=reason, is_accepted=True)
        return replace(fix, after=after, result=accepted)

    def _taken(self, sections: Sequence[Section], encoding: str) -> list[Section]:
        taken: list[Section] = []
        for index, section in enumerate(sections):
            show(painted_diff(section.text.decode(encoding, "replace")))
            answer = self._answer(f"({index + 1}/{len(sections)}) Make this change [y,n,a,d,q,?]?")
            if answer == "a":
                return [*taken, *sections[index:]]
            if answer == "y":
                taken.append(section)
            elif answer in ("d", "q"):
                self.is_over = answer == "q"
                break
        return taken

    def _answer(self, question: str) -> str:
        while True:
            answer = ask(question)
            if answer is None:
                talk("")
                return "q"
            if answer.lower() in ("y", "n", "a", "d", "q"):
                return answer.lower()
            talk(_HELP)


def _described(fix: Fix) -> str:
    """How likely the repair is right, and what is against it."""
    result = fix.result
    sure = (
        "this checkpoint gives no probability"
        if result.confidence is None
        else f"{percent(result.confidence)} sure"
    )
    return f"{result.name}: {sure}" + (f"; {result.reason}" if result.reason else "")


def _verdict(fix: Fix, after: bytes, path: Path, target: Version | None) -> tuple[str, str]:
    """What is left to repair in the bytes `after`, and why they must not be written; "" where nothing is."""
    name = fix.result.name
    try:
        old, new = (source_files.opened(data, path, name) for data in (fix.before, after))
    except RedraftError as error:
        return "", str(error)
    # The whole repair has been looked at before it was offered.
    refusal = "" if after == fix.after else fixing.refusal(old, new)
    return fixing.left_in(new, target), refusal
