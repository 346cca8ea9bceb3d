"""What earlier runs of `redraft fix` have found, so that an unchanged tree takes seconds: a table of verdicts by hash.

Of a file that compiles only a hash is kept, of a repair the places that it changes and the characters that it adds there.
A verdict counts only for the very bytes, model, options and versions that it was made with: they all go into its key. Whatever
is wrong with the table is a miss: an entry carries a checksum, a damaged table is begun anew, one that cannot be used is done
without. Two runs may use it at once. The environment variable REDRAFT_CACHE_DIR says where else than usual it is.
"""

import hashlib
import json
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rapidfuzz.distance import LCSseq
from redraft_model.errors import RedraftError
from redraft_model.passage import About, Cost, Diagnosis, DiagnosisKind, Draft, Reading, Span

from redraft_server import edits

# The number says how entries are built; another one is another table.
FILE_NAME = "verdicts-1.sqlite3"

MAX_ENTRIES = 200_000
MAX_BYTES = 50_000_000
MAX_ENTRY_BYTES = 50_000

_N_PENDING = 500
_LARGEST_COMPARISON = 100_000_000  # pairs of characters
_SECONDS_TO_WAIT = 5
_TABLE = (
    "CREATE TABLE IF NOT EXISTS verdict (key BLOB PRIMARY KEY, value BLOB NOT NULL, used INTEGER NOT NULL)"
)


class _TooMuch(Exception):  # noqa: N818  (a fact about two texts)
    """Two texts differ in more than can be compared character by character."""


class VerdictsError(RedraftError):
    """The table cannot be used."""


def cache_folder() -> Path:
    """Where verdicts are, whether there are any or not."""
    if folder := os.environ.get("REDRAFT_CACHE_DIR"):
        return Path(folder).absolute()
    import platformdirs

    return platformdirs.user_cache_path("redraft", appauthor=False)


def key_of(*parts: bytes | str) -> bytes:
    """The key for whatever `parts` say together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.digest()


def _today() -> int:
    return int(time.time() // 86_400)


class Verdicts:
    """The table in one folder. Nothing is raised once it is open: what cannot be read is not there."""

    def __init__(
        self,
        table: sqlite3.Connection | None,
        path: Path = Path(),
        today: Callable[[], int] = _today,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._table, self._path = table, path
        self._today = today()
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._pending: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()

    @classmethod
    def none(cls) -> "Verdicts":
        """A table that remembers nothing."""
        return cls(None)

    @classmethod
    def opened(
        cls,
        folder: Path,
        today: Callable[[], int] = _today,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> "Verdicts":
        """The table in `folder`, made if it is not there and made anew if it is damaged; raises VerdictsError."""
        try:
            _make_own(folder)
            path = folder / FILE_NAME
            table = _connected(path) or _begun_anew(path)
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise VerdictsError(
                f"the cache in {folder} cannot be used ({reason}); name another folder in REDRAFT_CACHE_DIR, or add --no-cache"
            ) from error
        return cls(table, path, today, max_entries, max_bytes)

    def text(self, key: bytes) -> str | None:
        """The text that was put under `key`; None if there is none."""
        value = self._value(key)
        with suppress(UnicodeDecodeError):
            return None if value is None else value.decode()
        return None

    def put_text(self, key: bytes, text: str) -> None:
        """Remember `text` under `key`."""
        self._put(key, text.encode())

    def draft(self, key: bytes, source: str) -> Draft | None:
        """What the engine once made of `source`, at no cost now; None if that is not known."""
        found = self._object(key)
        try:
            read = found.get("reading")
            return Draft(
                _changed(source, found["edits"]),
                float(found["score"]),
                float(found["confidence"]),
                int(found["n_edits"]),
                bool(found["parses"]),
                Cost(),
                read and Reading(str(read["what"]), _changed(source, read["edits"])),
                tuple(
                    Diagnosis(Span(start, end), DiagnosisKind(kind))
                    for start, end, kind in found.get("corrected", ())
                ),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def put_draft(self, key: bytes, source: str, draft: Draft) -> None:
        """Remember what the engine made of `source`: where it changes, and which characters come; not if that is a great deal."""
        read = draft.reading
        with suppress(_TooMuch):
            self._put_object(
                key,
                {
                    "edits": _changes(source, draft.text),
                    "score": draft.score,
                    "confidence": draft.confidence,
                    "n_edits": draft.n_edits,
                    "parses": draft.parses,
                    "reading": read and {"what": read.what, "edits": _changes(source, read.text)},
                    "corrected": [(each.span.start, each.span.end, each.kind) for each in draft.corrected],
                },
            )
        # What took seconds is not to be lost with the process.
        self._flush()

    def about(self, key: bytes) -> About | None:
        """What a model said of itself; None if that is not known."""
        found = self._object(key)
        try:
            tuples = {name: tuple(found[name]) for name in ("actions", "origins")}
            return About(**{**found, **tuples})
        except (KeyError, TypeError):
            return None

    def put_about(self, key: bytes, about: About) -> None:
        """Remember what a model says of itself."""
        self._put_object(key, asdict(about))

    def close(self) -> None:
        """Write what is not written yet, and forget what was not used for longest if there is too much."""
        self._flush()
        table, self._table = self._table, None
        if table is None:
            return
        with suppress(sqlite3.Error), table:
            stale = [(self._today, key) for key in self._used]
            table.executemany("UPDATE verdict SET used = ? WHERE key = ?", stale)
            self._trim(table)
        with suppress(sqlite3.Error):
            table.close()

    def _trim(self, table: sqlite3.Connection) -> None:
        n_entries, n_bytes = table.execute(
            "SELECT count(*), total(length(key) + length(value)) FROM verdict"
        ).fetchone()
        share = max(n_entries / self._max_entries, n_bytes / self._max_bytes)
        if share > 1:
            # More than has to go, so that this is not done at the end of every run.
            n_gone = n_entries - int(0.75 * n_entries / share)
            table.execute(
                "DELETE FROM verdict WHERE key IN (SELECT key FROM verdict ORDER BY used LIMIT ?)", (n_gone,)
            )

    def _object(self, key: bytes) -> dict[str, Any]:
        value = self._value(key)
        with suppress(ValueError):
            found = json.loads(value or b"{}")
            if isinstance(found, dict):
                return found
        return {}

    def _put_object(self, key: bytes, value: dict[str, Any]) -> None:
        self._put(key, json.dumps(value).encode())

    def _value(self, key: bytes) -> bytes | None:
        if key in self._pending:
            return self._pending[key]
        if self._table is None:
            return None
        try:
            row = self._table.execute("SELECT value, used FROM verdict WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        if row is None or not isinstance(row[0], bytes):
            return None
        value: bytes = row[0]
        if value[:_N_CHECK] != _check(key, value[_N_CHECK:]):
            return None
        if row[1] != self._today:
            self._used.add(key)
        return value[_N_CHECK:]

    def _put(self, key: bytes, value: bytes) -> None:
        if self._table is None or len(value) > MAX_ENTRY_BYTES:
            return
        self._pending[key] = value
        if len(self._pending) >= _N_PENDING:
            self._flush()

    def _flush(self) -> None:
        if self._table is None or not self._pending:
            return
        rows = [(key, _check(key, value) + value, self._today) for key, value in self._pending.items()]
        self._pending = {}
        try:
            with self._table:
                self._table.executemany("INSERT OR REPLACE INTO verdict VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without the table; a damaged one is not there for the next run any more."""
        table, self._table = self._table, None
        with suppress(sqlite3.Error):
            if table is not None:
                table.close()
        # What is locked, full or not to be read just now is an OperationalError.
        if not isinstance(error, sqlite3.OperationalError):
            self._path.unlink(missing_ok=True)


