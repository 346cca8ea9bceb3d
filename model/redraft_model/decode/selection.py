"""Selection: which proposals of a denoise step are committed. Works on one block's answers, not on the network."""

# T positions of the block and one behind it, V vocabulary

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID
from redraft_model.tokens.canvas import broadcast_deletion
from redraft_model.tokens.tokenizer import SPECIALS

Ids = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int64]

_NOT_AT_MASKS = [i for i in range(len(SPECIALS)) if i != DELETE_ID]


@dataclass(frozen=True)
class Thresholds:
    """Confidence a proposal needs to be committed: at a mask (`fill`, LLaDA 2.0), at a visible token (`edit`, LLaDA 2.1)."""

    fill: float = 0.9
    edit: float = 0.9


@dataclass(frozen=True)
class Proposals:
    """The best answer at every position of a block and at the position behind it, shape (T,), and its probability."""

    answer: Ids
    confidence: npt.NDArray[np.float32]


def propose(
    log_p_TV: torch.Tensor, shown: Ids, temperature: float, generator: torch.Generator | None
) -> Proposals:
    """The most likely answers to the tokens `shown` (T,), or a sample at `temperature`.

    A mask is answered by text or by its deletion, never by an insertion or a marker. The confidence is the answer's probability at
    temperature one.
    """
    masks = torch.from_numpy(np.flatnonzero(shown == MASK_ID)).to(log_p_TV.device)
    if len(masks):
        at_masks = log_p_TV[masks]
        forbid_controls_at_masks(at_masks)
        log_p_TV = log_p_TV.index_copy(0, masks, at_masks)
    scores = log_p_TV
    if temperature > 0 and generator is not None:
        uniform = torch.rand(log_p_TV.shape, generator=generator).clamp(1e-9, 1 - 1e-7).to(log_p_TV.device)
        # Gumbel-max: the argmax of log p / temperature + noise is a sample.
        scores = log_p_TV / temperature - torch.log(-torch.log(uniform))
    answer = scores.argmax(-1)
    confidence = log_p_TV.gather(-1, answer[:, None])[:, 0].exp()
    return Proposals(answer.cpu().numpy().astype(np.int32), confidence.cpu().numpy())


def commit(shown: Ids, proposals: Proposals, thresholds: Thresholds) -> Ids:
    """The labels to execute, shape (T,), given the T - 1 tokens of a block and the one behind it.

    Of the masks at least one is filled; of the token behind the block only an insertion in front of it counts. Labels equal to
    `shown` (with the region's end for the token behind) mean that nothing is left to do.
    """
    block, labels = shown[:-1], shown.copy()
    answer, confidence = proposals.answer, proposals.confidence
    is_mask = block == MASK_ID
    edited = (answer != shown) & (confidence > thresholds.edit)
    edited[:-1] &= ~is_mask
    edited[-1] &= bool(np.isin(answer[-1], INSERT_IDS))
    labels[edited] = answer[edited]
    if is_mask.any():
        chosen = _filled(np.flatnonzero(is_mask), proposals, thresholds.fill)
        labels[chosen] = answer[chosen]
        labels = broadcast_deletion(block, labels)
    if not edited[-1]:
        labels[-1] = ANCHOR_ID
    return labels


def _filled(masks: Positions, proposals: Proposals, threshold: float) -> Positions:
    """The masks whose proposals are sure enough, at least the surest."""
    confidence = proposals.confidence[masks]
    sure = masks[confidence > threshold]
    return sure if len(sure) else masks[confidence.argmax()][None]


def is_settled(shown: Ids, labels: Ids) -> bool:
    """Whether executing `labels` would change nothing."""
    return bool(np.array_equal(shown[:-1], labels[:-1])) and labels[-1] == ANCHOR_ID


def forbid_controls_at_masks(log_p_TV: torch.Tensor) -> None:
    """Leave only what a mask can become, in place: text, or nothing. It is not opened again, and no marker is written."""
    log_p_TV[:, _NOT_AT_MASKS] = -torch.inf
