"""The network: a few plain formulas say what it computes, and every cached way of computing agrees with the full one."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from redraft_model.errors import CheckpointError
from redraft_model.network.cache import Cache
from redraft_model.network.config import SIZES, ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import MASK_ID

V = 50
PLAIN = ModelConfig(V, 32, 2, 4, 4, 48, mask_id=MASK_ID)
VARIANTS = {
    "plain": PLAIN,
    "grouped queries": replace(PLAIN, n_kv_heads=2),
    "one key head": replace(PLAIN, n_kv_heads=1),
    "bias": replace(PLAIN, qkv_bias=True),
    "no qk norm": replace(PLAIN, qk_norm=False),
    "untied": replace(PLAIN, tied=False),
    "block-causal": replace(PLAIN, attention_block=4),
    "shifted": replace(PLAIN, logit_shift=1),
    "other base": replace(PLAIN, rotary_base=500.0),
    "neighbours": replace(PLAIN, n_neighbours=2),
    "marks": replace(PLAIN, n_marks=3),
}
EVERY_VARIANT = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())


def network(config: ModelConfig, seed: int = 0) -> Transformer:
    """Random weights everywhere, norms and biases too, so that none of them can be left out unnoticed."""
    model = Transformer(config).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        mean = 1.0 if "norm" in name else 0.0
        parameter.normal_(mean, 0.3, generator=generator)
    return model


def tokens(n_rows: int, n_tokens: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(1, V, (n_rows, n_tokens), generator=torch.Generator().manual_seed(seed))


def formulas(model: Transformer, row: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (T, V) of one sequence of ids (T,), in float64, one head at a time."""
    c, T = model.config, len(row)
    w = {name: value.double() for name, value in model.state_dict().items()}

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return x / (x.square().mean(-1, keepdim=True) + c.norm_eps).sqrt() * w[name]

    def turned(x_TD: torch.Tensor) -> torch.Tensor:
        half = c.head_width // 2
        angles = torch.outer(torch.arange(T).double(), c.rotary_base ** -(torch.arange(half) / half).double())
        point = torch.complex(x_TD[:, :half], x_TD[:, half:]) * torch.polar(torch.ones_like(angles), angles)
        return torch.cat([point.real, point.imag], 1)

    x = w["embedding.weight"][row]
    if c.n_neighbours:
        distances = [d for d in range(-c.n_neighbours, c.n_neighbours + 1) if d]
        matrices = w["neighbours.mix.weight"].chunk(len(distances), 1)
        own = x.clone()
        for d, matrix in zip(distances, matrices, strict=True):
            there = slice(max(0, -d), T - max(0, d))
            x[there] += own[max(0, d) : T - max(0, -d)] @ matrix.T
    for i in range(c.n_layers):
        name = f"layers.{i}."
        qkv = norm(x, name + "attention_norm.weight") @ w[name + "attention.qkv.weight"].T
        if c.qkv_bias:
            qkv = qkv + w[name + "attention.qkv.bias"]
        heads = qkv.split(c.head_width, 1)
        seen = []
        for h in range(c.n_heads):
            group = h // (c.n_heads // c.n_kv_heads)
            q, k, v = heads[h], heads[c.n_heads + group], heads[c.n_heads + c.n_kv_heads + group]
            if c.qk_norm:
                q, k = norm(q, name + "attention.q_norm.weight"), norm(k, name + "attention.k_norm.weight")
            scores = turned(q) @ turned(k).T / c.head_width**0.5
            if c.attention_block:
                blocks = torch.arange(T) // c.attention_block
                scores[blocks[:, None] < blocks[None, :]] = -torch.inf
            seen.append(scores.softmax(-1) @ v)
        x = x + torch.cat(seen, 1) @ w[name + "attention.out.weight"].T
        gate, up = (
            norm(x, name + "feed_forward_norm.weight") @ w[name + "feed_forward.gate_up.weight"].T
        ).chunk(2, 1)
        x = x + (gate * gate.sigmoid() * up) @ w[name + "feed_forward.down.weight"].T
    x = norm(x, "norm.weight")
    if c.logit_shift:
        x = torch.cat([x[:1], x[:-1]])
    logits = x @ (w["embedding.weight"] if c.tied else w["head.weight"]).T
    logits[:, c.mask_id] = -torch.inf
    return logits.log_softmax(-1)


