"""Whole words hidden behind masks in samples of other processes: a cloze beside the edits. No torch here.

An edit asks something of few tokens. Hidden words ask, at hardly any further cost, what belongs where nothing is wrong: a network
that is trained on tens of millions of tokens has to learn from as many of them as it can. The sweep reads a text in the same
way, some of its words hidden at a time.
"""

import numpy as np
import numpy.typing as npt

from redraft_model.tokens.tokenizer import Tokenizer

Ids = npt.NDArray[np.int32]


def words(tokenizer: Tokenizer, tokens: Ids) -> Ids:
    """The number of the word that each token belongs to, shape (n,), from 0; a token of no word is one by itself."""
    is_word = tokenizer.is_word[tokens]
    begins = np.ones(len(tokens), np.bool_)
    begins[1:] = ~(is_word[:-1] & is_word[1:]) | tokenizer.begins_with_space[tokens[1:]]
    return (np.cumsum(begins) - 1).astype(np.int32)


def hide(
    tokenizer: Tokenizer,
    tokens: Ids,
    can_be_hidden: npt.NDArray[np.bool_],
    rate: float,
    generator: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Which of `tokens` to mask: each word with probability `rate`, as a whole, and only if all of it can be hidden."""
    number = words(tokenizer, tokens)
    is_chosen = generator.random(int(number.max(initial=-1)) + 1) < rate
    is_chosen[number[~can_be_hidden]] = False
    hidden: npt.NDArray[np.bool_] = is_chosen[number]
    return hidden
