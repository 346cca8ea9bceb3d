"""How likely drafts, and the code behind them, are under a pretrained base that reads from left to right.

What stands before is read once and kept: the next call goes on from what its text has in common with the last one. The drafts are
read together, each with the first tokens of what follows it. A text is tokenised as a whole, so that its tokens do not depend on
where the draft begins or ends. Counted are the tokens from the last place before the draft at which any text can be cut.
"""

# B texts, T tokens, S cached tokens, A asked positions, W width, V vocabulary

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from redraft_kernels import cross_entropy

from redraft_model.errors import Cancelled
from redraft_model.network.base import Base
from redraft_model.network.cache import Cache
from redraft_model.network.transformer import Transformer
from redraft_model.passage import UNWATCHED, Watch
from redraft_model.tokens.base_tokenizer import BaseTokenizer

Ids = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

N_PREFIX, N_SUFFIX = 512, 64

_CHARACTERS_A_TOKEN = 8  # generous: text further away is not tokenised
_TOKENS_AT_ONCE = 256  # between two looks at whether the caller still wants to know
_LOGITS_AT_ONCE = 1 << 24


@dataclass(frozen=True, eq=False)
class TokenLogP:
    """The tokens that were counted of one text, and the log-probability of each in nats, given all before it."""

    tokens: Ids  # (n,)
    log_p: Floats  # (n,)

    @property
    def total(self) -> float:
        """The log-probability of all of them."""
        return float(self.log_p.sum(dtype=np.float64))


class Verifier:
    """A base that judges texts and remembers what it has read last."""

    def __init__(self, base: Base, *, tokens_at_once: int = _TOKENS_AT_ONCE) -> None:
        self._base = base
        self._tokens_at_once = tokens_at_once
        self._read: _Read | None = None

    def log_likelihood(
        self,
        prefix: str,
        drafts: Sequence[str],
        suffix: str,
        *,
        n_suffix: int = N_SUFFIX,
        n_prefix: int = N_PREFIX,
        watch: Watch = UNWATCHED,
    ) -> list[float]:
        """The log-probability in nats of each draft and the `n_suffix` tokens behind it, given the `n_prefix` tokens before it.

        All are counted from one place of the prefix to one place of the suffix, so that drafts of any length can be compared.
        Raises Cancelled; what has been read until then is kept.
        """
        found = self.token_log_p(prefix, drafts, suffix, n_suffix=n_suffix, n_prefix=n_prefix, watch=watch)
        return [one.total for one in found]

    def token_log_p(
        self,
        prefix: str,
        drafts: Sequence[str],
        suffix: str,
        *,
        n_suffix: int = N_SUFFIX,
        n_prefix: int = N_PREFIX,
        watch: Watch = UNWATCHED,
    ) -> list[TokenLogP]:
        """What `log_likelihood` adds up."""
        texts = _texts(self._base, prefix, drafts, suffix, n_suffix, n_prefix)
        if not texts.rows:
            return []
        n_same = min(_n_common(texts.rows[0], row) for row in texts.rows)
        with torch.inference_mode():
            read = self._reading(texts.rows[0][:n_same], watch)
            given = texts.n_given
            first = _log_p(self._base.model, read.hidden_1TW[0, given - 1 : -1], read.tokens[given:])
            # A draft that is there twice is read once.
            ends = {row[n_same:].tobytes(): row[n_same:] for row in texts.rows}
            judged = dict(zip(ends, self._judged(read, list(ends.values()), watch), strict=True))
        return [
            TokenLogP(row[given:], np.concatenate([first, judged[row[n_same:].tobytes()]]))
            for row in texts.rows
        ]

    def _reading(self, tokens: Ids, watch: Watch) -> "_Read":
        """What the network makes of `tokens`, read on from where they part from what was read last."""
        model, read = self._base.model, self._read
        if read is not None:
            n_kept = _n_common(read.tokens, tokens)
            read = read.cropped(n_kept) if n_kept else None
        while read is None or len(read.tokens) < len(tokens):
            if watch.is_cancelled():
                raise Cancelled
            start = 0 if read is None else len(read.tokens)
            piece = tokens[start : start + self._tokens_at_once]
            hidden_1TW, cache = model.encode(
                _on_device(piece[None], model),
                _positions(start, len(piece), model),
                past=None if read is None else read.cache,
            )
            further = _Read(piece, cache, hidden_1TW)
            read = further if read is None else read.followed_by(further)
            self._read = read
        self._read = read
        return read

    def _judged(self, read: "_Read", ends: Sequence[Ids], watch: Watch) -> list[Floats]:
        """The log-probabilities of the tokens of each of `ends`, given what was read."""
        judged: list[Floats] = [np.zeros(0, np.float32)] * len(ends)
        for chunk in _chunks(ends, self._tokens_at_once):
            if watch.is_cancelled():
                raise Cancelled
            for i, log_p in zip(chunk, self._judged_together(read, [ends[i] for i in chunk]), strict=True):
                judged[i] = log_p
        return judged

    def _judged_together(self, read: "_Read", ends: Sequence[Ids]) -> list[Floats]:
        """One forward pass over a few texts; the last token of a text says nothing about any other."""
        model = self._base.model
        lengths = [len(end) for end in ends]
        hidden_BTW = read.hidden_1TW[:, -1:].expand(len(ends), -1, -1)
        n_longest = max(lengths) - 1
        if n_longest > 0:
            padded = np.zeros((len(ends), n_longest), np.int32)
            for row, end in zip(padded, ends, strict=True):
                row[: len(end) - 1] = end[:-1]
            # Padding stands behind the tokens, which do not see it.
            behind_BTW = model(
                _on_device(padded, model),
                _positions(len(read.tokens), n_longest, model),
                past=read.cache.expanded(len(ends)),
            )
            hidden_BTW = torch.cat([hidden_BTW, behind_BTW], 1)
        asked_AW = torch.cat([row_TW[:n] for row_TW, n in zip(hidden_BTW, lengths, strict=True)])
        log_p = _log_p(model, asked_AW, np.concatenate(ends))
        return np.split(log_p, np.cumsum(lengths)[:-1])


