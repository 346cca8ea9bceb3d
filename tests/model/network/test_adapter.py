"""Regions through base and adapter: the slow twin, the frozen context, merged matrices, the loss, and the file."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from redraft_kernels import dispatch
from redraft_model.errors import CheckpointError
from redraft_model.network.adapter import (
    Adapter,
    AdapterConfig,
    AdapterTraining,
    adapter_for,
    load_adapter,
    new_adapter,
    save_adapter,
)
from redraft_model.network.base import Base, load_base
from redraft_model.network.region import (
    Contexts,
    RegionNetwork,
    adapted,
    head_labels,
    hidden_reference,
    merged,
    network_ids,
)
from redraft_model.network.region_loss import AskedTokens, region_loss
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID
from redraft_model.tokens.tokenizer import SPECIALS
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

CPU = torch.device("cpu")
SETTINGS = [
    AdapterConfig(4, labels, suffix) for labels, suffix in (("vocabulary", "alone"), ("head", "after_prefix"))
]
PREFIXES, SUFFIXES, N_COPIES = (9, 1, 14), (6, 11, 0), 2


@dataclass(frozen=True)
class Rows:
    """Three contexts, two regions over each, padded on the right."""

    prefix: torch.Tensor
    prefix_lengths: torch.Tensor
    suffix: torch.Tensor
    suffix_lengths: torch.Tensor
    regions: torch.Tensor
    lengths: torch.Tensor

    def contexts(self, network: RegionNetwork) -> Contexts:
        """Those of regions of the lengths of the first copies."""
        gaps = self.lengths[::N_COPIES] - 2
        return network.read(self.prefix, self.prefix_lengths, self.suffix, self.suffix_lengths, gaps)


@pytest.fixture(scope="module")
def base(toy_base: Path) -> Base:
    return load_base(toy_base, CPU)


@pytest.fixture(scope="module")
def rows(base: Base) -> Rows:
    generator = torch.Generator().manual_seed(3)
    n = base.model.config.n_vocabulary

    def random(n_rows: int, n_tokens: int) -> torch.Tensor:
        return torch.randint(3, 400, (n_rows, n_tokens), generator=generator)

    prefix, suffix = random(3, max(PREFIXES)), random(3, max(SUFFIXES))
    # Copies of one region have the same length here, which is that of the gap.
    lengths = torch.tensor([8, 8, 3, 3, 11, 11])
    regions = random(6, 11)
    for i, length in enumerate(lengths.tolist()):
        regions[i, 0] = prefix[i // N_COPIES, PREFIXES[i // N_COPIES] - 1]
        regions[i, length - 1] = n + ANCHOR_ID
        regions[i, 1 : length - 1 : 2] = n + MASK_ID
    return Rows(prefix, torch.tensor(PREFIXES), suffix, torch.tensor(SUFFIXES), regions, lengths)


def learnt(base: Base, config: AdapterConfig) -> Adapter:
    """An adapter whose every value matters."""
    adapter = new_adapter(base.model, config, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return adapter


def hidden(network: RegionNetwork, rows: Rows) -> torch.Tensor:
    return network.hidden(rows.regions, rows.lengths, rows.contexts(network))


@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_a_pass_over_caches_equals_the_whole_sequence_with_a_mask(
    base: Base, rows: Rows, config: AdapterConfig
) -> None:
    for network in (adapted(base.model, learnt(base, config)), merged(base.model, learnt(base, config))):
        found = hidden(network, rows)
        for i, length in enumerate(rows.lengths.tolist()):
            b = i // N_COPIES
            expected = hidden_reference(
                network,
                rows.prefix[b, : PREFIXES[b]],
                rows.suffix[b, : SUFFIXES[b]],
                rows.regions[i, :length],
            )
            torch.testing.assert_close(found[i, :length], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_merged_and_unmerged_agree(base: Base, rows: Rows, config: AdapterConfig) -> None:
    adapter = learnt(base, config)
    one, other = adapted(base.model, adapter), merged(base.model, adapter)
    plain = adapted(base.model, new_adapter(base.model, config, seed=1))
    torch.testing.assert_close(hidden(one, rows), hidden(other, rows), rtol=1e-4, atol=1e-4)
    assert (hidden(one, rows) - hidden(plain, rows)).abs().max() > 0.1


def test_the_context_is_what_the_base_reads_and_does_not_know_the_adapter(base: Base, rows: Rows) -> None:
    adapter = learnt(base, AdapterConfig(4))
    contexts = rows.contexts(adapted(base.model, adapter))
    _, cache = base.model.encode(rows.prefix)
    for found, expected in zip(
        contexts.prefix.keys + contexts.prefix.values, cache.keys + cache.values, strict=True
    ):
        assert torch.equal(found, expected)
        assert not found.requires_grad
    # What is read of a prefix stays when it grows.
    _, grown = base.model.encode(torch.cat([rows.prefix, rows.prefix], 1))
    torch.testing.assert_close(grown.keys[1][:, : rows.prefix.shape[1]], cache.keys[1])


def test_a_suffix_that_is_read_alone_does_not_depend_on_the_prefix(base: Base, rows: Rows) -> None:
    other = replace(rows, prefix=rows.prefix.flip(1))
    for suffix, is_same in (("alone", True), ("after_prefix", False)):
        network = adapted(base.model, learnt(base, AdapterConfig(4, suffix=suffix)))
        found = [each.contexts(network).suffix.values[1] for each in (rows, other)]
        assert torch.equal(*found) == is_same


def test_copies_of_other_lengths_see_the_suffix_where_it_stands_for_them(base: Base, rows: Rows) -> None:
    network = adapted(base.model, learnt(base, AdapterConfig(4)))
    shorter = replace(rows, lengths=rows.lengths.clone())
    shorter.lengths[1] = 5
    shorter.regions[1, 4] = base.model.config.n_vocabulary + ANCHOR_ID
    found = hidden(network, shorter)[1, :5]
    expected = hidden_reference(
        network, rows.prefix[0, : PREFIXES[0]], rows.suffix[0, : SUFFIXES[0]], shorter.regions[1, :5]
    )
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_new_adapter_reads_a_region_without_suffix_nearly_as_the_base(base: Base, rows: Rows) -> None:
    network = adapted(base.model, new_adapter(base.model, AdapterConfig(4), seed=0))
    row = torch.cat([rows.prefix[2, 13:14], torch.tensor([base.model.config.n_vocabulary + ANCHOR_ID])])
    nothing = torch.zeros(1, dtype=torch.int64)
    contexts = network.read(rows.prefix[2:], torch.tensor([14]), rows.suffix[2:], nothing, nothing)
    whole = base.model(rows.prefix[2:])[0, -1]
    # Only the marker behind it is new to the last prefix token.
    without = network.hidden(row[None], torch.tensor([1]), contexts)[0, 0]
    torch.testing.assert_close(without, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_answers_are_probabilities_and_a_mask_is_none_of_them(
    base: Base, rows: Rows, config: AdapterConfig
) -> None:
    network = adapted(base.model, learnt(base, config))
    log_p = network.log_probabilities(hidden(network, rows), rows.regions)
    n = base.model.config.n_vocabulary
    assert log_p.shape == (6, 10, n + len(SPECIALS))
    is_text = rows.regions[:, 1:] < n
    torch.testing.assert_close(log_p.exp().sum(-1)[is_text], torch.ones(int(is_text.sum())))
    assert log_p[..., n + MASK_ID].max() == -torch.inf
    assert log_p[..., [n + DELETE_ID, *(n + i for i in INSERT_IDS)]].min() > -torch.inf


def asked(rows: Rows, n_vocabulary: int) -> AskedTokens:
    """Every token of every region and its marker: kept, substituted, deleted, with tokens missing before it."""
    index, targets = [], []
    answers = [3, 77, n_vocabulary + DELETE_ID, *(n_vocabulary + i for i in INSERT_IDS)]
    for i, length in enumerate(rows.lengths.tolist()):
        for j in range(1, length):
            index.append(i * rows.regions.shape[1] + j)
            shown = int(rows.regions[i, j])
            targets.append(shown if j == length - 1 else answers[(i + j) % len(answers)])
    weights = torch.linspace(0.1, 2.0, len(index))
    weights[4] = 0.0
    return AskedTokens(torch.tensor(index), torch.tensor(targets), weights)


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets REDRAFT_KERNELS."""

    def chosen(value: str) -> None:
        if value == "triton" and not dispatch.TRITON_CAN_RUN:
            pytest.skip("needs Triton, and a GPU or TRITON_INTERPRET=1")
        monkeypatch.setenv("REDRAFT_KERNELS", value)
        dispatch.kernel_choice.cache_clear()

    yield chosen
    dispatch.kernel_choice.cache_clear()


