"""The whole thing as a user has it: `redraft lsp`, the bundled model, a file that is really broken."""

from pathlib import Path

from conftest import Open
from editor import ROOT, until

BROKEN = (ROOT / "examples" / "broken.py").read_text("utf-8")
BRACKET = "def mean(values):\n    return sum(values) / len(values\n\n\nprint(mean([1, 2, 3]))\n"


def test_the_bundled_model_repairs_what_it_is_shown_doing(open_editor: Open, own: Path) -> None:
    editor = open_editor(
        BRACKET,
        runtime=own,
        version="newest",
        options={"cmd": ["redraft", "lsp"], "settings": {"threads": 2}},
    )
    editor.keys("2G")
    editor.run("Redraft repair")
    drawn = until(
        lambda: (_shown := editor.shown()) if "search round" in (_shown := editor.shown()) else "",
        "a search round",
        90,
    )
    assert editor.text == BRACKET, drawn
    until(lambda: editor.state() == "shown", f"it is done; said: {editor.said}", 90)
    assert editor.text == BRACKET
    editor.run("Redraft accept")
    until(lambda: editor.text != BRACKET, "accepted")
    compile(editor.text, "a.py", "exec")
    editor.keys("u")
    editor.wait_for_text(BRACKET)
