"""Source files worth learning from: where they are, and why one is kept out. Knows nothing of tokens."""

import ast
import os
import random
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from redraft_model.errors import DataError

MIN_BYTES, MAX_BYTES = 50, 400_000

# Folders that hold no source of their own. `.venv` is walked when it is named itself.
SKIPPED_FOLDERS = frozenset({".git", "node_modules", "__pycache__", ".venv"})

DOES_NOT_PARSE = "does not parse"

# Shorter lines, blanks at their ends not counted, say nothing about whether two files are near duplicates.
MIN_LINE = 12


@dataclass(frozen=True)
class SourceFile:
    """Where a file is: the folder that was named, and the path below it.

    `package` is an index into `Corpus.packages`.
    """

    root: str
    path: str
    package: int
    is_held_out: bool

    @property
    def full_path(self) -> Path:
        """Path to open."""
        return Path(self.root, self.path)


@dataclass(frozen=True)
class Package:
    """An installed distribution and what its metadata says about its licence."""

    name: str
    licence: str


@dataclass(frozen=True)
class Corpus:
    """All candidate files, held-out ones first, and the packages they belong to."""

    files: tuple[SourceFile, ...]
    packages: tuple[Package, ...]


@dataclass(frozen=True)
class Source:
    """A file that is kept: its text with \\n line ends and no byte order mark, and its syntax tree."""

    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Dropped:
    """A file that is not kept: why, in a few words that are the same for all files of that kind."""

    reason: str


def find(folders: Sequence[Path], held_out: Sequence[str] = ()) -> Corpus:
    """List the Python files below `folders` in a fixed order.

    A file is held out when a part of its path below the folder, or the folder's own name, is one of
    `held_out`. Raises DataError for a folder that is not there.
    """
    names = frozenset(held_out)
    files: list[SourceFile] = []
    packages: list[Package] = []
    seen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder; name folders with Python files")
        root = folder.resolve()
        owners = _Owners(root, packages)
        for path, visited in _walk(root, owners):
            if visited in seen:  # one folder inside another
                continue
            seen.add(visited)
            parts = {root.name, *path.parts, path.stem}
            files.append(SourceFile(str(root), str(path), owners.of(path), bool(parts & names)))
    # Held-out files come first: what is seen there first cannot be trained on.
    return Corpus(tuple(sorted(files, key=lambda file: not file.is_held_out)), tuple(packages))


def read(path: Path) -> Source | Dropped:
    """The text and tree of a file that is worth learning from, or the reason it is not."""
    try:
        size = path.stat().st_size
        if not MIN_BYTES <= size <= MAX_BYTES:
            return Dropped("too small" if size < MIN_BYTES else "too large")
        data = path.read_bytes()
    except OSError:
        return Dropped("unreadable")
    text = decode(data)
    if text is None:
        return Dropped("not UTF-8")
    return judge(path.name, text)


def decode(data: bytes) -> str | None:
    """UTF-8 text without byte order mark and with \\n line ends, or None."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def judge(name: str, text: str) -> Source | Dropped:
    """Whether the text of a file called `name` is code that people wrote and that parses."""
    # The cheap questions come first.
    if is_generated(name, text):
        return Dropped("generated")
    if is_minified(text):
        return Dropped("minified")
    tree = parse(text)
    if tree is None:
        return Dropped(DOES_NOT_PARSE)
    if is_mostly_comments(text, tree):
        return Dropped("nearly only comments")
    if is_data(text, tree):
        return Dropped("data")
    return Source(text, tree)


def parse(text: str) -> ast.Module | None:
    """The syntax tree, or None when the parser refuses the text for whatever reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None


