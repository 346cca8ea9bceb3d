"""The film in the README: Neovim repairs a file, and what the terminal shows on the way.

    python benchmarks/film_neovim.py --nvim FILE [--checkpoint FOLDER] [--out FILE]

Nothing is drawn by hand: the real Neovim runs in tmux with the plugin and the real server, keys are sent to it, and what
the terminal shows several times a second becomes an animated SVG. Linux and macOS; tmux has to be installed.
"""

import argparse
import itertools
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).parents[1]
COLUMNS, LINES = 84, 22
CELL_WIDTH, CELL_HEIGHT, MARGIN = 8, 18, 12
BACKGROUND, FOREGROUND = "#14161b", "#e0e2ea"  # of Neovim's default colour scheme
SECONDS_BETWEEN_LOOKS = 0.06
PATIENCE = 120.0

_CONSOLE = Console(color_system="truecolor")

BROKEN = '''\
def histogram(words):
    """How often each word occurs, most frequent first."""
    counts = {}
    for word in words
        key = word.strip(".,;:!?").lower()
        counts[key] = counts.get(key, 0) + 1
    return sorted(counts.items(), key=lambda item: item[1], reverse=True)


def show(words, n_most=10):
    for word, count in histogram(words)[:n_most]:
        print(f"{count:5} {word}"
'''

INIT = """
vim.opt.rtp:append({plugin})
vim.g.redraft = {{ cmd = {command} }}
vim.o.termguicolors, vim.o.swapfile, vim.o.shadafile = true, false, 'NONE'
vim.o.number, vim.o.ruler, vim.o.showmode = true, false, false
vim.o.statusline = ' %f %m%=%{{v:lua.require("redraft").status()}} '
vim.diagnostic.config({{ virtual_text = false, signs = false, underline = false }})
"""


@dataclass(frozen=True)
class Frame:
    """What the terminal shows: its lines with escape sequences, where the cursor is, and for how many seconds."""

    lines: tuple[str, ...]
    cursor: tuple[int, int]
    seconds: float


class Terminal:
    """A terminal of fixed size in which a program runs."""

    def __init__(
        self, socket: Path, command: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> None:
        self._socket = socket
        self._environment = environment
        self._tmux(
            "-f",
            os.devnull,
            "new-session",
            "-d",
            "-x",
            str(COLUMNS),
            "-y",
            str(LINES),
            "-c",
            str(folder),
            shlex.join(command),
        )
        self._tmux("set-option", "-g", "status", "off")
        # Neovim waits for what follows an Escape, and so would tmux.
        self._tmux("set-option", "-g", "escape-time", "0")
        self._tmux("resize-window", "-x", str(COLUMNS), "-y", str(LINES))

    def look(self) -> tuple[tuple[str, ...], tuple[int, int]]:
        """The lines, and the cursor as (column, line)."""
        shown = self._tmux("capture-pane", "-p", "-e", "-N")
        column, line = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return tuple(shown.split("\n")[:LINES]), (int(column), int(line))

    def text(self) -> str:
        """The lines without colours."""
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Send keys by their names in tmux."""
        self._tmux("send-keys", *keys)

    def close(self) -> None:
        """End the program."""
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


class Camera:
    """Looks at a terminal again and again; pictures that follow each other and are the same are one."""

    def __init__(self, terminal: Terminal) -> None:
        self.frames: list[Frame] = []
        self._terminal = terminal

    def roll(self, seconds: float) -> None:
        """Look for so long."""
        self.until(lambda text: False, seconds)

    def until(self, is_over: Callable[[str], bool], seconds: float = PATIENCE) -> bool:
        """Look until the text of the terminal is as wanted; False if it never is."""
        start = then = time.monotonic()
        while then - start < seconds:
            lines, cursor = self._terminal.look()
            time.sleep(SECONDS_BETWEEN_LOOKS)
            now = time.monotonic()
            self._add(Frame(lines, cursor, now - then))
            then = now
            if is_over(self._terminal.text()):
                return True
        return False

    def _add(self, frame: Frame) -> None:
        last = self.frames[-1] if self.frames else None
        if last is not None and (last.lines, last.cursor) == (frame.lines, frame.cursor):
            self.frames[-1] = Frame(last.lines, last.cursor, last.seconds + frame.seconds)
        else:
            self.frames.append(frame)


def main() -> None:
    options = _options()
    frames = record(options.nvim, options.checkpoint)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(film(frames), encoding="utf-8")
    size = options.out.stat().st_size
    seconds = sum(frame.seconds for frame in frames)
    print(
        f"written: {options.out}, {len(frames)} frames, {seconds:.1f} s, {size / 1000:.0f} kB",
        file=sys.stderr,
    )


def record(nvim: Path, checkpoint: Path | None) -> list[Frame]:
    """Repair a file in Neovim and give what was to be seen."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "words.py").write_text(BROKEN, encoding="utf-8")
        server = [sys.executable, "-m", "redraft_server.cli", "lsp", "--standalone", "--device", "cpu"]
        server += [] if checkpoint is None else ["--checkpoint", str(checkpoint)]
        init = folder / "init.lua"
        command = "{" + ", ".join(_lua(word) for word in server) + "}"
        plugin = _lua(str(ROOT / "editor_clients" / "neovim"))
        init.write_text(INIT.format(plugin=plugin, command=command), encoding="utf-8")
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "XDG_STATE_HOME": name,
            "HOME": name,
        }
        environment.pop("TMUX", None)
        terminal = Terminal(
            folder / "tmux", [str(nvim), "--clean", "-u", str(init), "words.py"], folder, environment
        )
        try:
            return _played(terminal)
        finally:
            terminal.close()


