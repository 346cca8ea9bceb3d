"""What the engine process can be asked: frozen values, and their JSON. Knows nothing of torch, LSP or processes."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar

import cattrs
from cattrs.strategies import configure_tagged_union
from redraft_model.passage import Completion, Doubt, Draft, Passage, Span, Version

T = TypeVar("T")


class Request(Generic[T]):
    """A request that is answered with a T."""

    answer: ClassVar[Any]


@dataclass(frozen=True)
class Repair(Request[Draft]):
    """The whole source with its errors repaired, as far as `timeout` seconds suffice (0: no limit); see `Engine.repair`."""

    answer = Draft
    source: str
    span: Span | None = None
    semantic: bool = False
    target_version: Version | None = None
    timeout: float = 0.0


@dataclass(frozen=True)
class Complete(Request[list[Draft]]):
    """Texts for the place of a passage's target; see `Engine.complete`."""

    answer = list[Draft]
    passage: Passage
    n_drafts: int = 1
    seed: int = 0
    single_line: bool = False
    retrieved_context: tuple[str, ...] = ()
    min_confidence: float = Completion.min_confidence


@dataclass(frozen=True)
class Rewrite(Request[list[Draft]]):
    """Texts for a passage's target after an action; see `Engine.rewrite`. A search for a repair ends after `timeout` seconds."""

    answer = list[Draft]
    passage: Passage
    action: str = "repair"
    n_drafts: int = 1
    seed: int = 0
    timeout: float = 0.0


@dataclass(frozen=True)
class FindDoubts(Request[list[Doubt]]):
    """The tokens the model did not expect; see `Engine.doubt`."""

    answer = list[Doubt]
    source: str
    span: Span | None = None
    threshold: float = 0.5


AnyRequest = Repair | Complete | Rewrite | FindDoubts

CONVERTER = cattrs.Converter(forbid_extra_keys=True)
configure_tagged_union(AnyRequest, CONVERTER, tag_name="ask")


def to_json(request: Request[Any]) -> dict[str, Any]:
    """`request` as JSON."""
    message: dict[str, Any] = CONVERTER.unstructure(request, unstructure_as=AnyRequest)
    return message


def from_json(message: object) -> AnyRequest:
    """The request in `message`; raises cattrs.BaseValidationError if there is none."""
    request: AnyRequest = CONVERTER.structure(message, AnyRequest)  # type: ignore[arg-type]
    return request


def arguments(request: AnyRequest) -> dict[str, Any]:
    """The fields of `request` by name: what the engine's method takes. How long it may take is for its watch to say."""
    return {field.name: getattr(request, field.name) for field in fields(request) if field.name != "timeout"}


def batches_with(one: Request[Any], other: Request[Any]) -> bool:
    """Whether the engine can work on both at once, as rows of one batch."""
    if not (isinstance(one, Complete) and isinstance(other, Complete)):
        return False
    return one.single_line == other.single_line
