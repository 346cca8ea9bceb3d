"""A pass over regions: their tokens, through base and adapter, over contexts that the base alone has read.

A context is a prefix and a suffix. The base reads both causally, as it was trained, without gradient; what it keeps are exact keys
and values that do not change while a region is denoised. A region's row is

    <last prefix token>  region tokens or masks  <|/region|>

with natural positions, and all of it sees all of it, the prefix and the suffix. The base's logit shift stays: the answer for a
place is read one token before it. So the last prefix token, whose cached state has not seen the suffix, is read once more in front
of the region; its cached key is left out. The suffix is read from position 0 on, wherever it will stand: the region's queries are
turned for it instead (`region_attention`). So its cache outlives every change in front of it.
"""

# B contexts, C regions over each, N = B * C rows, R tokens of a row, P and S cached tokens, A asked positions, W width, H heads

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from redraft_kernels import KeySegment, block_attention, region_attention, rms_norm, rotary, rotary_angles

from redraft_model.network.adapter import (
    HEAD_DELETE,
    HEAD_INSERT,
    HEAD_KEEP,
    HEAD_SUBSTITUTE,
    SCALE,
    Adapter,
    LayerAdapter,
    LowRank,
)
from redraft_model.network.cache import Cache
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Layer, Transformer
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID
from redraft_model.tokens.tokenizer import SPECIALS

# Control tokens that can be an answer; with a label head none is.
ANSWERS = (DELETE_ID, *INSERT_IDS, ANCHOR_ID)


@dataclass(frozen=True)
class Contexts:
    """What the base has read around regions."""

    prefix: Cache
    suffix: Cache
    prefix_lengths: torch.Tensor  # (B,) tokens of each prefix, at least 1
    suffix_lengths: torch.Tensor  # (B,)
    suffix_starts: torch.Tensor  # (B,) the position at which each suffix was read


