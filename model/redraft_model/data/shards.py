"""Token shards: tokens and statements of many files in one memory-mapped folder. Knows nothing of text.

A folder holds

- `tokens.bin`: uint16 token ids of all files, back to back
- `files.npy`: int64 (n_files + 1,), token offset of every file
- `statements.npy`: int64 (n_statements, 4), see `FIRST`, `END`, `DEPTH`, `PARENT`
- `next_siblings.npy`: int32 (n_statements,), the statement that follows in the same block
- `statement_files.npy`: int64 (n_files + 1,), statement offset of every file
- `paths.txt`: one path per file
- `meta.json`: version, counts, fingerprint of the tokenizer, report of the build
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from redraft_model.errors import DataError

VERSION = 1

# Columns of a statement. A span reaches from its first content token to the end of its last one: the token of
# the line break and indentation before it, and that of the line break after it, are outside.
FIRST, END, DEPTH, PARENT = range(4)

Tokens = npt.NDArray[np.uint16]
Statements = npt.NDArray[np.int64]
Siblings = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Shards:
    """A read-only shard folder; nothing is copied into memory until it is used."""

    folder: Path
    meta: Mapping[str, Any]
    tokens: Tokens
    file_offsets: npt.NDArray[np.int64]
    all_statements: Statements
    all_next_siblings: Siblings
    statement_offsets: npt.NDArray[np.int64]

    @classmethod
    def open(cls, folder: Path) -> "Shards":
        """Map a folder that `redraft data build` has written; DataError when it is missing or damaged."""
        meta = _read_meta(folder)
        n_files, n_tokens, n_statements = meta["n_files"], meta["n_tokens"], meta["n_statements"]
        return cls(
            folder,
            meta,
            _map_tokens(folder, n_tokens),
            _map_offsets(folder, "files.npy", n_files, n_tokens),
            _map_array(folder, "statements.npy", (n_statements, 4), np.int64),
            _map_array(folder, "next_siblings.npy", (n_statements,), np.int32),
            _map_offsets(folder, "statement_files.npy", n_files, n_statements),
        )

    @property
    def n_files(self) -> int:
        """Number of files."""
        return len(self.file_offsets) - 1

    @property
    def n_tokens(self) -> int:
        """Number of tokens in all files."""
        return len(self.tokens)

    @property
    def n_statements(self) -> int:
        """Number of statements in all files."""
        return len(self.all_statements)

    @property
    def tokenizer_sha256(self) -> str:
        """Fingerprint of the tokenizer these ids belong to."""
        return str(self.meta["tokenizer_sha256"])

    def file_of(self, token: int) -> int:
        """The file that holds token number `token` of the shard."""
        return int(np.searchsorted(self.file_offsets, token, side="right")) - 1

    def file_tokens(self, i: int) -> Tokens:
        """Token ids of file `i`, uint16 (n,)."""
        return self.tokens[self.file_offsets[i] : self.file_offsets[i + 1]]

    def statements(self, i: int) -> Statements:
        """Statements of file `i` in document order, int64 (m, 4): first token, end token, depth, parent.

        Tokens count from the shard's start (subtract `file_offsets[i]` for positions in `file_tokens(i)`);
        depth is in columns; a parent is a row of this same array, -1 for the module.
        """
        return self.all_statements[self.statement_offsets[i] : self.statement_offsets[i + 1]]

    def next_siblings(self, i: int) -> Siblings:
        """For each row of `statements(i)` the row that follows it in the same block, or -1; int32 (m,)."""
        return self.all_next_siblings[self.statement_offsets[i] : self.statement_offsets[i + 1]]

    def paths(self) -> list[str]:
        """Path of every file, as it was found."""
        return (self.folder / "paths.txt").read_text("utf-8").splitlines()

    def require_tokenizer(self, sha256: str) -> None:
        """DataError unless these shards were made with the tokenizer of that fingerprint."""
        if self.tokenizer_sha256 != sha256:
            raise DataError(
                f"{self.folder} was made with another tokenizer "
                f"({self.tokenizer_sha256[:12]}, not {sha256[:12]}); build it again with this one"
            )


class ShardWriter:
    """Appends files to a new shard folder; the folder appears under its name only when `finish` is called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        self._tokens = (self._partial / "tokens.bin").open("wb")
        # The number of rows is in the header of an .npy file, and it is only known at the end.
        self._statements = (self._partial / "statements.raw").open("wb")
        self._next_siblings = (self._partial / "next_siblings.raw").open("wb")
        self._paths = (self._partial / "paths.txt").open("w", encoding="utf-8", newline="\n")
        self._file_offsets = [0]
        self._statement_offsets = [0]

    @property
    def n_files(self) -> int:
        """Files added so far."""
        return len(self._file_offsets) - 1

    @property
    def n_tokens(self) -> int:
        """Tokens added so far."""
        return self._file_offsets[-1]

    @property
    def n_statements(self) -> int:
        """Statements added so far."""
        return self._statement_offsets[-1]

    def add(
        self,
        path: str,
        tokens: npt.NDArray[Any],
        statements: npt.NDArray[Any],
        next_siblings: npt.NDArray[Any],
    ) -> None:
        """Append one file; the token columns of `statements` count from the file's start."""
        rows = np.array(statements, dtype=np.int64).reshape(-1, 4)
        rows[:, [FIRST, END]] += self.n_tokens
        self._tokens.write(np.ascontiguousarray(tokens, dtype="<u2").tobytes())
        self._statements.write(rows.astype("<i8").tobytes())
        self._next_siblings.write(np.ascontiguousarray(next_siblings, dtype="<i4").tobytes())
        # A path may hold bytes that are no text, or a line break.
        self._paths.write(path.encode("utf-8", "backslashreplace").decode().replace("\n", "\\n") + "\n")
        self._file_offsets.append(self.n_tokens + len(tokens))
        self._statement_offsets.append(self.n_statements + len(rows))

    def finish(self, tokenizer_sha256: str, report: Mapping[str, Any]) -> None:
        """Write offsets and `meta.json`, and give the folder its name; an older folder there is replaced."""
        for stream in (self._tokens, self._statements, self._next_siblings, self._paths):
            stream.close()
        _give_header(self._partial / "statements.raw", (self.n_statements, 4), "<i8")
        _give_header(self._partial / "next_siblings.raw", (self.n_statements,), "<i4")
        np.save(self._partial / "files.npy", np.array(self._file_offsets, dtype="<i8"))
        np.save(self._partial / "statement_files.npy", np.array(self._statement_offsets, dtype="<i8"))
        meta = {
            "version": VERSION,
            "n_files": self.n_files,
            "n_tokens": self.n_tokens,
            "n_statements": self.n_statements,
            "tokenizer_sha256": tokenizer_sha256,
            "report": report,
        }
        (self._partial / "meta.json").write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n", "utf-8")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._partial.rename(self._folder)