_GENERATED_NAME = re.compile(
    r"(?:_pb2|_pb2_grpc|_thrift|parsetab|_?lextab|yacctab|(?:Lexer|Parser|Listener|Visitor)_antlr)\.py$"
)
_GENERATED_ANYWHERE = re.compile(
    r"@generated\b|do\s+not\s+(?:edit|modify)\b|(?:auto|machine)-?generated\b", re.I
)
_GENERATED_COMMENT = re.compile(
    r"^[ \t]*(?:#|\"\"\"|''')?\W*(?:this (?:file|module|code|script) )?(?:(?:is|was|has been) )?"
    r"(?:automatically )?generated (?:by|from|automatically)\b",
    re.I | re.M,
)
_N_HEAD_LINES = 12


def is_generated(name: str, text: str) -> bool:
    """Whether the file's name or its first comments and docstring say that a program wrote it."""
    if _GENERATED_NAME.search(name):
        return True
    head = "\n".join(text[:4000].split("\n", _N_HEAD_LINES)[:_N_HEAD_LINES])
    code = re.search(r"^(?:import|from|def|class|if)\b", head, re.M)
    head = head[: code.start()] if code else head
    return bool(_GENERATED_ANYWHERE.search(head) or _GENERATED_COMMENT.search(head))


def is_minified(text: str) -> bool:
    """Whether lines are longer than people write them.

    That is: 100 characters on average, or a fifth of the text in lines over 1000.
    """
    lengths = [len(line) for line in text.split("\n") if line.strip()]
    n_characters = sum(lengths)
    n_in_long_lines = sum(length for length in lengths if length > 1000)
    return n_characters > 100 * len(lengths) or n_in_long_lines > 0.2 * n_characters


def is_mostly_comments(text: str, tree: ast.Module) -> bool:
    """Whether all statements are a docstring, or nine lines in ten are comments or module docstring."""
    body = tree.body
    n_prose = sum(line.lstrip().startswith("#") for line in text.split("\n"))
    if body and _is_string(body[0]):
        n_prose += (body[0].end_lineno or 0) - body[0].lineno + 1
        body = body[1:]
    n_lines = sum(bool(line.strip()) for line in text.split("\n"))
    return not body or n_prose > 0.9 * n_lines