@pytest.mark.parametrize("kernels", ["reference", "triton"])
@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_the_loss_is_minus_the_log_probability_of_the_targets(
    base: Base,
    rows: Rows,
    config: AdapterConfig,
    kernels: str,
    choose: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Several chunks, the last one short.
    monkeypatch.setattr("redraft_model.network.region_loss.LOGITS_ON_CPU", 1)
    network = adapted(base.model, learnt(base, config))
    n, questions = base.model.config.n_vocabulary, asked(rows, base.model.config.n_vocabulary)
    states = hidden(network, rows).detach().requires_grad_()
    choose(kernels)
    loss = region_loss(network, states, rows.regions, questions)
    log_p = network.log_probabilities(states, rows.regions)
    at = questions.index_A - 1 - questions.index_A // rows.regions.shape[1]
    expected = -log_p.flatten(0, 1)[at].gather(1, questions.targets_A[:, None])[:, 0]
    if config.labels == "head":
        # Trained is the label and, where it is SUBSTITUTE, the token; the softmax also counts other ways to keep a token.
        labels = head_labels(rows.regions.flatten()[questions.index_A], questions.targets_A, n)
        head = network.head_logits(states).flatten(0, 1)[questions.index_A]
        expected = F.cross_entropy(head, labels, reduction="none")
        tokens = network.logits(states).flatten(0, 1)[questions.index_A - 1].log_softmax(-1)
        is_token = labels == 7
        expected = expected - torch.where(
            is_token, tokens.gather(1, questions.targets_A[:, None])[:, 0], torch.zeros(len(labels))
        )
    expected = (expected * questions.weights_A).sum() / questions.weights_A.sum()
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    wanted = [states, network.adapter.control_rows]
    for ours, theirs in zip(
        torch.autograd.grad(loss, wanted, allow_unused=True),
        torch.autograd.grad(expected, wanted, allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(
            ours, torch.zeros_like(ours) if theirs is None else theirs, rtol=1e-3, atol=1e-6
        )


def test_gradients_reach_all_of_the_adapter_and_nothing_else(base: Base, rows: Rows) -> None:
    adapter = learnt(base, AdapterConfig(4))
    network = adapted(base.model, adapter)
    questions = asked(rows, base.model.config.n_vocabulary)
    region_loss(network, hidden(network, rows), rows.regions, questions).backward()
    assert [name for name, p in adapter.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []
    assert all(p.grad is None for p in base.model.parameters())


def test_the_kernel_serves_a_region(base: Base, rows: Rows, choose: Callable[[str], None]) -> None:
    network = merged(base.model, learnt(base, AdapterConfig(4)))
    with torch.no_grad():
        expected = hidden(network, rows)
        choose("triton")
        found = hidden(network, rows)
    for i, length in enumerate(rows.lengths.tolist()):
        torch.testing.assert_close(found[i, :length], expected[i, :length], rtol=1e-4, atol=1e-4)


def test_compiled_layers_compute_the_same(toy_base: Path, rows: Rows) -> None:
    base = load_base(toy_base, CPU)
    adapter = learnt(base, AdapterConfig(4))
    plain, compiled = adapted(base.model, adapter), adapted(base.model, adapter)
    expected = hidden(plain, rows)
    torch._dynamo.reset()
    compiled.compile(backend="aot_eager")
    found = hidden(compiled, rows)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    wanted = list(adapter.layers.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(found.square().mean(), wanted),
        torch.autograd.grad(expected.square().mean(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
    # Both layers run the same code.
    with torch.compiler.set_stance("fail_on_recompile"):
        hidden(compiled, rows)


def test_network_ids_are_the_bases_own_and_control_tokens_behind_them(base: Base) -> None:
    tokenizer = base.tokenizer.with_control_tokens()
    n = base.model.config.n_vocabulary
    text = "def f(x):\n    return x <|mask|> é\n"
    ours = network_ids(torch.from_numpy(tokenizer.encode(text).astype("int64")), n)
    assert ours.tolist() == base.tokenizer.encode(text).tolist()
    assert network_ids(torch.tensor([MASK_ID, ANCHOR_ID]), n).tolist() == [n + MASK_ID, n + ANCHOR_ID]


@pytest.mark.parametrize(("dtype", "tolerance"), [("int8", 1 / 127), ("bfloat16", 1 / 128)])
@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_an_adapter_survives_its_file(
    base: Base, tmp_path: Path, config: AdapterConfig, dtype: str, tolerance: float
) -> None:
    adapter = learnt(base, config)
    training = AdapterTraining(1000, 7, 60, "adapter", {"accuracy/masked_15/mask": 0.5})
    n_bytes = save_adapter(adapter, base, tmp_path, training, dtype)
    assert n_bytes == (tmp_path / "adapter.safetensors").stat().st_size < 4 * adapter.n_parameters
    found, same = load_adapter(tmp_path, base)
    assert (found.config, same) == (config, training)
    assert not any(parameter.requires_grad for parameter in found.parameters())
    for (name, value), exact in zip(found.state_dict().items(), adapter.state_dict().values(), strict=True):
        limit = 0.0 if exact.ndim < 2 else float(exact.abs().max()) * tolerance
        assert (value - exact).abs().max() <= limit, name


def test_an_adapter_of_another_base_is_refused(base: Base, toy_base: Path, tmp_path: Path) -> None:
    save_adapter(learnt(base, AdapterConfig(4)), base, tmp_path / "adapter", AdapterTraining())
    other = tmp_path / "other"
    other.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (other / name).write_bytes((toy_base / name).read_bytes())
    weights = load_file(toy_base / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"] *= 1.05
    save_file(weights, other / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"belongs to another base than .*other; pass the base 'base'"):
        load_adapter(tmp_path / "adapter", load_base(other, CPU))


def test_a_base_is_the_same_in_every_dtype(base: Base, toy_base: Path) -> None:
    assert load_base(toy_base, CPU, torch.bfloat16).fingerprint == base.fingerprint


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"format": 9}, "is not of adapter format 1"),
        ({"base": {}}, "lacks an entry"),
        (
            {"adapter": {"rank": 4, "labels": "none", "suffix": "alone"}},
            "labels of an adapter is vocabulary or head",
        ),
        ({"adapter": {"rank": 0}}, "the rank of an adapter is 1 to 1024"),
        ({"adapter": {"rank": 8}}, r"where adapter.json and the base ask for \(8, "),
        ({"adapter": {"rank": 4, "labels": "head"}}, "head.weight .* is missing"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    base: Base, tmp_path: Path, damage: dict[str, object], message: str
) -> None:
    save_adapter(learnt(base, AdapterConfig(4)), base, tmp_path, AdapterTraining())
    about = json.loads((tmp_path / "adapter.json").read_text())
    (tmp_path / "adapter.json").write_text(json.dumps({**about, **damage}))
    with pytest.raises(CheckpointError, match=message):
        load_adapter(tmp_path, base)


@pytest.mark.parametrize("name", ["adapter.json", "adapter.safetensors"])
def test_a_file_that_is_missing_or_cut_off_is_refused(base: Base, tmp_path: Path, name: str) -> None:
    save_adapter(learnt(base, AdapterConfig(4)), base, tmp_path, AdapterTraining())
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=f"{name} (cannot be read|is damaged)"):
        load_adapter(tmp_path, base)
    path.unlink()
    with pytest.raises(CheckpointError, match=f"no {name}|{name} is damaged"):
        load_adapter(tmp_path, base)


def test_the_adapter_of_the_real_base_is_small(base_folder: Path, tmp_path: Path) -> None:
    real = load_base(base_folder, CPU, torch.bfloat16)
    for rank, dtype in ((32, "bfloat16"), (32, "int8"), (64, "int8")):
        adapter = new_adapter(real.model, AdapterConfig(rank), seed=0)
        assert save_adapter(adapter, real, tmp_path, AdapterTraining(), dtype) <= 20_000_000


def test_an_adapter_is_taken_for_its_own_base_only(base: Base, tmp_path: Path) -> None:
    assert adapter_for(tmp_path / "none", base) is None
    save_adapter(new_adapter(base.model, AdapterConfig(2), 0), base, tmp_path, AdapterTraining())
    found = adapter_for(tmp_path, base)
    assert found is not None
    assert found.config.rank == 2
    about = json.loads((tmp_path / "adapter.json").read_text())
    about["base"]["fingerprint"] = "another"
    (tmp_path / "adapter.json").write_text(json.dumps(about))
    assert adapter_for(tmp_path, base) is None
    (tmp_path / "adapter.json").write_text("{")
    with pytest.raises(CheckpointError):
        adapter_for(tmp_path, base)
