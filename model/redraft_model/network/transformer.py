"""The network: a bidirectional transformer over token ids with one softmax.

- no time input and no causal mask: every token sees every token (or its own block and those before it, `attention_block`)
- rotary positions are given, not counted, so that a cached suffix can move when the text before it changes length
- QK norm, RMSNorm before each half of a layer, SwiGLU, output matrix tied to the embedding
- weights may be float32 masters: a linear layer casts its weight to the dtype of what flows through, so there is no autocast
"""

# B batch, T tokens, A wanted tokens, H heads, K key/value heads, D head width, W width, V vocabulary

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from redraft_kernels import block_attention, block_causal_mask, rms_norm, rotary, rotary_angles
from torch import nn

from redraft_model.network.cache import Cache
from redraft_model.network.config import ModelConfig
from redraft_model.tokens.alignment import PAD_ID


@dataclass(frozen=True)
class AttentionContext:
    """Who sees whom, and the rotary angles: the same for all layers of one forward pass."""

    cos_BTD: torch.Tensor
    sin_BTD: torch.Tensor
    visible: torch.Tensor | None  # (B, 1, T, S) bool, None = everything
    key_lengths_B: torch.Tensor | None  # tokens that are not padding
    block_size: int | None = (
        None  # block-causal without a mask: the tokens given are those from position 0 on
    )

    def of(self, wanted_BA: torch.Tensor) -> "AttentionContext":
        """What some of the tokens see."""
        visible = self.visible
        if self.block_size is not None:
            keys_T = torch.arange(self.cos_BTD.shape[1], device=wanted_BA.device)
            visible = block_causal_mask(wanted_BA, keys_T, self.block_size)[:, None]
        elif visible is not None and visible.shape[2] > 1:
            visible = visible.gather(2, wanted_BA[:, None, :, None].expand(-1, -1, -1, visible.shape[3]))
        return AttentionContext(
            _chosen(self.cos_BTD, wanted_BA), _chosen(self.sin_BTD, wanted_BA), visible, self.key_lengths_B
        )


class Linear(nn.Linear):
    """A linear layer whose weight follows the dtype of its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) -> (..., out)."""
        return self.part(x, slice(None))

    def part(self, x: torch.Tensor, rows: slice) -> torch.Tensor:
        """Some of the outputs only: (..., in) -> (..., n)."""
        bias = None if self.bias is None else self.bias[rows].to(x.dtype)
        return F.linear(x, self.weight[rows].to(x.dtype), bias)


class Norm(nn.Module):
    """Root-mean-square norm with a learnt scale (arXiv 1910.07467)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., width) -> (..., width)."""
        return rms_norm(x, self.weight.to(x.dtype), self.eps)


class Attention(nn.Module):
    """Grouped-query attention over the given tokens and, if there is one, a cache."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        kv_width = config.n_kv_heads * config.head_width
        self.qkv = Linear(config.width, config.width + 2 * kv_width, bias=config.qkv_bias)
        self.out = Linear(config.width, config.width, bias=False)
        if config.qk_norm:
            self.q_norm = Norm(config.head_width, config.norm_eps)
            self.k_norm = Norm(config.head_width, config.norm_eps)

    def forward(
        self,
        x_BTW: torch.Tensor,
        context: AttentionContext,
        past: tuple[torch.Tensor, torch.Tensor] | None,
        wanted_BA: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns the new x, of the wanted tokens or of all, and the keys and values of all given tokens."""
        c = self.config
        B, T, _ = x_BTW.shape
        kv_width = c.n_kv_heads * c.head_width
        context_of_queries = context
        if wanted_BA is None:
            q, k, v = self.qkv(x_BTW).split([c.width, kv_width, kv_width], dim=-1)
        else:
            q = self.qkv.part(_chosen(x_BTW, wanted_BA), slice(c.width))
            k, v = self.qkv.part(x_BTW, slice(c.width, None)).chunk(2, dim=-1)
            context_of_queries = context.of(wanted_BA)
        A = q.shape[1]
        q_BAHD = q.reshape(B, A, c.n_heads, c.head_width)
        k_BTKD = k.reshape(B, T, c.n_kv_heads, c.head_width)
        v_BTKD = v.reshape(B, T, c.n_kv_heads, c.head_width)
        if c.qk_norm:
            q_BAHD, k_BTKD = self.q_norm(q_BAHD), self.k_norm(k_BTKD)
        q_BAHD = rotary(q_BAHD, context_of_queries.cos_BTD, context_of_queries.sin_BTD)
        k_BTKD = rotary(k_BTKD, context.cos_BTD, context.sin_BTD)
        keys, values = (k_BTKD, v_BTKD)
        if past is not None:
            keys, values = torch.cat([past[0], keys], 1), torch.cat([past[1], values], 1)
        seen_BAHD = block_attention(
            q_BAHD,
            keys,
            values,
            visible=context_of_queries.visible,
            key_lengths=context.key_lengths_B,
            block_size=context_of_queries.block_size,
        )
        return self.out(seen_BAHD.reshape(B, A, c.width)), k_BTKD, v_BTKD