@EVERY_VARIANT
def test_the_network_computes_the_formulas(config: ModelConfig) -> None:
    model, rows = network(config), tokens(2, 11)
    log_p_BTV = model.log_probabilities(model(rows))
    for row, log_p_TV in zip(rows, log_p_BTV, strict=True):
        expected = formulas(model, row).exp()
        torch.testing.assert_close(log_p_TV.double().exp(), expected, atol=1e-5, rtol=1e-4)


@EVERY_VARIANT
def test_padding_is_out_of_sight(config: ModelConfig) -> None:
    model, row = network(config), tokens(1, 12)
    padded = torch.cat([row, torch.zeros(1, 5, dtype=torch.int64)], 1)
    both = torch.cat([padded, tokens(1, 17, 2)])
    hidden = model(both, lengths_B=torch.tensor([12, 17]))
    torch.testing.assert_close(hidden[:1, :12], model(row), atol=1e-5, rtol=1e-4)


# Of a shifted network the first answer of a block comes from the token before it, which a block has not seen.
@pytest.mark.parametrize("config", [config for config in VARIANTS.values() if not config.logit_shift])
def test_a_block_with_the_rest_in_the_cache_is_the_full_forward(config: ModelConfig) -> None:
    model, rows = network(config), tokens(2, 16)
    full, cache = model.encode(rows)
    torch.testing.assert_close(full, model(rows))
    # The cache also holds the block itself, which must not be seen twice.
    visible = torch.ones(2, 16, dtype=torch.bool)
    visible[:, 4:8] = False
    positions = torch.arange(4, 8).expand(2, -1)
    n = config.n_neighbours
    wide = rows[:, 4 - n : 8 + n]
    block = model(wide, positions, past=cache, past_visible_BS=visible, is_widened=True)
    torch.testing.assert_close(block, full[:, 4:8], atol=1e-5, rtol=1e-4)


def test_blocks_and_sequences_of_different_lengths_share_a_batch() -> None:
    model = network(PLAIN)
    long, short = tokens(1, 20), tokens(1, 13, 2)
    padded = torch.cat([long, torch.cat([short, torch.zeros(1, 7, dtype=torch.int64)], 1)])
    _, cache = model.encode(padded, lengths_B=torch.tensor([20, 13]))
    # Block 5:11 of the long sequence, block 8:12 of the short one.
    visible = torch.ones(2, 20, dtype=torch.bool)
    visible[0, 5:11] = False
    visible[1, 8:12] = False
    visible[1, 13:] = False
    blocks = torch.stack([long[0, 5:11], torch.cat([short[0, 8:12], torch.zeros(2, dtype=torch.int64)])])
    positions = torch.stack([torch.arange(5, 11), torch.arange(8, 14)])
    found = model(blocks, positions, past=cache, past_visible_BS=visible, lengths_B=torch.tensor([6, 4]))
    torch.testing.assert_close(found[0], model(long)[0, 5:11], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1, :4], model(short)[0, 8:12], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("block", [1, 3, 4])
def test_block_causal_attention_is_the_same_block_by_block_with_a_prefix_cache(block: int) -> None:
    model, rows = network(replace(PLAIN, attention_block=block)), tokens(2, 12)
    full = model(rows)
    for start in range(block, 12, block):
        _, prefix = model.encode(rows[:, :start])
        positions = torch.arange(start, start + block).expand(2, -1)
        found = model(rows[:, start : start + block], positions, past=prefix)
        torch.testing.assert_close(found, full[:, start : start + block], atol=1e-5, rtol=1e-4)


def test_block_causal_attention_does_not_see_what_follows() -> None:
    model, rows = network(replace(PLAIN, attention_block=4)), tokens(1, 12)
    other = rows.clone()
    other[0, 8:] = tokens(1, 4, 5)
    torch.testing.assert_close(model(rows)[:, :8], model(other)[:, :8], atol=0, rtol=0)
    assert not torch.allclose(network(PLAIN)(rows)[:, :8], network(PLAIN)(other)[:, :8])


