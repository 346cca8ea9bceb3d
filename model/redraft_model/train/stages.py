"""Training stages: which forward processes a phase of the run draws from, and how long it lasts."""

from dataclasses import dataclass

from redraft_model.data.samples import Mixture
from redraft_model.errors import DataError


@dataclass(frozen=True)
class Stage:
    """One phase of a run; `share` is its part of all training tokens."""

    name: str
    share: float
    mixture: Mixture


@dataclass(frozen=True)
class Recipe:
    """Stages in order; their shares add up to one."""

    name: str
    stages: tuple[Stage, ...]

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
        Stage("mask", 0.8, Mixture(mask=0.6, span=0.4)),
        Stage("edit", 0.2, Mixture(mask=0.12, span=0.2, edit=0.13, syntax=0.33, semantic=0.17, keep=0.05)),
    ),
)

# The same two stages for runs of well under a billion tokens: at a few million parameters the editing labels need
# some ten million tokens before they are learnt at all, so the mask stage is only a start.
EDITOR = Recipe(
    "editor",
    (
        Stage("mask", 0.05, Mixture(mask=0.6, span=0.2, edit=0.2)),
        Stage("edit", 0.95, Mixture(mask=0.10, span=0.20, edit=0.12, syntax=0.36, semantic=0.17, keep=0.05)),
    ),
)

RECIPES = {recipe.name: recipe for recipe in (CURRICULUM, EDITOR)}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; DataError names the ones there are."""
    if name not in RECIPES:
        raise DataError(f"there is no recipe {name!r}; choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
