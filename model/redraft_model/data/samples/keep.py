"""Samples in which nothing is wrong: every label is KEEP."""

from redraft_model.data.samples.kinds import Drawing, sample_kind
from redraft_model.data.samples.repair import repair_sample
from redraft_model.data.samples.sample import Corrupted
from redraft_model.data.samples.unit import draw_shown


@sample_kind("keep")
def keep_sample(process: str, drawing: Drawing) -> Corrupted | None:
    """A clean text."""
    shown = draw_shown(drawing)
    if shown is None:
        return None
    return repair_sample(drawing, process, shown.context, shown.clean, shown.clean, shown.room)
