"""What a bridge has to know of the messages it passes: whether the editor said goodbye. Answers nothing.

The rules are those of `protocol.py`, so that an editor sees the same exit codes with and without a bridge.
"""

from redraft_server.framing import Frames, Garbage

# The three messages that count are small; initialize has the client's capabilities in it.
_LONGEST = 2**20


class Conversation:
    """Follows the bytes from an editor to its server, in whatever pieces they come."""

    def __init__(self) -> None:
        self.has_ended = False
        """Whether the editor has said exit, or will say no more."""
        self._frames = Frames()
        self._was_initialized = False
        self._was_shut_down = False

    @property
    def exit_code(self) -> int:
        """What the specification wants when the connection is gone: 0 after shutdown and exit, else 1."""
        return 0 if self._was_shut_down and self.has_ended else 1

    def note(self, data: bytes) -> None:
        """Take notice of `data`, which was sent to the server."""
        for body in self._frames.feed(data):
            if not isinstance(body, Garbage) and len(body) <= _LONGEST:
                self._note_message(body)

    def _note_message(self, body: bytes) -> None:
        # Most messages are edits, and need not be decoded.
        if not (b"initialize" in body or b"shutdown" in body or b"exit" in body):
            return
        # The editor need not wait for this to be loaded before it is connected.
        import json

        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        method, is_request = message.get("method"), "id" in message
        if method == "initialize" and is_request:
            self._was_initialized = True
        elif method == "shutdown" and is_request:
            self._was_shut_down = self._was_initialized
        elif method == "exit" and not is_request:
            self.has_ended = True