_WORD = re.compile(r"\w+|[^\w\s]")
_HEX_ESCAPE = re.compile(r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\b0x[0-9a-fA-F]+|\b[0-9a-f]{32,}\b")
_DIGIT = re.compile(r"[0-9]")


def is_data(text: str, tree: ast.Module) -> bool:
    """Whether the file is a table.

    That is: mostly digits or hex, mostly literals outside functions, or few words again and again.
    """
    n_visible = sum(map(len, text.split()))
    if len(_DIGIT.findall(text)) > 0.3 * n_visible:
        return True
    if sum(len(match.group()) for match in _HEX_ESCAPE.finditer(text)) > 0.2 * n_visible:
        return True
    if len(text) > 4000 and _n_literal_lines(tree) > 0.7 * text.count("\n"):
        return True
    counts = Counter(_WORD.findall(text))
    # In code the number of different words grows like the square root of the length or faster (Heaps' law).
    return counts.total() > 1000 and len(counts) < 2 * counts.total() ** 0.5


def _n_literal_lines(tree: ast.Module) -> int:
    """Lines of literal tables and strings that are assigned in the module or in its classes."""
    n_lines = 0
    for outer in tree.body:
        for statement in outer.body if isinstance(outer, ast.ClassDef) else [outer]:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(
                statement.value, ast.List | ast.Tuple | ast.Dict | ast.Set | ast.Constant
            ):
                n_lines += (statement.end_lineno or 0) - statement.lineno + 1
    return n_lines


def _is_string(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def text_digest(text: str) -> bytes:
    """16 bytes that are equal for texts that differ in blanks only."""
    return blake2b(" ".join(text.split()).encode(), digest_size=16).digest()


def line_hashes(text: str) -> bytes:
    """8-byte hashes, back to back, of the different lines that say something, in order of appearance."""
    lines = dict.fromkeys(stripped for line in text.split("\n") if len(stripped := line.strip()) >= MIN_LINE)
    return b"".join([blake2b(line.encode(), digest_size=8).digest() for line in lines])


def sample_text(folders: Sequence[Path], n_bytes: int, seed: int) -> Iterator[str]:
    """Texts of kept files in random order, about `n_bytes` in all, for training a tokenizer.

    Exact duplicates are left out. Raises DataError for a folder that is not there.
    """
    files = list(find(folders).files)
    random.Random(seed).shuffle(files)
    seen: set[bytes] = set()
    for file in files:
        if n_bytes <= 0:
            return
        source = read(file.full_path)
        if isinstance(source, Dropped) or (digest := text_digest(source.text)) in seen:
            continue
        seen.add(digest)
        n_bytes -= len(source.text.encode())
        yield source.text


class _Owners:
    """Which distribution the files below a folder belong to, filled while the folder is walked."""

    def __init__(self, root: Path, packages: list[Package]) -> None:
        self._packages = packages
        self._by_prefix: dict[PurePosixPath, int] = {}
        self._unknown = Package(root.name, "unknown")

    def of(self, path: PurePosixPath) -> int:
        """Index of the package of a file, by its nearest known parent."""
        for prefix in (path, *path.parents):
            if (found := self._by_prefix.get(prefix)) is not None:
                return found
        return self._index(PurePosixPath("."), self._unknown)

    def add_installed(self, folder: PurePosixPath, dist_info: Path) -> None:
        """Note the top-level modules of a *.dist-info folder that lies in `folder`."""
        package = package_of(dist_info / "METADATA", dist_info.name.split("-")[0])
        record = _read_lines(dist_info / "RECORD")
        tops = {line.split(",", 1)[0].split("/", 1)[0] for line in record}
        tops |= {name for top in _read_lines(dist_info / "top_level.txt") for name in (top, f"{top}.py")}
        for top in sorted(tops):
            if top and top != ".." and not top.endswith(".dist-info"):
                self._index(folder / top, package)

    def add_unpacked(self, folder: PurePosixPath, pkg_info: Path) -> None:
        """Note a source distribution: everything below the folder of its PKG-INFO."""
        self._index(folder, package_of(pkg_info, pkg_info.parent.name))

    def _index(self, prefix: PurePosixPath, package: Package) -> int:
        if package not in self._packages:
            self._packages.append(package)
        return self._by_prefix.setdefault(prefix, self._packages.index(package))


def _walk(root: Path, owners: _Owners) -> Iterator[tuple[PurePosixPath, Path]]:
    """Python files below `root`, (path below root, real path), sorted; links are not followed."""
    for folder_name, folder_names, file_names in os.walk(root, followlinks=False):
        folder = Path(folder_name)
        below = PurePosixPath(folder.relative_to(root))
        for name in sorted(folder_names):
            if name.endswith(".dist-info"):
                owners.add_installed(below, folder / name)
        if "PKG-INFO" in file_names:
            owners.add_unpacked(below, folder / "PKG-INFO")
        folder_names[:] = sorted(name for name in folder_names if name not in SKIPPED_FOLDERS)
        for name in sorted(file_names):
            path = folder / name
            if name.endswith(".py") and path.is_file() and not path.is_symlink():
                yield below / name, path


def package_of(metadata: Path, default: str) -> Package:
    """Name and licence from a core metadata file, https://packaging.python.org/specifications/core-metadata/."""
    try:
        fields = HeaderParser().parsestr(metadata.read_text("utf-8", errors="replace"))
    except OSError:
        return Package(default, "unknown")
    classifiers = [
        str(line).rpartition("::")[2].strip()
        for line in fields.get_all("Classifier", [])
        if str(line).startswith("License ::")
    ]
    # Some projects put the whole licence text into the field.
    free_text = str(fields.get("License") or "").strip().partition("\n")[0][:60]
    licence = fields.get("License-Expression") or ", ".join(classifiers) or free_text or "unknown"
    return Package(str(fields.get("Name") or default), str(licence))


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