def _give_header(raw: Path, shape: tuple[int, ...], dtype: str) -> None:
    """Turn a file of bare numbers into an .npy file next to it."""
    with raw.open("rb") as numbers, raw.with_suffix(".npy").open("wb") as array:
        np.lib.format.write_array_header_1_0(array, {"descr": dtype, "fortran_order": False, "shape": shape})
        shutil.copyfileobj(numbers, array, 1 << 20)
    raw.unlink()


def _read_meta(folder: Path) -> dict[str, Any]:
    path = folder / "meta.json"
    try:
        meta = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(
            f"{folder} holds no token shards (no meta.json); run redraft data build first"
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); run redraft data build again") from error
    if not isinstance(meta, dict) or meta.get("version") != VERSION:
        raise DataError(f"{path} is of another version than {VERSION}; run redraft data build again")
    counts = [meta.get(name) for name in ("n_files", "n_tokens", "n_statements")]
    if not all(isinstance(count, int) and count >= 0 for count in counts) or "tokenizer_sha256" not in meta:
        raise DataError(f"{path} lacks its counts or its tokenizer; run redraft data build again")
    return meta


def _map_tokens(folder: Path, n_tokens: int) -> Tokens:
    path = folder / "tokens.bin"
    n_bytes = path.stat().st_size if path.is_file() else 0
    if n_bytes != 2 * n_tokens:
        raise DataError(
            f"{path} has {n_bytes} bytes where meta.json says {2 * n_tokens}; run redraft data build again"
        )
    # An empty file cannot be mapped.
    return np.memmap(path, dtype="<u2", mode="r") if n_tokens else np.empty(0, dtype=np.uint16)


def _map_array(folder: Path, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    path = folder / name
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r" if shape[0] else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is missing or cut off; run redraft data build again") from error
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise DataError(
            f"{path} is {array.dtype} {array.shape} where meta.json asks for {np.dtype(dtype)} {shape}; "
            "run redraft data build again"
        )
    return array


def _map_offsets(folder: Path, name: str, n_files: int, total: int) -> npt.NDArray[np.int64]:
    offsets = _map_array(folder, name, (n_files + 1,), np.int64)
    if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise DataError(f"{folder / name} does not fit meta.json; run redraft data build again")
    return offsets
