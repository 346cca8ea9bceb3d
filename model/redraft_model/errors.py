"""Errors a user can do something about. Each message is one sentence that says what to do."""


class RedraftError(Exception):
    """Base class: the command line prints the message and exits with 2, the server answers RequestFailed."""


class CheckpointError(RedraftError):
    """A checkpoint is missing, damaged, or does not belong to this version."""


class DataError(RedraftError):
    """A data folder, shard or benchmark file cannot be used as asked."""


class PassageError(RedraftError):
    """The text handed to the engine cannot be worked on (too long, empty target, unknown action)."""


class Cancelled(Exception):  # noqa: N818  (a fact, not a failure)
    """The caller asked to stop; raised between two denoise steps."""


class OutOfTime(Exception):  # noqa: N818  (a fact, not a failure)
    """The time the caller gave is up; raised as Cancelled is, and caught by the engine, which keeps what it has."""
