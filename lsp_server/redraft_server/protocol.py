"""JSON-RPC as the language server protocol wants it, mended from outside where pygls 2.1 falls short.

pygls keeps the typed messages, the table of handlers and the requests in flight. Here is what it leaves
out: an answer to every request (also to one that cannot be read, comes too early or too late), errors
without tracebacks, and silence when nobody is listening any more. Knows nothing of what the handlers do.
"""

import asyncio
import enum
import json
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import cattrs
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from redraft_model.errors import Cancelled, RedraftError

logger = logging.getLogger(__name__)

_WITHOUT_PARAMS = (types.SHUTDOWN, types.EXIT)


class RequestFailed(JsonRpcException):
    """The request was fine, but there is nothing to answer; the message is a sentence for the user."""

    CODE = types.LSPErrorCodes.RequestFailed.value
    MESSAGE = "Request Failed"


class Writer(Protocol):
    """Where messages go."""

    def send(self, body: bytes) -> None:
        """Send one message, `body` in whatever frame belongs around it, without waiting for anybody.

        Raises OSError when nobody reads any more.
        """


class Phase(enum.Enum):
    """How far the conversation has come."""

    WAITING = "waiting for initialize"
    RUNNING = "running"
    SHUT_DOWN = "shut down"


class RedraftProtocol(LanguageServerProtocol):
    """The conversation with one client. Everything is called on the event loop."""

    def __init__(self, server: LanguageServer, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        # Every handler is ours: a built-in one can be neither replaced nor, if it is a generator, cancelled.
        self.fm.builtin_features.clear()
        self.converter = converter
        self.phase = Phase.WAITING
        self.controls: dict[str, Callable[[], object]] = {}
        """Requests about the process rather than the conversation: answered in any phase, parameters ignored."""
        self._out: Writer | None = None

    def send_to(self, writer: Writer) -> None:
        """Write messages to `writer` from now on."""
        self._out = writer

    def receive(self, body: bytes) -> None:
        """Act upon one message of the client."""
        try:
            message = json.loads(body.decode())
        except (ValueError, RecursionError) as error:
            self.refuse(None, JsonRpcParseError(f"The message is not JSON: {error}."))
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            identity = message.get("id") if isinstance(message, dict) else None
            self.refuse(_identity(identity), JsonRpcInvalidRequest("This is no JSON-RPC 2.0 message."))
        elif "method" not in message and ("result" in message or "error" in message):
            self._receive_response(message)
        elif not isinstance(message.get("method"), str):
            self.refuse(
                _identity(message.get("id")), JsonRpcInvalidRequest("A method is missing, or no string.")
            )
        elif "id" not in message:
            self._receive_notification(message)
        elif _identity(message["id"]) is None:
            self.refuse(None, JsonRpcInvalidRequest("An id is a string or a whole number."))
        else:
            self._receive_request(message)

    def refuse(self, identity: str | int | None, error: JsonRpcException) -> None:
        """Answer request `identity` (None if it could not be read) with `error`."""
        logger.debug("Refused %r: %s", identity, error.message)
        content = {"code": int(error.code), "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": identity, "error": content})

    def _receive_request(self, message: dict[str, Any]) -> None:
        method, identity = message["method"], message["id"]
        if method in self.controls:
            self._send_data({"jsonrpc": self.VERSION, "id": identity, "result": self.controls[method]()})
        elif self.phase is Phase.SHUT_DOWN:
            self.refuse(identity, JsonRpcInvalidRequest("The server was shut down."))
        elif self.phase is Phase.WAITING and method != types.INITIALIZE:
            self.refuse(identity, JsonRpcServerNotInitialized("The server waits for initialize."))
        elif self.phase is Phase.RUNNING and method == types.INITIALIZE:
            self.refuse(identity, JsonRpcInvalidRequest("The server was initialized already."))
        elif method not in self.fm.features:
            self.refuse(identity, JsonRpcMethodNotFound(f"There is no method {method!r}."))
        elif not _is_request(method):
            self.refuse(identity, JsonRpcInvalidRequest(f"{method!r} is a notification, which has no id."))
        elif identity in self._request_futures:
            self.refuse(identity, JsonRpcInvalidRequest(f"A request with id {identity!r} is still open."))
        else:
            try:
                request = self._structured(message)
            except JsonRpcInvalidParams as error:
                self.refuse(identity, error)
                return
            if method == types.INITIALIZE:
                self.phase = Phase.RUNNING
            elif method == types.SHUTDOWN:
                self.phase = Phase.SHUT_DOWN
            self.handle_message(request)

    def _receive_notification(self, message: dict[str, Any]) -> None:
        method = message["method"]
        if self.phase is not Phase.RUNNING and method != types.EXIT:
            logger.debug("Ignored %r: %s", method, self.phase.value)
        elif method != types.CANCEL_REQUEST and method not in self.fm.features:
            logger.debug("Ignored unknown notification %r", method)
        else:
            try:
                notification = self._structured(message)
            except JsonRpcInvalidParams as error:
                logger.error("Ignored notification %r: %s", method, error.message)
                self._close_unreadable(message)
                return
            self.handle_message(notification)

    def _close_unreadable(self, message: dict[str, Any]) -> None:
        """Forget a document of which a change could not be read: a wrong text is worse than none."""
        method = message["method"]
        if method == types.TEXT_DOCUMENT_DID_CHANGE and (uri := _uri(message, "textDocument")):
            document = types.TextDocumentIdentifier(uri)
            closing: Any = types.DidCloseTextDocumentParams(document)
            self._handle_notification(types.TEXT_DOCUMENT_DID_CLOSE, closing)
        elif method == types.NOTEBOOK_DOCUMENT_DID_CHANGE and (uri := _uri(message, "notebookDocument")):
            notebook = types.NotebookDocumentIdentifier(uri)
            closing = types.DidCloseNotebookDocumentParams(notebook, [])
            self._handle_notification(types.NOTEBOOK_DOCUMENT_DID_CLOSE, closing)

    def _receive_response(self, message: dict[str, Any]) -> None:
        identity = _identity(message.get("id"))
        # pygls keeps the client's requests in the same table, as tasks; their ids are no business of a response.
        future = self._request_futures.get(identity) if identity is not None else None
        if identity is None or not isinstance(future, Future):
            logger.debug("Ignored a response to %r", identity)
            return
        del self._request_futures[identity]
        kind = self._result_types.pop(identity, None)
        if future.done():
            logger.debug("Nobody waits for the response to %r any more", identity)
            return
        try:
            if "error" in message:
                failure = self.converter.structure(message["error"], types.ResponseError)
                future.set_exception(JsonRpcException.from_error(failure))
            elif kind is None:
                future.set_result(message.get("result"))
            else:
                future.set_result(self.converter.structure(message, kind).result)
        except (cattrs.BaseValidationError, TypeError) as error:
            future.set_exception(JsonRpcInvalidRequest(_explained(error)))

    def _structured(self, message: dict[str, Any]) -> Any:
        """`message` as its lsprotocol class; raises JsonRpcInvalidParams."""
        method = message["method"]
        if method in _WITHOUT_PARAMS:
            # Absent, null and {} all occur.
            message = {**message, "params": None}
        elif method == types.INITIALIZED:
            message = {**message, "params": {}}
        try:
            return self.converter.structure(message, types.METHOD_TO_TYPES[method][0])
        except (cattrs.BaseValidationError, RecursionError) as error:
            raise JsonRpcInvalidParams(_explained(error)) from error

    def _send_handler_result(self, future: "Future[Any] | asyncio.Future[Any]", *, msg_id: str | int) -> None:
        self._request_futures.pop(msg_id, None)
        error = JsonRpcRequestCancelled() if future.cancelled() else future.exception()
        if error is None:
            self._send_response(msg_id, result=future.result())
        elif isinstance(error, JsonRpcException):
            self.refuse(msg_id, error)
        elif isinstance(error, Cancelled):
            self.refuse(msg_id, JsonRpcRequestCancelled())
        elif isinstance(error, RedraftError):
            self.refuse(msg_id, RequestFailed(str(error)))
        else:
            logger.error("Request %r failed", msg_id, exc_info=error)
            self.refuse(msg_id, JsonRpcInternalError("Redraft failed; its log says where."))

    def _check_handler_result(self, future: "Future[Any] | asyncio.Future[Any]") -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("A notification could not be handled", exc_info=error)

    def _handle_cancel_notification(self, msg_id: str | int) -> None:
        # The request stays among those in flight until it has answered.
        future = self._request_futures.get(msg_id)
        if isinstance(future, asyncio.Future):
            future.cancel()

    def _send_data(self, data: Any) -> None:
        if self._out is None:
            return
        # With ASCII only, a lone surrogate in a document cannot make a message unsendable.
        body = json.dumps(data, default=self._serialize_message, separators=(",", ":")).encode("ascii")
        try:
            self._out.send(body)
        except OSError as error:
            logger.info("Nobody reads our answers: %s", error)
            self._out = None


def _identity(value: object) -> str | int | None:
    is_valid = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    return value if is_valid else None  # type: ignore[return-value]


def _uri(message: dict[str, Any], key: str) -> str | None:
    """The URI of the document that `message` is about, as far as it can be read."""
    params = message.get("params")
    document = params.get(key) if isinstance(params, dict) else None
    uri = document.get("uri") if isinstance(document, dict) else None
    return uri if isinstance(uri, str) else None


def _is_request(method: str) -> bool:
    """Whether `method`, one of ours, has an answer."""
    _, response, *_ = types.METHOD_TO_TYPES[method]
    return response is not None


def _explained(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The message is nested too deeply."
    return "; ".join(cattrs.transform_error(error, path="message")) + "."