class FeedForward(nn.Module):
    """SwiGLU (arXiv 2002.05202)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_up = Linear(config.width, 2 * config.feed_forward, bias=False)
        self.down = Linear(config.feed_forward, config.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., W) -> (..., W)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        out: torch.Tensor = self.down(F.silu(gate) * up)
        return out


class Layer(nn.Module):
    """Attention and feed-forward, each on a normed copy and added to the stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = Norm(config.width, config.norm_eps)
        self.attention = Attention(config)
        self.feed_forward_norm = Norm(config.width, config.norm_eps)
        self.feed_forward = FeedForward(config)

    def forward(
        self,
        x: torch.Tensor,
        context: AttentionContext,
        past: tuple[torch.Tensor, torch.Tensor] | None,
        wanted_BA: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns the new stream, (B, T, W) or that of the wanted tokens, and this layer's keys and values of all tokens."""
        seen, k, v = self.attention(self.attention_norm(x), context, past, wanted_BA)
        x = (x if wanted_BA is None else _chosen(x, wanted_BA)) + seen
        return x + self.feed_forward(self.feed_forward_norm(x)), k, v


class LocalMixing(nn.Module):
    """The embeddings of the tokens on both sides, through one matrix for each distance, added to a token's own.

    A token has to be found by what stands beside it wherever something is copied. Attention alone needs one layer to bring the
    neighbours in and another one to look for them (arXiv 2209.11895); with this the first layer can look.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n = config.n_neighbours
        self.mix = Linear(2 * self.n * config.width, config.width, bias=False)

    def forward(self, x_BTW: torch.Tensor) -> torch.Tensor:
        """(B, T + 2n, W), of which the outermost n on each side are only looked at, -> (B, T, W)."""
        n, T = self.n, x_BTW.shape[1] - 2 * self.n
        beside = [x_BTW[:, i : i + T] for i in range(2 * n + 1) if i != n]
        mixed: torch.Tensor = x_BTW[:, n : n + T] + self.mix(torch.cat(beside, -1))
        return mixed


class ErrorMarks(nn.Module):
    """What is said of a token besides what it is, added to its embedding.

    A parser's complaint, at the place where it stopped, tells a network that repairs programs much (arXiv 2005.10636).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kinds = _embedding(config.n_marks, config.width)

    def forward(self, x_BTW: torch.Tensor, marks_BT: torch.Tensor) -> torch.Tensor:
        """(B, T, W) and (B, T) -> (B, T, W); 0 is no mark, i a mark of kind i - 1."""
        # Their size is that of the embeddings in a few steps, although an optimiser moves each value by so much a step.
        said = self.kinds((marks_BT - 1).clamp_min(0)) * x_BTW.shape[-1] ** 0.5
        said = said * (marks_BT > 0)[..., None]
        marked: torch.Tensor = x_BTW + said.to(x_BTW.dtype)
        return marked


class Transformer(nn.Module):
    """Token ids in, hidden states or log-probabilities out. `stream_dtype` is the dtype of everything between."""

    forbidden_F: torch.Tensor
    stream_dtype: torch.dtype

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = _embedding(config.n_vocabulary, config.width)
        if config.n_neighbours:
            self.neighbours = LocalMixing(config)
        if config.n_marks:
            self.marks = ErrorMarks(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layers))
        self.norm = Norm(config.width, config.norm_eps)
        if not config.tied:
            self.head = Linear(config.width, config.n_vocabulary, bias=False)
        # Ids that are never an answer.
        forbidden = [] if config.mask_id is None else [config.mask_id]
        self.register_buffer("forbidden_F", torch.tensor(forbidden, dtype=torch.int64), persistent=False)
        self.stream_dtype = torch.float32

    def initialise(self, generator: torch.Generator) -> None:
        """Random weights for training from scratch; layers start as the identity."""
        for name, parameter in self.named_parameters():
            if parameter.ndim < 2:
                parameter.data.fill_(0.0 if name.endswith("bias") else 1.0)
            elif name.endswith(("out.weight", "down.weight", "mix.weight", "kinds.weight")):
                parameter.data.zero_()
            else:
                std = 0.02 if "embedding" in name or "head" in name else parameter.shape[1] ** -0.5
                parameter.data.normal_(0.0, std, generator=generator)

    def forward(
        self,
        tokens_BT: torch.Tensor,
        positions_BT: torch.Tensor | None = None,
        *,
        past: Cache | None = None,
        past_visible_BS: torch.Tensor | None = None,
        lengths_B: torch.Tensor | None = None,
        wanted_BA: torch.Tensor | None = None,
        marks_BT: torch.Tensor | None = None,
        is_widened: bool = False,
    ) -> torch.Tensor:
        """Hidden states (B, T, W) of tokens that see each other and `past` (where `past_visible_BS`, if given, is true).

        `lengths_B` leaves padding out of context. `wanted_BA` chooses tokens of each row, by their index in it; then it is
        (B, A, W), and the last layer does no more than it has to. `marks_BT` marks tokens: 0 is no mark, i one of kind i - 1;
        a network without marks does not look. With `is_widened` there are n_neighbours more tokens on
        each side, (B, T + 2 n_neighbours), which are only looked at as neighbours.
        """
        x, _, _ = self._run(
            tokens_BT,
            positions_BT,
            past,
            past_visible_BS,
            lengths_B,
            wanted_BA,
            marks_BT,
            is_widened=is_widened,
        )
        return x

    def encode(
        self,
        tokens_BT: torch.Tensor,
        positions_BT: torch.Tensor | None = None,
        *,
        past: Cache | None = None,
        past_visible_BS: torch.Tensor | None = None,
        lengths_B: torch.Tensor | None = None,
        wanted_BA: torch.Tensor | None = None,
        marks_BT: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, Cache]:
        """As `forward`, and the keys and values of all given tokens, without those of `past`."""
        x, keys, values = self._run(
            tokens_BT, positions_BT, past, past_visible_BS, lengths_B, wanted_BA, marks_BT
        )
        positions_BT = self._counted(tokens_BT) if positions_BT is None else positions_BT
        return x, Cache(tuple(keys), tuple(values), positions_BT)

    def read(
        self,
        tokens_BT: torch.Tensor,
        positions_BT: torch.Tensor | None = None,
        *,
        past: Cache | None = None,
        past_visible_BS: torch.Tensor | None = None,
    ) -> Cache:
        """The keys and values of all given tokens, exactly those of `encode`; the last layer does no more than they need."""
        nothing = tokens_BT.new_empty((len(tokens_BT), 0), dtype=torch.int64)
        _, cache = self.encode(
            tokens_BT, positions_BT, past=past, past_visible_BS=past_visible_BS, wanted_BA=nothing
        )
        return cache

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., W) -> (..., V), same dtype; the mask's logit is not yet forbidden (`log_probabilities` and the loss do that)."""
        weight = self.embedding.weight if self.config.tied else self.head.weight
        return F.linear(hidden, weight.to(hidden.dtype))

    def log_probabilities(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., W) -> (..., V) float32 log-probabilities; the mask token has -inf (Seed Diffusion, section 3.1)."""
        logits = self.logits(hidden).float()
        if self.config.mask_id is not None:
            logits[..., self.config.mask_id] = float("-inf")
        return logits.log_softmax(-1)

    def _counted(self, tokens_BT: torch.Tensor) -> torch.Tensor:
        return torch.arange(tokens_BT.shape[1], device=tokens_BT.device).expand_as(tokens_BT)

    def _run(
        self,
        tokens_BT: torch.Tensor,
        positions_BT: torch.Tensor | None,
        past: Cache | None,
        past_visible_BS: torch.Tensor | None,
        lengths_B: torch.Tensor | None,
        wanted_BA: torch.Tensor | None,
        marks_BT: torch.Tensor | None,
        *,
        is_widened: bool = False,
    ) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
        c = self.config
        x = self._embedded(tokens_BT, marks_BT, is_widened=is_widened)
        if is_widened:
            tokens_BT = tokens_BT[:, c.n_neighbours : tokens_BT.shape[1] - c.n_neighbours]
        if wanted_BA is not None and c.logit_shift:
            wanted_BA = (wanted_BA - 1).clamp_min(0)
        # Blocks of counted positions need no mask.
        block_size = (
            c.attention_block if c.attention_block and positions_BT is None and past is None else None
        )
        if positions_BT is None:
            positions_BT = self._counted(tokens_BT)
        cos, sin = rotary_angles(positions_BT, c.head_width, c.rotary_base)
        visible = None
        if c.attention_block and block_size is None:
            key_positions = positions_BT if past is None else torch.cat([past.positions, positions_BT], 1)
            visible = block_causal_mask(positions_BT, key_positions, c.attention_block)[:, None]
        if past is not None and past_visible_BS is not None:
            own = torch.ones_like(tokens_BT, dtype=torch.bool)
            seen = torch.cat([past_visible_BS, own], 1)[:, None, None]
            visible = seen if visible is None else visible & seen
        if past is not None and lengths_B is not None:
            lengths_B = lengths_B + len(past)  # cached tokens come first and are never padding
        context = AttentionContext(cos, sin, visible, lengths_B, block_size)
        keys, values = [], []
        for i, layer in enumerate(self.layers):
            wanted_here = wanted_BA if i == c.n_layers - 1 else None
            x, k, v = layer(x, context, None if past is None else (past.keys[i], past.values[i]), wanted_here)
            keys.append(k)
            values.append(v)
        x = self.norm(x)
        if c.logit_shift and wanted_BA is None:
            x = torch.cat([x[:, :1], x[:, :-1]], 1)
        return x, keys, values

    def _embedded(
        self, tokens_BT: torch.Tensor, marks_BT: torch.Tensor | None, *, is_widened: bool
    ) -> torch.Tensor:
        """What the first layer sees: embeddings and marks, and those of the neighbours where the network has use for them."""
        x: torch.Tensor = self.embedding(tokens_BT).to(self.stream_dtype)
        if self.config.n_marks and marks_BT is not None:
            x = self.marks(x, marks_BT)
        n = self.config.n_neighbours
        if not n:
            return x
        x = x * (tokens_BT != PAD_ID)[..., None]
        mixed: torch.Tensor = self.neighbours(x if is_widened else F.pad(x, (0, 0, n, n)))
        return mixed

    @property
    def n_parameters(self) -> int:
        """Number of learnt values."""
        return sum(p.numel() for p in self.parameters())


def _chosen(x_BTF: torch.Tensor, wanted_BA: torch.Tensor) -> torch.Tensor:
    """Rows of each sequence: (B, T, F) -> (B, A, F)."""
    # Not take_along_dim: the compiler would make a version of it for each shape.
    return x_BTF.gather(1, wanted_BA[..., None].expand(-1, -1, x_BTF.shape[2]))


def _embedding(n: int, width: int) -> nn.Embedding:
    """An embedding without values yet: drawing them on the device "meta" would load the compiler, a second and 100 MB."""
    return nn.Embedding(n, width, _weight=torch.empty(n, width))
