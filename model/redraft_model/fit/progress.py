"""How far training has come: what checkpoints can do with the same held-out pieces, over the tokens they have seen."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from math import inf
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

import numpy as np
import torch

from redraft_model.complete.completer import Completer
from redraft_model.data.shards import Shards
from redraft_model.decode.proposer import Proposer
from redraft_model.engine import EngineSettings
from redraft_model.evaluate.proportion import wilson
from redraft_model.fit.figures import save
from redraft_model.fit.gathering import ProposerMaker, TimeBox, broken_piece, lines, outcome
from redraft_model.fit.pieces import Piece, function, pieces, statements
from redraft_model.network.checkpoint import Checkpoint
from redraft_model.noise import SyntaxNoise
from redraft_model.passage import Span
from redraft_model.repair.settings import Search
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.window import cut, with_masks
from redraft_model.train.curves import require_drawable

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)  # shares of a text's tokens that are masked


@dataclass(frozen=True)
class Progress:
    """What one checkpoint can do: nats of a masked token at each of LEVELS, and of `n` tries how many were right."""

    tokens: int
    nats: tuple[float, ...]
    n: int
    n_repaired: int  # pieces with one to four errors that are again what they were, by the hand-set costs of the search
    n_completed: int  # rests of lines whose most likely text is what stood there

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Progress":
        """Inverse of `to_json`."""
        return cls(**{**data, "nats": tuple(data["nats"])})

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)


def measure(checkpoint: Checkpoint, shards: Shards, n: int, seed: int = 0) -> Progress:
    """The progress of a checkpoint with `n` pieces for each measurement; the same seed takes the same pieces and errors."""

    def make() -> Proposer:
        return Proposer(checkpoint.model, checkpoint.tokenizer)

    def drawn(kind: str) -> Iterator[Piece]:
        cut_out = function if kind == "masks" else statements
        return pieces(shards, checkpoint.tokenizer, Random(f"{seed} {kind}"), cut_out)

    settings = EngineSettings()
    completer = Completer(checkpoint.model, checkpoint.tokenizer, settings.line)
    completed = lines(completer, islice(drawn("lines"), n), Random(seed), TimeBox(inf))
    return Progress(
        checkpoint.training.tokens,
        masked_nats(make, list(islice(drawn("masks"), n)), Random(seed)),
        n,
        n_repaired=_n_repaired(make, drawn("repairs"), n, Random(seed)),
        n_completed=sum(max(each.solutions, key=lambda text: text.score).is_right for each in completed),
    )


@torch.inference_mode()
def masked_nats(make: ProposerMaker, texts: Sequence[Piece], rng: Random) -> tuple[float, ...]:
    """Mean negative log-likelihood of a masked token when so large a share of a text is masked; all tokens count alike."""
    found: list[list[float]] = [[] for _ in LEVELS]
    for piece in texts:
        proposer = make()
        window = cut(proposer.tokenizer, piece.code, Span(0, len(piece.code)), action="repair")
        region = window.canvas.region
        hidden = [
            np.array(sorted(rng.sample(range(len(region)), max(1, round(level * len(region))))))
            for level in LEVELS
        ]
        masked = []
        for places in hidden:
            text = region.copy()
            text[places] = MASK_ID
            masked.append(with_masks(window, text))
        rows = proposer.log_p_at(masked, hidden)
        for nats, places, log_p_AV in zip(found, hidden, rows, strict=True):
            nats.extend((-log_p_AV[np.arange(len(places)), region[places].astype(np.int64)]).tolist())
    return tuple(mean(nats) for nats in found)


def _n_repaired(make: ProposerMaker, stream: Iterator[Piece], n: int, rng: Random) -> int:
    noise = SyntaxNoise(again=0.35, n_mutators_max=4)
    broken = (broken_piece(stream, noise, rng) for _ in range(n))
    return sum(outcome(make, *each, Search(), None).is_right for each in broken if each is not None)


def draw_progress(rows: Sequence[Progress], out: Path) -> None:
    """Write the nats of a masked token by noise level, and what share of repairs and lines is right with Wilson 95 % intervals."""
    require_drawable(out)
    from matplotlib.figure import Figure

    rows = sorted(rows, key=lambda row: row.tokens)
    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    levels, repairs, completions = figure.subplots(1, 3)
    for number, row in enumerate(rows):
        shade = str(0.75 * (1 - (number + 1) / len(rows)))
        levels.plot(LEVELS, row.nats, marker="o", color=shade, label=f"{row.tokens / 1e6:.1f} M tokens")
    levels.set_xlabel("share of tokens masked")
    levels.set_ylabel("nats of a masked token")
    levels.legend(fontsize="small")
    for panel, name, label in (
        (repairs, "n_repaired", "one to four errors repaired as it was"),
        (completions, "n_completed", "rest of a line as it was"),
    ):
        shares = [getattr(row, name) / row.n for row in rows]
        intervals = [wilson(getattr(row, name), row.n) for row in rows]
        below = [share - low for share, (low, _) in zip(shares, intervals, strict=True)]
        above = [high - share for share, (_, high) in zip(shares, intervals, strict=True)]
        panel.errorbar([row.tokens / 1e6 for row in rows], shares, [below, above], marker="o", capsize=3)
        panel.set_xlabel("million tokens seen")
        panel.set_ylabel(label)
        panel.set_ylim(bottom=0)
    for panel in (levels, repairs, completions):
        panel.grid(alpha=0.3)
    save(figure, out)
