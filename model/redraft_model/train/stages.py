"""Training stages: which forward processes a phase of the run draws from, and how long it lasts."""

from dataclasses import dataclass, replace

from redraft_model.data.samples import Mixture
from redraft_model.errors import DataError
from redraft_model.train.schedule import WarmupStableDecay


@dataclass(frozen=True)
class Stage:
    """One phase of a run; `share` is its part of all training tokens."""

    name: str
    share: float
    mixture: Mixture


@dataclass(frozen=True)
class Recipe:
    """Stages in order, whose shares add up to one, and how the learning rate changes over all of them."""

    name: str
    stages: tuple[Stage, ...]
    schedule: WarmupStableDecay = WarmupStableDecay()

    def stage_at(self, progress: float) -> Stage:
        """The stage at `progress` in [0, 1] of the run."""
        end = 0.0
        for stage in self.stages:
            end += stage.share
            if progress < end:
                return stage
        return self.stages[-1]


# Seed Diffusion's curriculum (arXiv 2508.02193, section 3.1): masks for 80 % of the steps, then edits are added.
CURRICULUM = Recipe(
    "curriculum",
    (
        Stage("mask", 0.8, Mixture.of(mask=0.6, span=0.4)),
        Stage("edit", 0.2, Mixture.of(mask=0.12, edit=0.13, syntax=0.33, semantic=0.17, span=0.2, keep=0.05)),
    ),
)

# The same two stages for runs of well under a billion tokens: at a few million parameters the editing labels need
# some ten million tokens before they are learnt at all, so the mask stage is only a start. Nor is what belongs in a place learnt
# from edits alone, which ask too little: half of the samples are masked, clean or have a span to fill, and in two of
# five others words are hidden.
EDITOR = Recipe(
    "editor",
    (
        Stage("mask", 0.05, Mixture.of(mask=0.6, edit=0.2, span=0.2)),
        Stage(
            "edit", 0.95, Mixture.of(mask=0.16, edit=0.06, syntax=0.20, semantic=0.24, span=0.26, keep=0.08)
        ),
    ),
)

# The last phase of a run that stands on the plateau, while the rate falls to zero: more errors of syntax, and real fixes. About a
# thousand of them already help a network trained on planted bugs (arXiv 2207.00301). At its end every token that is right
# is asked for, not one in five: until then the network believes in edits five times too easily.
REAL = Recipe(
    "real",
    (
        Stage(
            "real",
            0.75,
            Mixture.of(mask=0.05, edit=0.03, syntax=0.31, semantic=0.20, span=0.20, keep=0.06, real=0.15),
        ),
        Stage(
            "kept",
            0.25,
            Mixture.of(
                mask=0.05, syntax=0.34, semantic=0.20, span=0.20, keep=0.12, real=0.09, kept_share=1.0
            ),
        ),
    ),
    WarmupStableDecay(warmup=0.02, decay=0.98),
)

# For a run that goes on from a checkpoint whose rate has fallen already (--start-from): up to the plateau again, where most of
# what is new is learnt, and down. Both phases are those of the runs above, in one.
FURTHER = Recipe(
    "further",
    (
        replace(EDITOR.stages[-1], share=0.6),
        replace(REAL.stages[0], share=0.15),
        replace(REAL.stages[1], share=0.25),
    ),
    WarmupStableDecay(warmup=0.02, decay=0.4),
)

# For minutes on one repository (`redraft adapt`): its names and habits, in places to fill. What a repair asks stays in a third
# of the samples, so that it is not forgotten.
ADAPT = Recipe(
    "adapt",
    (Stage("adapt", 1.0, Mixture.of(mask=0.25, span=0.4, syntax=0.2, semantic=0.08, keep=0.07)),),
    WarmupStableDecay(warmup=0.05, decay=0.95),
)

# For the adapter of a pretrained base, whose knowledge is there already: what has to be learnt is to use both sides, and then to
# edit. A kind is drawn for each copy of a region; masks take two copies, a draw and its complement.
_FALLING = WarmupStableDecay(warmup=0.02, decay=0.98, floor=0.05)
_ADAPTER_MASK = Stage("mask", 1.0, Mixture.of(mask=1.0))
_ADAPTER_EDIT = Stage(
    "edit", 1.0, Mixture.of(mask=0.24, edit=0.08, syntax=0.22, semantic=0.20, span=0.22, keep=0.04)
)
ADAPTER = Recipe("adapter", (replace(_ADAPTER_MASK, share=0.5), replace(_ADAPTER_EDIT, share=0.5)), _FALLING)
ADAPTER_MASK = Recipe("adapter_mask", (_ADAPTER_MASK,), _FALLING)
ADAPTER_REAL = Recipe(
    "adapter_real",
    (
        replace(_ADAPTER_EDIT, share=0.5),
        Stage(
            "real",
            0.5,
            Mixture.of(
                mask=0.2,
                edit=0.06,
                syntax=0.22,
                semantic=0.18,
                span=0.2,
                keep=0.08,
                real=0.06,
                kept_share=1.0,
            ),
        ),
    ),
    _FALLING,
)

RECIPES = {
    recipe.name: recipe
    for recipe in (CURRICULUM, EDITOR, REAL, FURTHER, ADAPT, ADAPTER, ADAPTER_MASK, ADAPTER_REAL)
}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; DataError names the ones there are."""
    if name not in RECIPES:
        raise DataError(f"there is no recipe {name!r}; choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
