"""`redraft adapt`: fine-tune the bundled checkpoint on a repository, on this machine; list and remove what was made."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from redraft_server import adapted
from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption
from redraft_server.cli.terminal import bar, escaped, hand_over, show, talk
from redraft_server.report import Exit, percent


def adapt(
    repo: Annotated[
        Path | None, typer.Argument(metavar="REPO", help="The folder of the repository; it is only read.")
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", metavar="M", min=0.01, help="Minutes of training.")
    ] = 10.0,
    list_: Annotated[bool, typer.Option("--list", help="Show what is adapted to which repository.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Delete what was made of REPO.")] = False,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Fine-tune the bundled checkpoint on the Python files of a repository; nothing leaves this machine.

    The result is kept in the data folder of the user, and its folder is printed if it helps: pass it as --checkpoint. Whether it
    helps is measured in files that were held out. A call that was stopped goes on when it is repeated.

    Exit code 0: it helps; 1: it does not.
    """
    if list_:
        _list()
    elif repo is None:
        raise typer.BadParameter("name the folder of a repository, or add --list")
    elif remove:
        adapted.remove(repo)
        talk(f"removed what was adapted to {repo}")
    else:
        _adapt(repo, minutes, checkpoint, device)


def _adapt(repo: Path, minutes: float, checkpoint: Path | None, device: str) -> None:
    talk(f"training for {minutes:g} minutes, then measuring; Control-C stops, and the same command goes on")
    with bar(1) as progress, _until_interrupted() as is_stopped:
        about = adapted.adapt(
            repo, minutes * 60, checkpoint=checkpoint, device=device, step=progress.at, is_stopped=is_stopped
        )
    if about is None:
        talk("stopped, and saved; the same command goes on")
        raise typer.Exit(Exit.INTERRUPTED)
    talk(
        f"trained for {about.seconds / 60:.1f} minutes on {about.n_files} files: {about.n_trained_tokens:,} tokens, "
        f"{about.n_trained_tokens / about.n_tokens:.1f} times the repository"
    )
    talk(f"the rest of a line, in files that were held out: {_counts(about)}")
    if not about.helps:
        talk(f"this does not help here, so it is not recommended; {_why_not(about)}")
        raise typer.Exit(Exit.FOUND)
    if not about.is_clear:
        talk("the difference may be chance")
    talk(
        "use it with `redraft fix`, `complete`, `doubt`, `lsp` or `serve` and --checkpoint FOLDER, in this folder:"
    )
    hand_over(f"{adapted.Home.of(repo).checkpoint}\n".encode())


def _list() -> None:
    for home in adapted.homes():
        about = home.about()
        if about is not None:
            commit = f" at {about.commit[:12]}" if about.commit else ""
            worth = "" if about.helps else ", not recommended"
            show(escaped(f"{about.root}{commit}, {about.date}: {_counts(about)}{worth}") + "\n")
            show(escaped(f"  {home.checkpoint}") + "\n")
        if (root := home.unfinished_root()) is not None:
            show(escaped(f"{root}: not finished; `redraft adapt {root}` goes on") + "\n")


def _counts(about: adapted.Adapted) -> str:
    if not about.n_places:
        return "no place to ask for"
    before, after = (percent(n / about.n_places) for n in (about.n_right_before, about.n_right_after))
    return (
        f"{before} right before, {after} now "
        f"({about.n_right_before} and {about.n_right_after} of {about.n_places} places)"
    )


def _why_not(about: adapted.Adapted) -> str:
    if about.n_places < adapted.FEWEST_PLACES:
        return "there are too few places to tell"
    return "more --minutes may help, or `redraft adapt --remove` deletes it"


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Whether Control-C was pressed, to be asked; pressed once more it interrupts at once."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def press(_number: int, _frame: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)
        talk("stopping; once more stops at once")

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