@dataclass(frozen=True)
class Matrix:
    """A frozen matrix and its update; without one if it is merged."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    a: torch.Tensor | None = None
    b: torch.Tensor | None = None

    def __call__(self, x_NI: torch.Tensor) -> torch.Tensor:
        """(n, in) -> (n, out)."""
        bias = None if self.bias is None else self.bias.to(x_NI.dtype)
        y_NO = F.linear(x_NI, self.weight.to(x_NI.dtype), bias)
        if self.a is None or self.b is None:
            return y_NO
        low_NK = F.linear(x_NI, self.a.to(x_NI.dtype))
        # Added in place: a copy of what is wide would cost as much as the product.
        return y_NO.addmm_(low_NK, self.b.to(x_NI.dtype).T, alpha=SCALE)


@dataclass(frozen=True)
class RegionLayer:
    """One layer as regions go through it."""

    qkv: Matrix
    out: Matrix
    gate_up: Matrix
    down: Matrix
    attention_norm: torch.Tensor
    feed_forward_norm: torch.Tensor


@dataclass(frozen=True)
class _Place:
    """Where the rows stand: rotary angles of their tokens, and once more as the suffix has to see them; and what is seen."""

    cos_NRK: torch.Tensor
    sin_NRK: torch.Tensor
    suffix_cos_NRK: torch.Tensor
    suffix_sin_NRK: torch.Tensor
    lengths_N: torch.Tensor
    prefix_lengths_B: torch.Tensor
    suffix_lengths_B: torch.Tensor


class RegionNetwork:
    """Base and adapter together. Ids are network ids, see `network_ids`."""

    def __init__(self, base: Transformer, adapter: Adapter, layers: Sequence[RegionLayer]) -> None:
        self.base = base
        self.adapter = adapter
        self.layers = tuple(layers)
        self._through_layer: Callable[..., torch.Tensor] = _through_layer

    @property
    def config(self) -> ModelConfig:
        """The shape of the base."""
        return self.base.config

    def read(
        self,
        prefix_BP: torch.Tensor,
        prefix_lengths_B: torch.Tensor,
        suffix_BS: torch.Tensor,
        suffix_lengths_B: torch.Tensor,
        gaps_B: torch.Tensor,
    ) -> Contexts:
        """Contexts as the base reads them, padded on the right; `gaps` are the tokens between prefix and suffix.

        A suffix that is read after its prefix has not seen what is in the gap; one that is read alone does not look at it.
        """
        with torch.no_grad():
            prefix = self.base.read(prefix_BP)
            if self.adapter.config.suffix == "alone":
                starts_B = torch.zeros_like(prefix_lengths_B)
                suffix = self.base.read(suffix_BS)
            else:
                starts_B = prefix_lengths_B + gaps_B
                steps_S = torch.arange(suffix_BS.shape[1], device=suffix_BS.device)
                is_prefix_BP = prefix.positions < prefix_lengths_B[:, None]
                suffix = self.base.read(
                    suffix_BS, starts_B[:, None] + steps_S, past=prefix, past_visible_BS=is_prefix_BP
                )
        return Contexts(by_heads(prefix), by_heads(suffix), prefix_lengths_B, suffix_lengths_B, starts_B)

    def compile(self, backend: str = "inductor") -> None:
        """Compile the layers: those of the base once, those of regions once for each shape of a batch."""
        # The last one only makes keys and values.
        for layer in self.base.layers[:-1]:
            layer.compile(dynamic=True, backend=backend)
        self._through_layer = torch.compile(_through_layer, dynamic=False, backend=backend)

    def hidden(self, tokens_NR: torch.Tensor, lengths_N: torch.Tensor, contexts: Contexts) -> torch.Tensor:
        """Hidden states (N, R, W) of rows, padded on the right; rows i * N / B up to (i + 1) * N / B share context i."""
        place = self._place(tokens_NR, lengths_N, contexts)
        x_NRW = self.embedded(tokens_NR)
        for i, layer in enumerate(self.layers):
            x_NRW = self._through_layer(
                self.config,
                layer,
                x_NRW,
                place,
                (contexts.prefix.keys[i], contexts.prefix.values[i]),
                (contexts.suffix.keys[i], contexts.suffix.values[i]),
            )
        return rms_norm(x_NRW, self.adapter.norm.weight.to(x_NRW.dtype), self.config.norm_eps)

    def embedded(self, tokens: torch.Tensor) -> torch.Tensor:
        """(...) -> (..., W): the base's embeddings, and the adapter's rows for control tokens."""
        n = self.config.n_vocabulary
        table = self.base.embedding.weight
        x = F.embedding(tokens.clamp_max(n - 1), table).to(self.base.stream_dtype)
        rows = F.embedding((tokens - n).clamp_min(0), self.adapter.control_rows).to(x.dtype)
        return torch.where((tokens >= n)[..., None], rows, x)

    def log_probabilities(self, hidden_NRW: torch.Tensor, tokens_NR: torch.Tensor) -> torch.Tensor:
        """(N, R - 1, V) float32 over network ids: entry i is the answer for the row's token i + 1.

        KEEP is the token itself. With a label head, what it says of a token is spread over the ids: one that is deleted,
        kept or preceded by insertions has that label's probability, and the others share that of SUBSTITUTE.
        """
        N, R = tokens_NR.shape
        index = torch.arange(N * R, device=tokens_NR.device).view(N, R)[:, 1:]
        return self.answers(hidden_NRW, tokens_NR, index.flatten()).view(N, R - 1, -1)

    def answers(
        self, hidden_NRW: torch.Tensor, tokens_NR: torch.Tensor, index_A: torch.Tensor
    ) -> torch.Tensor:
        """(A, V) float32, the same for some tokens, by their indices into the flattened rows."""
        hidden = hidden_NRW.flatten(0, 1)
        # The answer for a token is read one token before it.
        log_p = self.logits(hidden[index_A - 1]).float().log_softmax(-1)
        if self.adapter.config.labels == "vocabulary":
            return log_p
        n = self.config.n_vocabulary
        labels = self.head_logits(hidden[index_A]).log_softmax(-1)
        log_p = log_p + labels[..., HEAD_SUBSTITUTE, None]
        log_p[..., n + DELETE_ID] = labels[..., HEAD_DELETE]
        for i, id_ in enumerate(INSERT_IDS):
            log_p[..., n + id_] = labels[..., HEAD_INSERT + i]
        shown = tokens_NR.flatten()[index_A][:, None]
        kept = torch.logaddexp(log_p.gather(-1, shown), labels[..., HEAD_KEEP, None])
        # A mask is never an answer.
        return log_p.scatter(-1, shown, kept.masked_fill(shown == n + MASK_ID, -torch.inf))

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., W) -> (..., V + control tokens), -inf for those that are no answer."""
        table = self.output_table
        return torch.cat([F.linear(hidden, table.to(hidden.dtype)), self.control_logits(hidden)], -1)

    def control_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., W) -> (..., control tokens)."""
        logits = F.linear(hidden, self.adapter.control_rows.to(hidden.dtype))
        is_answer = torch.zeros(len(SPECIALS), dtype=torch.bool, device=hidden.device)
        if self.adapter.config.labels == "vocabulary":
            is_answer[list(ANSWERS)] = True
        return logits.masked_fill(~is_answer, -torch.inf)

    def head_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., W) of the tokens that are asked themselves -> (..., labels), float32."""
        head = self.adapter.head
        logits = F.linear(hidden, head.weight.to(hidden.dtype), head.bias.to(hidden.dtype))
        return logits.float()

    @property
    def output_table(self) -> torch.Tensor:
        """The base's output matrix, (V, W)."""
        base = self.base
        table: torch.Tensor = base.embedding.weight if base.config.tied else base.head.weight
        return table

    def _place(self, tokens_NR: torch.Tensor, lengths_N: torch.Tensor, contexts: Contexts) -> _Place:
        N, R = tokens_NR.shape
        n_copies = N // len(contexts.prefix_lengths)
        steps_R = torch.arange(R, device=tokens_NR.device)
        starts_N = (contexts.prefix_lengths - 1).repeat_interleave(n_copies)
        # The suffix begins where the marker behind the region stands.
        suffix_starts_N = contexts.suffix_starts.repeat_interleave(n_copies) - (lengths_N - 1)
        angles = [
            rotary_angles(starts[:, None] + steps_R, self.config.head_width, self.config.rotary_base)
            for starts in (starts_N, suffix_starts_N)
        ]
        # The last prefix token is in front of the region, where it has seen the suffix.
        n_seen_B = contexts.prefix_lengths - 1
        return _Place(*angles[0], *angles[1], lengths_N, n_seen_B, contexts.suffix_lengths)