def token_log_p_reference(
    base: Base,
    prefix: str,
    drafts: Sequence[str],
    suffix: str,
    *,
    n_suffix: int = N_SUFFIX,
    n_prefix: int = N_PREFIX,
) -> list[TokenLogP]:
    """The slow twin of `Verifier.token_log_p`: every text alone and from its beginning."""
    texts = _texts(base, prefix, drafts, suffix, n_suffix, n_prefix)
    found = []
    for row in texts.rows:
        hidden_TW = base.model(_on_device(row[None], base.model))[0]
        log_p_TV = base.model.log_probabilities(hidden_TW[texts.n_given - 1 : -1])
        asked = row[texts.n_given :]
        log_p = log_p_TV[torch.arange(len(asked)), _on_device(asked, base.model)]
        found.append(TokenLogP(asked, log_p.cpu().numpy()))
    return found


@dataclass(frozen=True, eq=False)
class _Texts:
    """Texts as tokens; of each the first `n_given` are the same and only looked at."""

    rows: list[Ids]
    n_given: int


@dataclass(frozen=True, eq=False)
class _Read:
    """Tokens, and what the network made of them."""

    tokens: Ids
    cache: Cache
    hidden_1TW: torch.Tensor

    def cropped(self, n_tokens: int) -> "_Read":
        """The first tokens only."""
        return _Read(self.tokens[:n_tokens], self.cache.cropped(n_tokens), self.hidden_1TW[:, :n_tokens])

    def followed_by(self, further: "_Read") -> "_Read":
        """These tokens and `further`, which was made with them as its past."""
        return _Read(
            np.concatenate([self.tokens, further.tokens]),
            self.cache.followed_by(further.cache),
            torch.cat([self.hidden_1TW, further.hidden_1TW], 1),
        )


