"""URIs: the path they mean, and which folder they are in."""

from pathlib import Path

import pytest
from redraft_server.uris import file_path, path_of, relative_path


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///home/a/b.py", "/home/a/b.py"),
        ("file:///home/a/.e%6Ev", "/home/a/.env"),
        ("file:///home/x/../a/./b.py", "/home/a/b.py"),
        ("file:///with space/%23 #?.py", "/with space/# #?.py"),
        ("file:///C%3A/a.py", "/c:/a.py"),
        ("file://server/share/a.py", "/share/a.py"),
        ("untitled:Untitled-1", "Untitled-1"),
        ("untitled:/home/a/.env", "/home/a/.env"),
        ("vscode-notebook-cell:/home/a/n.ipynb#W0sZmlsZQ%3D%3D", "/home/a/n.ipynb"),
        ("vscode-remote://ssh-remote%2Bbox/home/a/.env", "/home/a/.env"),
        ("git:/home/a/.env?%7B%7D", "/home/a/.env"),
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
        ("file:///home/a/b.py", "file:///home/a", "b.py"),
        ("file:///home/a/x/b.py", "file:///home/a/", "x/b.py"),
        ("file:///home/ab.py", "file:///home/a", None),
        ("file:///home/a", "file:///home/a", None),
        ("file:///home/a/../b.py", "file:///home/a", None),
        ("file:///C%3A/a/b.py", "file:///c:/a", "b.py"),
        ("file:///a.py", "file:///", "a.py"),
        ("untitled:/home/a/new.py", "file:///home/a", "new.py"),
        ("untitled:Untitled-1", "file:///home/a", None),
        ("vscode-notebook-cell:/home/a/n.ipynb#X", "file:///home/a", "n.ipynb"),
        ("vscode-remote://ssh%2Bbox/home/a/b.py", "file:///home/a", None),
        ("vscode-remote://ssh%2Bbox/home/a/b.py", "vscode-remote://ssh+box/home/a", "b.py"),
        ("file://server/share/a.py", "file:///share", None),
    ],
)
def test_a_document_is_in_a_folder_of_its_own_space(uri: str, folder: str, expected: str | None) -> None:
    assert relative_path(uri, folder) == expected


def test_only_files_of_this_machine_have_a_path_on_it() -> None:
    assert file_path("file:///home/a") == Path("/home/a")
    assert file_path("file://localhost/home/a") == Path("/home/a")
    for uri in ("file://server/share", "vscode-remote://box/home/a", "untitled:/home/a", "/home/a"):
        assert file_path(uri) is None
