"""What a base has read: its keys, values and hidden states of a text, kept so that the next text is read on from there."""

# T tokens, W width

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.network.base import Base
from redraft_model.network.cache import Cache
from redraft_model.network.transformer import Transformer
from redraft_model.passage import UNWATCHED, Watch
from redraft_model.tokens.base_tokenizer import BaseTokenizer

Ids = npt.NDArray[np.int32]

N_PREFIX = 512  # tokens before a place that are looked at
TOKENS_AT_ONCE = 256  # between two looks at whether the caller still wants to know
CHARACTERS_A_TOKEN = 8  # generous: text further away is not tokenised


@dataclass(frozen=True, eq=False)
class Read:
    """Tokens, and what the network made of them."""

    tokens: Ids
    cache: Cache
    hidden_1TW: torch.Tensor

    def cropped(self, n_tokens: int) -> "Read":
        """The first tokens only."""
        return Read(self.tokens[:n_tokens], self.cache.cropped(n_tokens), self.hidden_1TW[:, :n_tokens])

    def followed_by(self, further: "Read") -> "Read":
        """These tokens and `further`, which was made with them as its past."""
        return Read(
            np.concatenate([self.tokens, further.tokens]),
            self.cache.followed_by(further.cache),
            torch.cat([self.hidden_1TW, further.hidden_1TW], 1),
        )


class Reader:
    """A base that remembers what it has read last. Whoever asks it for a text that goes on from there pays for the rest only."""

    def __init__(self, base: Base, tokens_at_once: int = TOKENS_AT_ONCE) -> None:
        self.base = base
        self._tokens_at_once = tokens_at_once
        self._read: Read | None = None

    def read(self, tokens: Ids, watch: Watch = UNWATCHED) -> Read:
        """What the network makes of `tokens`, read on from where they part from what was read last."""
        model, read = self.base.model, self._read
        if read is not None:
            n_kept = n_common(read.tokens, tokens)
            read = read.cropped(n_kept) if n_kept else None
        while read is None or len(read.tokens) < len(tokens):
            watch.check()
            start = 0 if read is None else len(read.tokens)
            piece = tokens[start : start + self._tokens_at_once]
            hidden_1TW, cache = model.encode(
                on_device(piece[None], model),
                positions(start, len(piece), model),
                past=None if read is None else read.cache,
            )
            further = Read(piece, cache, hidden_1TW)
            read = further if read is None else read.followed_by(further)
            self._read = read
        self._read = read
        return read


def window_start(tokenizer: BaseTokenizer, prefix: str, n_prefix: int) -> int:
    """Where the end of `prefix` begins that has about `n_prefix` tokens, at most.

    It is one of the lines that follow the multiples of `n_prefix` characters, so that it stays where it is while text is written.
    """
    if n_prefix < 1:
        return len(prefix)
    reach = max(0, len(prefix) - CHARACTERS_A_TOKEN * n_prefix)
    places = [
        _line_start(prefix, at, n_prefix)
        for at in range(-(-reach // n_prefix) * n_prefix, len(prefix), n_prefix)
    ]
    if not places:
        return 0
    far = prefix[places[0] :]
    ids = tokenizer.encode(far)
    borders = tokenizer.borders(ids)
    ends = np.cumsum([0, *(len(character.encode()) for character in far)])
    for place in places:
        if len(ids) - int(np.searchsorted(borders, ends[place - places[0]])) <= n_prefix:
            return place
    return places[-1]


def _line_start(text: str, at: int, reach: int) -> int:
    """The first start of a line at or behind `at`; `at` itself when there is none within `reach`."""
    if at == 0:
        return 0
    found = text.find("\n", at - 1, at - 1 + reach)
    return at if found < 0 else found + 1


def n_common(left: Ids, right: Ids) -> int:
    """How many tokens two texts begin with in common."""
    n = min(len(left), len(right))
    differs = np.flatnonzero(left[:n] != right[:n])
    return int(differs[0]) if len(differs) else n


def pieces(base: Base) -> list[bytes]:
    """The bytes of every id that the network knows; those without text, and rows that no token has, have none."""
    own = base.tokenizer
    n_rows = base.model.config.n_vocabulary
    return [own.decode_bytes([id_]) if id_ < own.n_vocabulary else b"" for id_ in range(n_rows)]


def positions(start: int, n_tokens: int, model: Transformer) -> torch.Tensor:
    """The positions of `n_tokens` tokens from number `start` on: (1, T)."""
    return torch.arange(start, start + n_tokens, device=model.embedding.weight.device)[None]


def on_device(ids: Ids, model: Transformer) -> torch.Tensor:
    """Ids as int64, where the network is."""
    return torch.from_numpy(ids.astype(np.int64)).to(model.embedding.weight.device)
