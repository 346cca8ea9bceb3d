"""Training samples: a piece of a file, corrupted by one forward process, with the labels that undo it. No torch."""

from redraft_model.data.samples import keep, mask, real, span, text, tokens
from redraft_model.data.samples.kinds import KINDS, Drawing, SampleSource, kind_named, sample_kind
from redraft_model.data.samples.maker import Mixture, SampleMaker
from redraft_model.data.samples.sample import IGNORED, Context, Corrupted, Sample

__all__ = [
    "IGNORED",
    "KINDS",
    "Context",
    "Corrupted",
    "Drawing",
    "Mixture",
    "Sample",
    "SampleMaker",
    "SampleSource",
    "keep",
    "kind_named",
    "mask",
    "real",
    "sample_kind",
    "span",
    "text",
    "tokens",
]
