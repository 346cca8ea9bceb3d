"""Forward processes: each makes worse code out of good, and training learns the way back. No torch."""

from redraft_model.noise.edit import EditNoise
from redraft_model.noise.mask import MaskNoise
from redraft_model.noise.registry import (
    SPAN_PROCESSES,
    TEXT_PROCESSES,
    TOKEN_PROCESSES,
    SpanProcess,
    TextProcess,
    TokenIds,
    TokenProcess,
    names,
    register,
    span_process,
    text_process,
    token_process,
)
from redraft_model.noise.semantic import SemanticNoise
from redraft_model.noise.span import SpanNoise
from redraft_model.noise.syntax import SyntaxNoise

__all__ = [
    "SPAN_PROCESSES",
    "TEXT_PROCESSES",
    "TOKEN_PROCESSES",
    "EditNoise",
    "MaskNoise",
    "SemanticNoise",
    "SpanNoise",
    "SpanProcess",
    "SyntaxNoise",
    "TextProcess",
    "TokenIds",
    "TokenProcess",
    "names",
    "register",
    "span_process",
    "text_process",
    "token_process",
]