def _changes(before: str, after: str) -> list[tuple[int, int, str]]:
    """The characters of `before` that go, as ranges, and those that come in their places: nothing else of `after` is in it.

    Raises _TooMuch.
    """
    found: list[tuple[int, int, str]] = []
    for edit in edits.between(before, after):
        old = edit.span.of(before)
        if len(old) * len(edit.text) > _LARGEST_COMPARISON:
            raise _TooMuch
        for code in LCSseq.opcodes(old, edit.text):
            if code.tag != "equal":
                start = edit.span.start
                new = edit.text[code.dest_start : code.dest_end]
                found.append((start + code.src_start, start + code.src_end, new))
    return found


def _changed(before: str, changes: list[tuple[int, int, str]]) -> str:
    return edits.apply(before, [edits.Edit(Span(start, end), str(text)) for start, end, text in changes])


_N_CHECK = 16


def _check(key: bytes, value: bytes) -> bytes:
    return hashlib.blake2b(value, key=key, digest_size=_N_CHECK).digest()


def _make_own(folder: Path) -> None:
    """Make `folder` if it is not there; raises OSError if others could put verdicts into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":
        return
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError("it belongs to somebody else")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("others may write there")


def _begun_anew(path: Path) -> sqlite3.Connection:
    path.unlink(missing_ok=True)
    table = _connected(path)
    if table is None:
        raise PermissionError("the disk returns something else than was written")
    return table


def _connected(path: Path) -> sqlite3.Connection | None:
    """The table in the file `path`; None if it is damaged. Raises sqlite3.OperationalError."""
    table = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)
    try:
        # The table can be lost, and is begun anew then: nothing has to wait for the disk.
        table.execute("PRAGMA synchronous = OFF")
        with table:
            table.execute(_TABLE)
    except sqlite3.DatabaseError as error:
        table.close()
        if isinstance(error, sqlite3.OperationalError):
            raise
        return None
    return table