def test_a_mark_is_added_to_the_embedding_of_its_token() -> None:
    model, rows = network(replace(PLAIN, n_neighbours=2, n_marks=3)), tokens(2, 9)
    marks = torch.zeros(2, 9, dtype=torch.int64)
    torch.testing.assert_close(model(rows, marks_BT=marks), model(rows), atol=0, rtol=0)
    marks[1, 4] = 3
    marked = model(rows, marks_BT=marks)
    torch.testing.assert_close(marked[0], model(rows)[0])
    # The same as a token whose embedding is the sum.
    other = network(model.config)
    alone = int(next(i for i in range(1, V) if i not in rows))
    other.embedding.weight[alone] = model.embedding.weight[rows[1, 4]] + model.marks.kinds.weight[2] * 32**0.5
    replaced = rows.clone()
    replaced[1, 4] = alone
    torch.testing.assert_close(marked, other(replaced), atol=1e-5, rtol=1e-4)


def test_new_marks_say_nothing_and_a_network_without_them_does_not_look() -> None:
    fresh, rows = Transformer(replace(PLAIN, n_marks=3)), tokens(1, 9)
    fresh.initialise(torch.Generator().manual_seed(0))
    marks = torch.ones(1, 9, dtype=torch.int64)
    torch.testing.assert_close(fresh(rows, marks_BT=marks), fresh(rows), atol=0, rtol=0)
    torch.testing.assert_close(network(PLAIN)(rows, marks_BT=marks), network(PLAIN)(rows), atol=0, rtol=0)


def test_a_shifted_network_answers_one_token_later() -> None:
    shifted, rows = network(VARIANTS["shifted"]), tokens(2, 9)
    straight = Transformer(PLAIN).requires_grad_(False)
    straight.load_state_dict(shifted.state_dict())
    torch.testing.assert_close(shifted(rows)[:, 1:], straight(rows)[:, :-1], atol=0, rtol=0)


@pytest.mark.parametrize("offset", [1, 37, 400])
def test_only_distances_between_positions_matter(offset: int) -> None:
    model, rows = network(PLAIN), tokens(2, 14)
    positions = torch.arange(14).expand(2, -1)
    torch.testing.assert_close(model(rows, positions + offset), model(rows, positions), atol=2e-4, rtol=1e-3)
    assert not torch.allclose(model(rows, positions * 2), model(rows, positions), atol=1e-2)


def test_the_order_of_tokens_in_a_batch_row_does_not_matter_when_positions_go_along() -> None:
    model, rows = network(PLAIN), tokens(1, 10)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    found = model(rows[:, order], order[None])
    torch.testing.assert_close(found, model(rows)[:, order], atol=1e-5, rtol=1e-4)


