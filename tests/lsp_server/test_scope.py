"""Which documents Redraft works on."""

import pytest
from lsprotocol import types
from redraft_server.configuration import Configuration
from redraft_server.features.scope import obstacle
from redraft_server.sources import Source

FOLDER = "file:///srv/me/project"
SECRET = "looks like one with secrets"
DISABLED = "disabledGlobs"


def check(
    uri: str, expected: str | None, *, language: str = "python", text: str = "x\n", **settings: object
) -> None:
    """The obstacle to the document `uri` contains `expected`; None if there is none."""
    configuration, complaints = Configuration().with_folders([FOLDER], []).with_initial(settings)
    assert complaints == []
    item = types.TextDocumentItem(uri, language, 1, text)
    reason = obstacle(Source.opened(item, types.PositionEncodingKind.Utf16), configuration)
    if expected is None:
        assert reason is None
    else:
        assert reason is not None
        assert expected in reason


@pytest.mark.parametrize(
    "uri",
    [
        "file:///srv/me/project/a.py",
        "file:///elsewhere/a.py",
        "untitled:Untitled-1",
        "vscode-notebook-cell:/srv/me/project/n.ipynb#W0s",
        "vscode-remote://box/a.py",
        "git:/a.py?ref",
        "made-up:anything at all",
    ],
)
def test_it_does_not_matter_where_the_editor_has_a_text_from(uri: str) -> None:
    check(uri, None)


def test_only_python_and_only_if_enabled() -> None:
    check("file:///a.py", "Python only", language="rust")
    check("file:///a.py", "switched off", enable=False)


def test_texts_the_engine_cannot_take_are_refused() -> None:
    check("file:///a.py", "lone surrogate", text="\ud800")
    check("file:///a.py", "20,001 lines", text="\n" * 20_000)


@pytest.mark.parametrize(
    ("glob", "uri", "is_disabled"),
    [
        ("migrations/", f"{FOLDER}/app/migrations/0001.py", True),
        ("/migrations/", f"{FOLDER}/app/migrations/0001.py", False),
        ("app/**", f"{FOLDER}/app/x/a.py", True),
        ("app/**", "file:///elsewhere/app/a.py", False),
        ("*_pb2.py", f"{FOLDER}/x/a_pb2.py", True),
        ("*_pb2.py", "file:///elsewhere/a_pb2.py", True),
        ("*_pb2.py", f"{FOLDER}/a_pb3.py", False),
        ("/srv/me/project/app/**", f"{FOLDER}/app/a.py", True),
        ("**/*.ipynb", "vscode-notebook-cell:/srv/me/project/n.ipynb#W0s", True),
        ("Untitled-*", "untitled:Untitled-1", True),
    ],
)
def test_globs_mean_the_path_in_the_folder_or_the_whole_path(glob: str, uri: str, is_disabled: bool) -> None:
    check(uri, DISABLED if is_disabled else None, disabledGlobs=[glob])


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "deep/.env.local",
        ".ENV",
        ".e%6Ev",
        "x/../.env",
        "a.pem",
        "a.key",
        "a.cert",
        "a.crt",
        "secrets.py",
        "Secrets.yaml",
        ".netrc",
        "id_rsa",
        ".ssh/config.py",
        "x/.ssh/deep/a.py",
        ".aws/credentials",
    ],
)
@pytest.mark.parametrize("base", [FOLDER, "file:///elsewhere", "vscode-remote://box/srv"])
def test_what_looks_secret_is_left_alone(base: str, path: str) -> None:
    check(f"{base}/{path}", SECRET)


@pytest.mark.parametrize(
    "path", ["environment.py", "secrets/a.py", "keys.py", "a.env.py", ".envs/a.py", "ssh/a.py"]
)
def test_what_does_not_look_secret_is_not(path: str) -> None:
    check(f"{FOLDER}/{path}", None)


def test_a_workspace_inside_a_secret_folder_is_secret() -> None:
    check("file:///srv/me/.ssh/tool/a.py", SECRET)


def test_own_globs_do_not_replace_the_usual_ones() -> None:
    check(f"{FOLDER}/.env", SECRET, disabledGlobs=["*.md"])
    check(f"{FOLDER}/.env", SECRET, disabledGlobs=[])


def test_a_user_may_admit_what_looks_secret_but_not_what_is_disabled() -> None:
    check(f"{FOLDER}/secrets.py", None, allowGlobs=["secrets.py"])
    check(f"{FOLDER}/secrets.py", None, allowGlobs=["/srv/me/project/secrets.py"])
    check(f"{FOLDER}/.env", SECRET, allowGlobs=["secrets.py"])
    check(f"{FOLDER}/secrets.py", DISABLED, allowGlobs=["*"], disabledGlobs=["secrets.py"])


@pytest.mark.parametrize(
    ("text", "reason"), [("%%bash\nls\n", "begins with %%bash"), ("%%time\nf()\n", None)]
)
def test_a_cell_that_is_not_python_is_left_alone(text: str, reason: str | None) -> None:
    item = types.TextDocumentItem("vscode-notebook-cell:/n.ipynb#1", "python", 1, text)
    found = obstacle(Source.opened(item, types.PositionEncodingKind.Utf16, is_cell=True), Configuration())
    assert found == (f"This cell is not in Python: it {reason}." if reason else None)
