"""Real broken Python: files and fenced examples that no parser accepts. What is only old or new Python is told apart.

Knows nothing of tokens.
"""

import os
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from redraft_model.data.benchmark_file import read_rows
from redraft_model.data.corpus import SKIPPED_FOLDERS, decode, package_of, parse, text_digest
from redraft_model.data.decontamination import SHINGLE, Decontamination, shingle_hashes
from redraft_model.data.json_lines import write_json_lines
from redraft_model.errors import DataError
from redraft_model.text.parser import error_spans

MAX_LINES = 200
MAX_BYTES = 20_000
PYTHON_2_SHARE = 0.2  # of all that is kept, at most


@dataclass(frozen=True)
class Broken:
    """A text that does not parse: where it is from, and the licence of its package."""

    text: str
    source: str
    licence: str


@dataclass(frozen=True)
class BrokenReport:
    """What was found, and how many texts were left out for which reason."""

    texts: tuple[Broken, ...]
    n_dropped: Counter[str]

    def summary(self) -> str:
        """One line for every number."""
        lines = [f"{len(self.texts):>7,} broken texts"]
        lines += [f"{n:>7,} left out: {reason}" for reason, n in self.n_dropped.most_common()]
        return "\n".join(lines)


def collect(
    folders: Sequence[Path], decontaminate: Path, benchmarks: Path | None = None, max_lines: int = MAX_LINES
) -> BrokenReport:
    """Broken texts below `folders` in a fixed order, none of them in a benchmark.

    Benchmarks are known by the hashes in `decontaminate`; texts too short for those by the rows of the files in
    `benchmarks`. Raises DataError for a folder that is not there.
    """
    checks = _Checks(Decontamination.load(decontaminate), benchmarks)
    kept: list[Broken] = []
    old: list[Broken] = []
    n_dropped = Counter[str]()
    for found in _candidates(folders):
        text = found.text
        if not text.strip() or parse(text) is not None:
            continue
        reason = _flaw(text, max_lines) or checks.flaw(text)
        if reason:
            n_dropped[reason] += 1
        elif is_python_2(text):
            old.append(found)
        else:
            kept.append(found)
    n_old = int(len(kept) * PYTHON_2_SHARE / (1 - PYTHON_2_SHARE))
    if len(old) > n_old:
        n_dropped["too much Python 2"] += len(old) - n_old
    # Every so many of them, so that one large package does not fill the share.
    old = [old[i * len(old) // n_old] for i in range(n_old)] if len(old) > n_old else old
    return BrokenReport((*kept, *old), n_dropped)


def write_broken(path: Path, texts: Sequence[Broken]) -> None:
    """Write gzipped JSON lines that `read_broken` reads."""
    write_json_lines(path, texts)


def read_broken(path: Path) -> list[Broken]:
    """The texts `redraft data broken` has written; DataError when they cannot be read."""
    return [Broken(row.text("text"), row.text("source"), row.text("licence")) for row in read_rows(path)]


_PYTHON_2 = re.compile(
    r"^\s*print(?:\s+[^\s(=.,:]|\s*>>|\s*$)|^\s*exec\s+[^\s(=]|\bexcept\s+[\w.()\s,]+?,\s*\w+\s*:"
    r"|^\s*raise\s+[\w.]+\s*,|<>|`[^`\n]+`|\b[uU][rR][\"']|\b0\d+\b|\b\d+[lL]\b",
    re.M,
)
_TEMPLATE = re.compile(r"\{%|\{\{|%\(\w+\)s\s*$|^\s*(?:\$\{|<%|#if\b|@@)", re.M)
_CONFLICT = re.compile(r"^(?:<<<<<<<|>>>>>>>|=======$|\+\+\+ |--- |@@ )", re.M)
_TRANSCRIPT = re.compile(r"^\s*(?:>>>|\$ |In \[\d|\.\.\. ?$|Traceback \()", re.M)
_NEWER = re.compile(r"^\s*lazy (?:from|import)\b|^\s*type \w+.*=|[\[{]\*\*?\w+ for\b", re.M)
_ELLIPSIS = re.compile(r"^\s*(?:\.\.\.|…)|[,(]\s*(?:\.\.\.|…)", re.M)


def is_python_2(text: str) -> bool:
    """Whether the text has what only Python 2 reads; a bug such as a forgotten bracket of print may look the same."""
    return bool(_PYTHON_2.search(text))


def _flaw(text: str, max_lines: int) -> str:
    """Why a text that does not parse is no bug of its writer; empty when it may be one."""
    if text.count("\n") >= max_lines or len(text) > MAX_BYTES:
        return "too long"
    if "\0" in text or len(text.split()) < 3:
        return "no code"
    if _TEMPLATE.search(text):
        return "a template"
    if _CONFLICT.search(text):
        return "a diff"
    if _TRANSCRIPT.search(text):
        return "a transcript"
    # What tree-sitter reads and this parser does not is a newer Python, or Python 2.
    if _NEWER.search(text) or (not error_spans(text) and not is_python_2(text)):
        return "another Python"
    return ""


class _Checks:
    """What repeats a benchmark, or a text seen before."""

    def __init__(self, hashes: Decontamination, benchmarks: Path | None) -> None:
        texts = list(_benchmark_texts(benchmarks)) if benchmarks else []
        self._hashes = hashes
        self._seen = set[bytes]()
        self._digests = {text_digest(text) for text in texts}
        self._lines = {_squeezed(text) for text in texts if len(shingle_hashes(text)) == 0}
        self._shingles = {int(hash_) for text in texts for hash_ in shingle_hashes(text)}

    def flaw(self, text: str) -> str:
        """Why the text is left out; empty when it is kept, and then it counts as seen."""
        digest = text_digest(text)
        if digest in self._seen:
            return "duplicate"
        self._seen.add(digest)
        if overlap := self._hashes.overlap(text):
            return f"repeats {overlap}"
        squeezed = _squeezed(text)
        shingles = shingle_hashes(text)
        n_hits = sum(int(hash_) in self._shingles for hash_ in shingles)
        if digest in self._digests or squeezed in self._lines or n_hits >= min(3, 0.1 * len(shingles) + 1):
            return "repeats a benchmark file"
        # A benchmark's snippet may stand among other lines.
        if any(len(line) >= SHINGLE and line in squeezed for line in self._lines):
            return "repeats a benchmark file"
        return ""


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _benchmark_texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        for row in read_rows(path):
            for name in ("before", "buggy", "code", "input"):
                if isinstance(row.fields.get(name), str):
                    yield row.text(name)


def _candidates(folders: Sequence[Path]) -> Iterator[Broken]:
    """Python files, and the Python examples in Markdown and reStructuredText."""
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder; name folders with Python files")
        for path in _walk(folder):
            try:
                text = decode(path.read_bytes()) if path.stat().st_size < 1_000_000 else None
            except OSError:
                continue
            if text is None:
                continue
            below = path.relative_to(folder)
            source = str(Path(folder.name) / below)
            licence = _licence(folder, below)
            if path.suffix == ".py":
                yield Broken(text, source, licence)
            else:
                for number, snippet in enumerate(_examples(text)):
                    yield Broken(snippet, f"{source}#{number}", licence)


def _walk(folder: Path) -> Iterator[Path]:
    for name, folder_names, file_names in os.walk(folder):
        folder_names[:] = sorted(name for name in folder_names if name not in SKIPPED_FOLDERS)
        for file_name in sorted(file_names):
            path = Path(name, file_name)
            if path.suffix in {".py", ".md", ".rst"} and path.is_file() and not path.is_symlink():
                yield path


_FENCE = re.compile(r"^([ \t]*)```[ \t]*(?:python|py|python3)\b[^\n]*\n(.*?)^\1```", re.M | re.S | re.I)
_DIRECTIVE = re.compile(
    r"^([ \t]*)\.\. (?:code-block|code|sourcecode):: *python3?[ \t]*\n(?:\1[ \t]+:[^\n]*\n)*\n((?:\1[ \t]+[^\n]*\n|[ \t]*\n)+)",
    re.M,
)


def _examples(text: str) -> Iterator[str]:
    for pattern in (_FENCE, _DIRECTIVE):
        for match in pattern.finditer(text):
            snippet = textwrap.dedent(match[2]).strip("\n") + "\n"
            # An example that leaves something out is not wrong.
            if not _ELLIPSIS.search(snippet):
                yield snippet


def _licence(folder: Path, below: Path) -> str:
    """What the nearest PKG-INFO above a file says; "unknown" without one."""
    for parent in below.parents:
        metadata = folder / parent / "PKG-INFO"
        if metadata.is_file():
            return package_of(metadata, "").licence
    return "unknown"
