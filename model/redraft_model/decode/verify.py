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

from redraft_model.decode.reading import (
    CHARACTERS_A_TOKEN,
    N_PREFIX,
    TOKENS_AT_ONCE,
    Read,
    Reader,
    n_common,
    on_device,
    positions,
    window_start,
)
from redraft_model.network.base import Base
from redraft_model.network.transformer import Transformer
from redraft_model.passage import UNWATCHED, Watch
from redraft_model.tokens.base_tokenizer import BaseTokenizer

Ids = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

N_SUFFIX = 64

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


@dataclass(frozen=True)
class WatchedVerifier:
    """A verifier for one request, which `watch` can cancel."""

    verifier: "Verifier"
    watch: Watch

    def log_likelihood(
        self, prefix: str, drafts: Sequence[str], suffix: str, *, n_suffix: int = N_SUFFIX
    ) -> list[float]:
        """As the verifier's."""
        return self.verifier.log_likelihood(prefix, drafts, suffix, n_suffix=n_suffix, watch=self.watch)


class Verifier:
    """A base that judges texts and remembers what it has read last."""

    def __init__(
        self, base: Base, reader: Reader | None = None, *, tokens_at_once: int = TOKENS_AT_ONCE
    ) -> None:
        self._base = base
        self._tokens_at_once = tokens_at_once
        self._reader = reader or Reader(base, tokens_at_once)

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
        n_same = min(n_common(texts.rows[0], row) for row in texts.rows)
        with torch.inference_mode():
            read = self._reader.read(texts.rows[0][:n_same], watch)
            given = texts.n_given
            first = _log_p(self._base.model, read.hidden_1TW[0, given - 1 : -1], read.tokens[given:])
            # A draft that is there twice is read once.
            ends = {row[n_same:].tobytes(): row[n_same:] for row in texts.rows}
            judged = dict(zip(ends, self._judged(read, list(ends.values()), watch), strict=True))
        return [
            TokenLogP(row[given:], np.concatenate([first, judged[row[n_same:].tobytes()]]))
            for row in texts.rows
        ]

    def _judged(self, read: Read, ends: Sequence[Ids], watch: Watch) -> list[Floats]:
        """The log-probabilities of the tokens of each of `ends`, given what was read."""
        judged: list[Floats] = [np.zeros(0, np.float32)] * len(ends)
        for chunk in _chunks(ends, self._tokens_at_once):
            watch.check()
            for i, log_p in zip(chunk, self._judged_together(read, [ends[i] for i in chunk]), strict=True):
                judged[i] = log_p
        return judged

    def _judged_together(self, read: Read, ends: Sequence[Ids]) -> list[Floats]:
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
                on_device(padded, model),
                positions(len(read.tokens), n_longest, model),
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
        hidden_TW = base.model(on_device(row[None], base.model))[0]
        log_p_TV = base.model.log_probabilities(hidden_TW[texts.n_given - 1 : -1])
        asked = row[texts.n_given :]
        log_p = log_p_TV[torch.arange(len(asked)), on_device(asked, base.model)]
        found.append(TokenLogP(asked, log_p.cpu().numpy()))
    return found


@dataclass(frozen=True, eq=False)
class _Texts:
    """Texts as tokens; of each the first `n_given` are the same and only looked at."""

    rows: list[Ids]
    n_given: int


def _texts(
    base: Base, prefix: str, drafts: Sequence[str], suffix: str, n_suffix: int, n_prefix: int
) -> _Texts:
    tokenizer = base.tokenizer
    near = prefix[window_start(tokenizer, prefix, n_prefix) :]
    behind = suffix[: _suffix_end(tokenizer, suffix, n_suffix)]
    bodies = tokenizer.encode_batch([near + draft + behind for draft in drafts])
    given = tokenizer.encode(near[: tokenizer.settled(near)])
    # What is settled is the beginning of every text, but for the odd splitter that looks further ahead.
    n_given = min((n_common(given, body) for body in bodies), default=0)
    start = np.array([base.start_id], np.int32)
    return _Texts([np.concatenate([start, body]) for body in bodies], 1 + n_given)


def _suffix_end(tokenizer: BaseTokenizer, suffix: str, n_suffix: int) -> int:
    """How many characters of `suffix` are about `n_suffix` tokens, at most, and whole words unless the first is longer."""
    piece = suffix[: CHARACTERS_A_TOKEN * n_suffix]
    ids = tokenizer.encode(piece)
    if len(ids) <= n_suffix and len(piece) == len(suffix):
        return len(piece)
    n_bytes = int(tokenizer.borders(ids[:n_suffix])[-1])
    end = len(piece.encode()[:n_bytes].decode(errors="ignore"))
    return max(border for border in tokenizer.word_borders(piece) if border <= end) or end


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
    targets_A = on_device(targets, model)
    pieces = [
        -cross_entropy(model.logits(hidden_AW[i : i + n]), targets_A[i : i + n])
        for i in range(0, len(targets), n)
    ]
    return torch.cat(pieces).cpu().numpy() if pieces else np.zeros(0, np.float32)