def test_a_moved_cache_is_the_cache_of_moved_positions() -> None:
    model, rows = network(PLAIN), tokens(3, 8)
    _, cache = model.encode(rows)
    before = [key.clone() for key in cache.keys]
    moved = cache.moved([2, 0, 0, 2, 2], [(2, 3), (0, 0), (5, -1), (4, 3), (8, 1)], PLAIN)
    assert isinstance(moved, Cache)
    assert len(moved) == 8
    positions = torch.tensor(
        [
            [0, 1, 5, 6, 7, 8, 9, 10],
            [0, 1, 2, 3, 4, 5, 6, 7],
            [0, 1, 2, 3, 4, 4, 5, 6],
            [0, 1, 2, 3, 7, 8, 9, 10],
            [0, 1, 2, 3, 4, 5, 6, 7],
        ]
    )
    torch.testing.assert_close(moved.positions, positions)
    chosen = rows[[2, 0, 0, 2, 2]]
    # The keys of the first layer depend on nothing but token and position.
    _, expected = model.encode(chosen, positions)
    torch.testing.assert_close(moved.keys[0], expected.keys[0], atol=1e-5, rtol=1e-4)
    _, expected = model.encode(chosen)
    for found, wanted in zip(moved.values, expected.values, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    for key, old in zip(cache.keys, before, strict=True):
        torch.testing.assert_close(key, old)


@EVERY_VARIANT
def test_wanted_tokens_get_what_they_get_among_all(config: ModelConfig) -> None:
    model, rows = network(config), tokens(3, 9)
    wanted = torch.tensor([[0, 3, 8], [2, 2, 0], [7, 1, 4]])
    lengths = torch.tensor([9, 5, 9])
    hidden = model(rows, lengths_B=lengths)
    chosen = hidden.take_along_dim(wanted[..., None], 1)
    torch.testing.assert_close(model(rows, lengths_B=lengths, wanted_BA=wanted), chosen, atol=1e-5, rtol=1e-4)
    _, cache = model.encode(rows, lengths_B=lengths)
    found, same = model.encode(rows, lengths_B=lengths, wanted_BA=wanted)
    torch.testing.assert_close(found, chosen, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(same.values[-1], cache.values[-1], atol=1e-5, rtol=1e-4)


def test_wanted_tokens_give_the_same_gradient() -> None:
    model, rows = network(PLAIN).requires_grad_(), tokens(2, 8)
    wanted = torch.tensor([[1, 6], [3, 0]])
    gradients = []
    for hidden in (model(rows).take_along_dim(wanted[..., None], 1), model(rows, wanted_BA=wanted)):
        model.zero_grad()
        hidden.square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_the_mask_gets_no_probability() -> None:
    model = network(PLAIN)
    log_p = model.log_probabilities(model(tokens(1, 9)))
    assert (log_p[..., MASK_ID] == -torch.inf).all()
    torch.testing.assert_close(log_p.exp().sum(-1), torch.ones(1, 9))


@pytest.mark.parametrize("config", [PLAIN, VARIANTS["neighbours"]], ids=["plain", "neighbours"])
def test_layers_start_as_the_identity(config: ModelConfig) -> None:
    model = Transformer(config)
    model.initialise(torch.Generator().manual_seed(0))
    rows = tokens(1, 9)
    expected = F.rms_norm(model.embedding(rows), (PLAIN.width,), eps=PLAIN.norm_eps)
    torch.testing.assert_close(model(rows), expected, atol=1e-6, rtol=1e-5)


def test_the_same_seed_gives_the_same_network() -> None:
    states = []
    for seed in (0, 0, 1):
        model = Transformer(VARIANTS["untied"])
        model.initialise(torch.Generator().manual_seed(seed))
        states.append(torch.cat([p.flatten() for p in model.parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_bfloat16_between_float32_weights_is_close() -> None:
    model, rows = network(PLAIN), tokens(2, 12)
    exact = model.log_probabilities(model(rows)).exp()
    model.stream_dtype = torch.bfloat16
    hidden = model(rows)
    assert hidden.dtype == torch.bfloat16
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert (model.log_probabilities(hidden).exp() - exact).abs().mean() < 0.01


@pytest.mark.parametrize(("size", "millions"), [("nano", 0.63), ("tiny", 7.17), ("small", 43.79)])
def test_named_sizes_have_the_parameters_they_are_known_for(size: str, millions: float) -> None:
    assert size in SIZES
    with torch.device("meta"):
        model = Transformer(ModelConfig.named(size, 8192, MASK_ID))
    assert model.n_parameters / 1e6 == pytest.approx(millions, abs=0.02)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 30},
        {"n_kv_heads": 3},
        {"logit_shift": 2},
        {"attention_block": -1},
        {"n_neighbours": -1},
        {"n_marks": -1},
        {"n_neighbours": 1, "attention_block": 4},
        {"n_heads": 0},
        {"n_layers": 0},
    ],
)
def test_a_shape_that_cannot_be_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(CheckpointError, match=r"correct config\.json$"):
        replace(PLAIN, **change)


def test_a_configuration_survives_json() -> None:
    for config in VARIANTS.values():
        assert ModelConfig.from_json(config.to_json()) == config
    with pytest.raises(CheckpointError, match="does not fit this version"):
        ModelConfig.from_json(PLAIN.to_json() | {"rope": 1})
    with pytest.raises(CheckpointError, match="there is no size 'huge'"):
        ModelConfig.named("huge", V)