def _through_layer(
    config: ModelConfig,
    layer: RegionLayer,
    x_NRW: torch.Tensor,
    place: _Place,
    prefix: tuple[torch.Tensor, torch.Tensor],
    suffix: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """One layer; prefix and suffix are its cached keys and values of the contexts."""
    c = config
    N, R, W = x_NRW.shape
    x = x_NRW.reshape(N * R, W)
    qkv_NRF = layer.qkv(rms_norm(x, layer.attention_norm.to(x.dtype), c.norm_eps)).view(N, R, -1)
    kv_width = c.n_kv_heads * c.head_width
    q, k, v = torch.split(qkv_NRF, [c.width, kv_width, kv_width], -1)
    q_NRHD = q.view(N, R, c.n_heads, c.head_width)
    turned_NRHD = rotary(q_NRHD, place.cos_NRK, place.sin_NRK)
    turned_for_suffix_NRHD = rotary(q_NRHD, place.suffix_cos_NRK, place.suffix_sin_NRK)
    seen_NRHD = region_attention(
        turned_NRHD,
        rotary(k.view(N, R, c.n_kv_heads, c.head_width), place.cos_NRK, place.sin_NRK),
        v.view(N, R, c.n_kv_heads, c.head_width),
        [
            KeySegment(turned_NRHD, *prefix, place.prefix_lengths_B),
            KeySegment(turned_for_suffix_NRHD, *suffix, place.suffix_lengths_B),
        ],
        key_lengths=place.lengths_N,
    )
    x = x + layer.out(seen_NRHD.reshape(N * R, W))
    gate, up = layer.gate_up(rms_norm(x, layer.feed_forward_norm.to(x.dtype), c.norm_eps)).chunk(2, -1)
    return (x + layer.down(F.silu(gate) * up)).view(N, R, W)


def adapted(base: Transformer, adapter: Adapter) -> RegionNetwork:
    """Base and adapter side by side, as they are trained."""

    def matrix(weight: torch.Tensor, bias: torch.Tensor | None, update: LowRank) -> Matrix:
        return Matrix(weight, bias, update.a, update.b)

    return RegionNetwork(base, adapter, _layers(base, adapter, matrix))


def merged(base: Transformer, adapter: Adapter) -> RegionNetwork:
    """A second set of matrices in which the updates are added: faster, and as large as the base's layers."""

    def matrix(weight: torch.Tensor, bias: torch.Tensor | None, update: LowRank) -> Matrix:
        return Matrix((weight.float() + update.delta()).to(weight.dtype), bias)

    with torch.no_grad():
        return RegionNetwork(base, adapter, _layers(base, adapter, matrix))


def _layers(
    base: Transformer,
    adapter: Adapter,
    matrix: Callable[[torch.Tensor, torch.Tensor | None, LowRank], Matrix],
) -> list[RegionLayer]:
    layers = []
    for layer, updates in zip(base.layers, adapter.layers, strict=True):
        assert isinstance(layer, Layer)
        assert isinstance(updates, LayerAdapter)
        attention, feed_forward = layer.attention, layer.feed_forward
        layers.append(
            RegionLayer(
                qkv=matrix(attention.qkv.weight, attention.qkv.bias, updates.qkv),
                out=matrix(attention.out.weight, None, updates.out),
                gate_up=matrix(feed_forward.gate_up.weight, None, updates.gate_up),
                down=matrix(feed_forward.down.weight, None, updates.down),
                attention_norm=updates.attention_norm.weight,
                feed_forward_norm=updates.feed_forward_norm.weight,
            )
        )
    return layers


def hidden_reference(
    network: RegionNetwork, prefix: torch.Tensor, suffix: torch.Tensor, row: torch.Tensor
) -> torch.Tensor:
    """What `hidden` computes for one row of R tokens, (R, W): everything as one sequence, with a mask and without a cache."""
    c, base = network.config, network.base
    n_prefix, n_suffix, n_row = len(prefix), len(suffix), len(row)
    tokens = torch.cat([prefix, suffix, row])
    positions = torch.cat(
        [
            torch.arange(n_prefix),
            torch.arange(n_prefix + n_row - 2, n_prefix + n_row - 2 + n_suffix),
            torch.arange(n_prefix - 1, n_prefix - 1 + n_row),
        ]
    )
    is_suffix = (torch.arange(len(tokens)) >= n_prefix) & (torch.arange(len(tokens)) < n_prefix + n_suffix)
    is_row = torch.arange(len(tokens)) >= n_prefix + n_suffix
    visible = (positions[None] <= positions[:, None]) & ~is_row
    if network.adapter.config.suffix == "alone":
        visible &= ~is_suffix[:, None] | is_suffix
    visible[is_row] = True
    visible[is_row, n_prefix - 1] = False
    cos, sin = rotary_angles(positions, c.head_width, c.rotary_base)
    x = torch.where(
        is_row[:, None], network.embedded(tokens), base.embedding(tokens.clamp_max(c.n_vocabulary - 1))
    )
    for layer, adapted_layer in zip(base.layers, network.layers, strict=True):
        assert isinstance(layer, Layer)

        def both(x: torch.Tensor, ours: Matrix, theirs: torch.nn.Module) -> torch.Tensor:
            return torch.where(is_row[:, None], ours(x), theirs(x))

        def normed(x: torch.Tensor, ours: torch.Tensor, theirs: torch.nn.Module) -> torch.Tensor:
            return torch.where(is_row[:, None], rms_norm(x, ours, c.norm_eps), theirs(x))

        qkv = both(
            normed(x, adapted_layer.attention_norm, layer.attention_norm),
            adapted_layer.qkv,
            layer.attention.qkv,
        )
        q, k, v = (
            part.view(1, len(tokens), -1, c.head_width)
            for part in torch.split(qkv, [c.width, *[c.n_kv_heads * c.head_width] * 2], -1)
        )
        seen = block_attention(rotary(q, cos, sin), rotary(k, cos, sin), v, visible=visible)
        x = x + both(seen.reshape(-1, c.width), adapted_layer.out, layer.attention.out)
        gate_up = both(
            normed(x, adapted_layer.feed_forward_norm, layer.feed_forward_norm),
            adapted_layer.gate_up,
            layer.feed_forward.gate_up,
        )
        gate, up = gate_up.chunk(2, -1)
        x = x + both(F.silu(gate) * up, adapted_layer.down, layer.feed_forward.down)
    return rms_norm(x, network.adapter.norm.weight, c.norm_eps)[is_row]


def network_ids(canvas_ids: torch.Tensor, n_vocabulary: int) -> torch.Tensor:
    """Ids of `BaseTokenizer.with_control_tokens`, control tokens first, as the network's: the base's own first."""
    return (canvas_ids - len(SPECIALS)) % (n_vocabulary + len(SPECIALS))


def canvas_order(log_p: torch.Tensor) -> torch.Tensor:
    """(..., V) over network ids -> the same over ids with control tokens first."""
    return log_p.roll(len(SPECIALS), -1)


def by_heads(cache: Cache) -> Cache:
    """The same keys and values laid out head by head, as `region_attention` reads them without a copy."""
    keys, values = (
        tuple(x.transpose(1, 2).contiguous().transpose(1, 2) for x in tensors)
        for tensors in (cache.keys, cache.values)
    )
    return Cache(keys, values, cache.positions)


def head_labels(tokens: torch.Tensor, targets: torch.Tensor, n_vocabulary: int) -> torch.Tensor:
    """What a label head has to say of tokens whose targets are these, both network ids."""
    labels = torch.where(targets == tokens, HEAD_KEEP, HEAD_SUBSTITUTE)
    labels = labels.masked_fill(targets == n_vocabulary + DELETE_ID, HEAD_DELETE)
    for i, id_ in enumerate(INSERT_IDS):
        labels = labels.masked_fill(targets == n_vocabulary + id_, HEAD_INSERT + i)
    return labels