def _texts(
    base: Base, prefix: str, drafts: Sequence[str], suffix: str, n_suffix: int, n_prefix: int
) -> _Texts:
    tokenizer = base.tokenizer
    near = prefix[_window_start(tokenizer, prefix, n_prefix) :]
    behind = suffix[: _suffix_end(tokenizer, suffix, n_suffix)]
    bodies = tokenizer.encode_batch([near + draft + behind for draft in drafts])
    given = tokenizer.encode(near[: tokenizer.settled(near)])
    # What is settled is the beginning of every text, but for the odd splitter that looks further ahead.
    n_given = min((_n_common(given, body) for body in bodies), default=0)
    start = np.array([base.start_id], np.int32)
    return _Texts([np.concatenate([start, body]) for body in bodies], 1 + n_given)


def _window_start(tokenizer: BaseTokenizer, prefix: str, n_prefix: int) -> int:
    """Where the end of `prefix` begins that has about `n_prefix` tokens, at most.

    It is one of the lines that follow the multiples of `n_prefix` characters, so that it stays where it is while text is written.
    """
    if n_prefix < 1:
        return len(prefix)
    reach = max(0, len(prefix) - _CHARACTERS_A_TOKEN * n_prefix)
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


def _suffix_end(tokenizer: BaseTokenizer, suffix: str, n_suffix: int) -> int:
    """How many characters of `suffix` are about `n_suffix` tokens, at most, and whole words unless the first is longer."""
    piece = suffix[: _CHARACTERS_A_TOKEN * n_suffix]
    ids = tokenizer.encode(piece)
    if len(ids) <= n_suffix and len(piece) == len(suffix):
        return len(piece)
    n_bytes = int(tokenizer.borders(ids[:n_suffix])[-1])
    end = len(piece.encode()[:n_bytes].decode(errors="ignore"))
    return max(border for border in tokenizer.word_borders(piece) if border <= end) or end


def _n_common(left: Ids, right: Ids) -> int:
    """How many tokens two texts begin with in common."""
    n = min(len(left), len(right))
    differs = np.flatnonzero(left[:n] != right[:n])
    return int(differs[0]) if len(differs) else n


def _chunks(ends: Sequence[Ids], n_tokens: int) -> list[list[int]]:
    """Indices of texts to read together: those of like length, with padding about `n_tokens` tokens; empty ones in none."""
    chunks: list[list[int]] = []
    for i in sorted(range(len(ends)), key=lambda i: -len(ends[i])):
        if not len(ends[i]):
            continue
        # The longest is the first.
        if chunks and (len(chunks[-1]) + 1) * len(ends[chunks[-1][0]]) <= n_tokens:
            chunks[-1].append(i)
        else:
            chunks.append([i])
    return chunks


def _log_p(model: Transformer, hidden_AW: torch.Tensor, targets: Ids) -> Floats:
    """Log-probabilities of `targets` (A,); never more than so many logits are in memory."""
    n = max(1, _LOGITS_AT_ONCE // model.config.n_vocabulary)
    targets_A = _on_device(targets, model)
    pieces = [
        -cross_entropy(model.logits(hidden_AW[i : i + n]), targets_A[i : i + n])
        for i in range(0, len(targets), n)
    ]
    return torch.cat(pieces).cpu().numpy() if pieces else np.zeros(0, np.float32)


def _positions(start: int, n_tokens: int, model: Transformer) -> torch.Tensor:
    return torch.arange(start, start + n_tokens, device=model.embedding.weight.device)[None]


def _on_device(ids: Ids, model: Transformer) -> torch.Tensor:
    return torch.from_numpy(ids.astype(np.int64)).to(model.embedding.weight.device)
