"""Real samples: what somebody had written and what they made of it, or what they made of it with new bugs."""

from dataclasses import replace

from redraft_model.data import pair_window
from redraft_model.data.samples.kinds import Drawing, sample_kind
from redraft_model.data.samples.repair import mark_at, repair_sample
from redraft_model.data.samples.sample import Context, Corrupted
from redraft_model.noise import SyntaxNoise
from redraft_model.text.parser import problem


@sample_kind("real")
def real_sample(process: str, drawing: Drawing) -> Corrupted | None:
    """A window around the change of a pair, with as much of the text around it as a random budget allows."""
    source, tokenizer, rng = drawing.source, drawing.tokenizer, drawing.rng
    n_context = rng.randrange(source.longest // 2)
    n_region = int(min(source.longest - 4 - n_context, rng.lognormvariate(4.9, 0.7)))
    pair = rng.choice(source.pairs)
    if rng.random() < source.broken_share:
        # These are programs of the kind that is repaired, and few: once fixed they are good for more than their fix.
        process = "syntax"
        pair = replace(pair, before=SyntaxNoise().corrupt(pair.after, rng))
        if not pair_window.is_usable(tokenizer, pair, source.longest):
            return None
    cut = pair_window.cut(tokenizer, pair, n_region, n_context, rng)
    room = source.longest - 4 - len(cut.before) - len(cut.after)
    if len(cut.clean) > room:
        return None
    # A piece of a program has problems that are none of its own.
    trouble = problem(pair.before) if pair.is_whole else None
    mark = None
    if trouble is not None:
        text, at = pair.before[cut.start :], trouble.span.start - cut.start
        mark = mark_at(tokenizer, cut.x_t, text, at, trouble.kind)
    return repair_sample(drawing, process, Context(cut.before, cut.after), cut.x_t, cut.clean, room, mark)
