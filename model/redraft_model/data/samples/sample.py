"""What a sample is: tokens, what is asked of them, and how much it counts."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from redraft_model.tokens.alignment import insert_size
from redraft_model.tokens.tokenizer import REGION, REGION_END, Tokenizer

Ids = npt.NDArray[np.int32]
Weights = npt.NDArray[np.float32]

IGNORED = -1  # label of positions that carry no loss


@dataclass(frozen=True)
class Sample:
    """What the network sees and what it should answer, all of shape (n,)."""

    process: str
    tokens: Ids
    targets: Ids  # labels, IGNORED where nothing is asked
    weights: Weights
    mark: tuple[int, int] | None = None  # index of the token at which the parser stops, kind of its message

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Context:
    """Frozen tokens around the region."""

    before: Ids
    after: Ids
    standalone: bool = False
    tail: str = ""  # what follows the unit's last line inside the region

    @property
    def region_start(self) -> int:
        """Where the region begins in a sample: behind the language, the action, the text before it, and its marker."""
        return 2 + len(self.before) + 1


@dataclass(frozen=True)
class Corrupted:
    """A text after a forward process, with the context it stands in, and what is asked of it.

    `answer` and `weights` have one more entry than `tokens`, for the anchor behind them.
    """

    process: str
    action: str
    context: Context
    tokens: Ids
    answer: Ids
    weights: Weights
    target: tuple[int, int]  # start and end of the stretch that is worked on
    mark: tuple[int, int] | None = None  # index of the token at which the parser stops, kind of its message

    def sample(self, tokenizer: Tokenizer) -> Sample:
        """The sample whose region is the target; what else there is of the text becomes context."""
        start, end = self.target
        context = Context(
            np.concatenate([self.context.before, self.tokens[:start]]),
            np.concatenate([self.tokens[end:], self.context.after]),
        )
        answer = self.answer[start : end + 1].copy()
        if end < len(self.tokens) and not insert_size(int(answer[-1])):
            answer[-1] = tokenizer.id_of(REGION_END)
        sample = _assembled(
            tokenizer,
            self.process,
            self.action,
            context,
            self.tokens[start:end],
            answer,
            self.weights[start : end + 1],
        )
        if self.mark is None or not start <= self.mark[0] < end:
            return sample
        return replace(sample, mark=(context.region_start + self.mark[0] - start, self.mark[1]))


def _assembled(
    tokenizer: Tokenizer,
    process: str,
    action: str,
    context: Context,
    region: Ids,
    answer: Ids,
    weights: Weights,
) -> Sample:
    """The sample whose region has these tokens; `answer` and `weights` have one more entry, for the region's end marker."""
    head = tokenizer.id_of("<|python|>"), tokenizer.id_of(f"<|{action}|>")
    tokens = np.concatenate(
        [
            head,
            context.before,
            [tokenizer.id_of(REGION)],
            region,
            [tokenizer.id_of(REGION_END)],
            context.after,
        ]
    ).astype(np.int32)
    start = context.region_start
    targets = np.full(len(tokens), IGNORED, np.int32)
    targets[start : start + len(answer)] = answer
    all_weights = np.zeros(len(tokens), np.float32)
    all_weights[start : start + len(answer)] = weights
    targets[all_weights == 0] = IGNORED
    return Sample(process, tokens, targets, all_weights)
