"""Whether a packaged extension is what users should get: check_vsix.py FILE.vsix.

It has to be small, to hold exactly the wanted files, and to carry the version of the Python package. The file that the editor
waits for has to do without the client library.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
MAX_BYTES = 400_000
MAX_BYTES_AT_ONCE = 64_000

AT_ONCE = "extension/dist/extension.js"
WANTED = {
    "[Content_Types].xml",
    "extension.vsixmanifest",
    "extension/package.json",
    "extension/readme.md",
    "extension/changelog.md",
    "extension/LICENSE.txt",
    AT_ONCE,
    "extension/dist/client.js",
}


def complaints(vsix: Path) -> list[str]:
    """What is wrong with `vsix`, a sentence each."""
    media = (ROOT / "editor_clients/vscode/media").iterdir()
    wanted = WANTED | {f"extension/media/{path.name}" for path in media}
    with zipfile.ZipFile(vsix) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("extension/package.json"))
        bundles = {name: archive.read(name).decode("utf-8") for name in names if name.endswith(".js")}
    found = [f"{name} should not be in there." for name in sorted(names - wanted)]
    found += [f"{name} is missing." for name in sorted(wanted - names)]
    if (size := vsix.stat().st_size) > MAX_BYTES:
        found.append(f"It has {size} bytes, and {MAX_BYTES} are the limit.")
    if manifest["version"] != (version := python_version()):
        found.append(f"Its version is {manifest['version']}, the Python package's is {version}.")
    if len(bundles.get(AT_ONCE, "").encode("utf-8")) > MAX_BYTES_AT_ONCE:
        found.append(f"{AT_ONCE} is larger than {MAX_BYTES_AT_ONCE} bytes, and the editor waits for it.")
    found += [
        f"{name} names a source map."
        for name, bundle in sorted(bundles.items())
        if "sourceMappingURL=" in bundle
    ]
    return found


def python_version() -> str:
    """The version of the Python package."""
    text = (ROOT / "lsp_server/redraft_server/__init__.py").read_text("utf-8")
    match = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert match is not None
    return match[1]


if __name__ == "__main__":
    package = Path(sys.argv[1])
    problems = complaints(package)
    for problem in problems:
        print(f"{package.name}: {problem}", file=sys.stderr)
    if not problems:
        print(f"{package} is fine: {package.stat().st_size} bytes.")
    sys.exit(1 if problems else 0)
