"""What a URI says about the place of a document, without looking at the disk.

A document may live in a file, in an unsaved buffer, in a cell of a notebook, or in something that only the
editor knows; its path means the same in all of them.
"""

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

# These name places in the local file system, whatever the document in them is.
_LOCAL_SCHEMES = ("file", "untitled", "vscode-notebook-cell")
_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*))?(?P<path>.*)", re.DOTALL)
_DRIVE = re.compile(r"/[A-Za-z]:")


def path_of(uri: str) -> str:
    """The path in `uri`, decoded and without detours; for a notebook's cell that of the notebook."""
    scheme, _, path = _parts(uri)
    if scheme != "file":
        # Some editors leave "#" and "?" in file names as they are.
        path = re.split("[?#]", path, maxsplit=1)[0]
    path = unquote(path)
    if _DRIVE.match(path):
        path = path[:2].lower() + path[2:]
    return posixpath.normpath(path) if path else ""


def is_inside(uri: str, folder: str) -> bool:
    """Whether the document `uri` is in the folder with the URI `folder`, at any depth."""
    return relative_path(uri, folder) is not None


def relative_path(uri: str, folder: str) -> str | None:
    """The path of `uri` below `folder`; None if it is not there."""
    if _space(uri) != _space(folder):
        return None
    path, above = path_of(uri), path_of(folder).rstrip("/")
    return path[len(above) + 1 :] if path.startswith(above + "/") else None


def file_path(uri: str) -> Path | None:
    """Where the file or folder `uri` is on this machine; None if it is somewhere else."""
    scheme, authority, _ = _parts(uri)
    if scheme != "file" or authority not in ("", "localhost"):
        return None
    path = path_of(uri)
    return Path(path[1:] if _DRIVE.match(path) else path)


def _space(uri: str) -> tuple[str, str]:
    """Documents in different spaces have nothing to do with each other, even if their paths are equal."""
    scheme, authority, _ = _parts(uri)
    return "file" if scheme in _LOCAL_SCHEMES else scheme, authority


def _parts(uri: str) -> tuple[str, str, str]:
    match = _URI.match(uri)
    if match is None:
        return "", "", uri
    return match["scheme"].lower(), unquote(match["authority"] or "").lower(), match["path"]
