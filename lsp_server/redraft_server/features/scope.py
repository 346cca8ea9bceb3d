"""Which documents Redraft works on: one answer for all features."""

from redraft_model.errors import RedraftError

from redraft_server.sources import Source

LANGUAGES = ("python",)


def obstacle(source: Source) -> str | None:
    """Why Redraft cannot work on `source`, in one sentence; None if it can."""
    if source.language not in LANGUAGES:
        return "Redraft repairs Python only."
    try:
        source.document.text.encode()
    except RedraftError as error:
        return str(error)
    except UnicodeEncodeError as error:
        return f"The document contains half a character (a lone surrogate) at offset {error.start}."
    return None