def _played(terminal: Terminal) -> list[Frame]:
    # The model is loaded by the first request; a film of that would be a film of waiting.
    rehearsal = Camera(terminal)
    _wait(rehearsal, lambda text: "Redraft" in text, "the server did not start")
    terminal.press(":Redraft file", "Enter")
    _wait(rehearsal, lambda text: "Redraft ?" in text, "nothing was repaired")
    terminal.press(":Redraft reject", "Enter")
    _wait(rehearsal, lambda text: "Redraft ?" not in text, "the rewrite stayed")
    terminal.press(":echo", "Enter")

    camera = Camera(terminal)
    camera.roll(1.5)
    for key in ":Redraft file":
        terminal.press("-l", key)
        camera.roll(0.05)
    terminal.press("Enter")
    _wait(camera, lambda text: "Redraft ?" in text, "nothing was repaired")
    camera.roll(3.0)
    for key in ":Redraft accept":
        terminal.press("-l", key)
        camera.roll(0.05)
    terminal.press("Enter")
    camera.roll(3.0)
    return camera.frames


def _wait(camera: Camera, is_over: Callable[[str], bool], failure: str) -> None:
    if not camera.until(is_over):
        raise SystemExit(f"{failure}; the last picture:\n" + "\n".join(camera.frames[-1].lines))


def film(frames: Sequence[Frame]) -> str:
    """An SVG that shows the frames one after the other, again and again. Lines that come again are drawn once."""
    width, height = COLUMNS * CELL_WIDTH + 2 * MARGIN, LINES * CELL_HEIGHT + 2 * MARGIN
    whole = sum(frame.seconds for frame in frames)
    names: dict[str, str] = {}
    pictures, moves = [], []
    ends = list(itertools.accumulate(frame.seconds for frame in frames))
    for index, (frame, end) in enumerate(zip(frames, ends, strict=True)):
        start = end - frame.seconds
        # A frame is hidden, then there for its time, then hidden again.
        first = (
            f"0%{{visibility:hidden}}{100 * start / whole:.3f}%{{visibility:visible}}"
            if index
            else "0%{visibility:visible}"
        )
        last = f"{100 * end / whole:.3f}%{{visibility:hidden}}" if index < len(frames) - 1 else ""
        moves.append(
            f"@keyframes f{index}{{{first}{last}}}#f{index}{{animation:f{index} {whole:.2f}s step-end infinite}}"
        )
        uses = []
        for row, line in enumerate(frame.lines):
            drawn = _line(line)
            if drawn:
                name = names.setdefault(drawn, f"l{len(names)}")
                uses.append(f'<use href="#{name}" y="{row * CELL_HEIGHT}"/>')
        column, row = frame.cursor
        cursor = f'<rect x="{column * CELL_WIDTH}" y="{row * CELL_HEIGHT}" width="{CELL_WIDTH}" height="{CELL_HEIGHT}" class="c"/>'
        pictures.append(f'<g id="f{index}">{"".join(uses)}{cursor}</g>')
    definitions = "".join(f'<g id="{name}">{drawn}</g>' for drawn, name in names.items())
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>Neovim repairs a file: the best text of each search round, the difference, the accepted text</title>",
            "<style>text{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}",
            f".c{{fill:{FOREGROUND};opacity:.6}}",
            *moves,
            "</style>",
            f"<defs>{definitions}</defs>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
            f'<g transform="translate({MARGIN} {MARGIN})" fill="{FOREGROUND}">',
            *pictures,
            "</g></svg>",
            "",
        ]
    )


def _line(line: str) -> str:
    """One line of a terminal as SVG, at the top left."""
    text = Text.from_ansi(line)
    plain = text.plain.rstrip("\n")
    styles = [text.get_style_at_offset(_CONSOLE, at) for at in range(len(plain))]
    drawn = []
    for style, group in itertools.groupby(enumerate(plain), key=lambda each: _look(styles[each[0]])):
        cells = list(group)
        start, piece = cells[0][0], "".join(character for _, character in cells)
        foreground, background, extra = style
        x, n = start * CELL_WIDTH, len(piece)
        if background:
            drawn.append(
                f'<rect x="{x}" width="{n * CELL_WIDTH}" height="{CELL_HEIGHT}" fill="{background}"/>'
            )
        if piece.strip():
            colour = f' fill="{foreground}"' if foreground else ""
            drawn.append(
                f'<text x="{x}" y="{CELL_HEIGHT - 5}" textLength="{n * CELL_WIDTH}"{colour}{extra}>{escape(piece)}</text>'
            )
    return "".join(drawn)


def _look(style: Style) -> tuple[str, str, str]:
    """Foreground, background (empty: as everywhere) and further attributes."""
    foreground, background = _hex(style.color, FOREGROUND), _hex(style.bgcolor, BACKGROUND)
    if style.reverse:
        foreground, background = background or BACKGROUND, foreground or FOREGROUND
    extra = ' font-weight="bold"' if style.bold else ""
    extra += ' font-style="italic"' if style.italic else ""
    extra += ' text-decoration="line-through"' if style.strike else ""
    return foreground, background, extra


def _hex(color: Color | None, usual: str) -> str:
    if color is None or color.is_default:
        return ""
    found = color.get_truecolor().hex
    return "" if found == usual else found


def _lua(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render the README's film of Neovim.")
    parser.add_argument("--nvim", type=Path, required=True, help="the program, 0.11 or newer")
    parser.add_argument("--checkpoint", type=Path, default=None, help="folder; default: the bundled one")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "neovim.svg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
