"""The canvas of a running rewrite as an editor can draw it: the notification `redraft/denoise`.

    {"token": progress token, "textDocument": {"uri", "version"}, "index": 3, "limit": 12, "edits": [{"range", "newText"}]}

`edits` lead from that version of the document to what the model has at step `index` of at most `limit`: the best text
after a search round of a repair, or the canvas after a denoise step, a mask drawn as ░. Nothing of it is meant to be
applied: the result is in the answer to the request.
"""

from lsprotocol import types
from redraft_model.passage import DenoiseStep

from redraft_server.sources import Source

METHOD = "redraft/denoise"

# A picture is drawn at every step; for longer documents the comparison alone would take longer than a step.
MAX_CHARACTERS = 200_000


def is_drawable(source: Source) -> bool:
    """Whether the canvas of a rewrite of `source` can be shown while it runs."""
    return len(source.original) <= MAX_CHARACTERS


def picture(source: Source, token: types.ProgressToken, step: DenoiseStep) -> dict[str, object]:
    """The parameters of the notification about `step` of a rewrite of `source`."""
    return {
        "token": token,
        "textDocument": types.VersionedTextDocumentIdentifier(version=source.version, uri=source.uri),
        "index": step.index,
        "limit": step.limit,
        # Where the canvas has touched a line that only IPython understands, the picture shows what hides it.
        "edits": source.text_edits(source.revealed(step.text) or step.text),
    }
