"""URIs: the path they mean, and which folder they are in."""

from pathlib import Path

import pytest
from redraft_server.uris import file_path, path_of, relative_path


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///srv/a/b.py", "/srv/a/b.py"),
        ("file:///srv/a/.e%6Ev", "/srv/a/.env"),
        ("file:///srv/x/../a/./b.py", "/srv/a/b.py"),
        ("file:///with space/%23 #?.py", "/with space/# #?.py"),
        ("file:///C%3A/a.py", "/c:/a.py"),
        ("file://server/share/a.py", "/share/a.py"),
        ("untitled:Untitled-1", "Untitled-1"),
        ("untitled:/srv/a/.env", "/srv/a/.env"),
        ("vscode-notebook-cell:/srv/a/n.ipynb#W0sZmlsZQ%3D%3D", "/srv/a/n.ipynb"),
        ("vscode-remote://ssh-remote%2Bbox/srv/a/.env", "/srv/a/.env"),
        ("git:/srv/a/.env?%7B%7D", "/srv/a/.env"),
        ("inmemory://model/1", "/1"),
        ("no uri", "no uri"),
        ("", ""),
    ],
)
def test_the_path_in_a_uri(uri: str, expected: str) -> None:
    assert path_of(uri) == expected


@pytest.mark.parametrize(
    ("uri", "folder", "expected"),
    [
        ("file:///srv/a/b.py", "file:///srv/a", "b.py"),
        ("file:///srv/a/x/b.py", "file:///srv/a/", "x/b.py"),
        ("file:///srv/ab.py", "file:///srv/a", None),
        ("file:///srv/a", "file:///srv/a", None),
        ("file:///srv/a/../b.py", "file:///srv/a", None),
        ("file:///C%3A/a/b.py", "file:///c:/a", "b.py"),
        ("file:///a.py", "file:///", "a.py"),
        ("untitled:/srv/a/new.py", "file:///srv/a", "new.py"),
        ("untitled:Untitled-1", "file:///srv/a", None),
        ("vscode-notebook-cell:/srv/a/n.ipynb#X", "file:///srv/a", "n.ipynb"),
        ("vscode-remote://ssh%2Bbox/srv/a/b.py", "file:///srv/a", None),
        ("vscode-remote://ssh%2Bbox/srv/a/b.py", "vscode-remote://ssh+box/srv/a", "b.py"),
        ("file://server/share/a.py", "file:///share", None),
    ],
)
def test_a_document_is_in_a_folder_of_its_own_space(uri: str, folder: str, expected: str | None) -> None:
    assert relative_path(uri, folder) == expected


def test_only_files_of_this_machine_have_a_path_on_it() -> None:
    assert file_path("file:///srv/a") == Path("/srv/a")
    assert file_path("file://localhost/srv/a") == Path("/srv/a")
    for uri in ("file://server/share", "vscode-remote://box/srv/a", "untitled:/srv/a", "/srv/a"):
        assert file_path(uri) is None
